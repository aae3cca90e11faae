"""Assurance as values: what is in date and what a lapse stops, who acceded, what is due when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from tests.factories import County, agreement, dataset, grant, home_standing, party

from commonthread.broker.rules.charter import Charter, parse_charter
from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.facts import CHARTER
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.standing import OFFICER, Partner, Standing
from commonthread.broker.rules.terms import PLATFORM, Duty
from commonthread.gateway.assurance import grid as grids
from commonthread.gateway.assurance.accession import ACCEDED, EARLIER, NEVER, roll
from commonthread.gateway.assurance.evidence import shown_name
from commonthread.gateway.assurance.grid import (
    ENDED,
    ENDING,
    IN_DATE,
    LAPSED,
    LEVEL,
    MISSING,
    NOT_HELD,
    grid,
)
from commonthread.gateway.assurance.reminders import (
    due_before,
    reminders,
    told,
)
from commonthread.gateway.assurance.schemes import SCHEMES, is_higher, level_in_words

OWNER, READER = "wychshire", "severn-acute"
ICO, DSPT = "ico-registration", "dspt"
EXPIRES = date(2027, 3, 31)
REFERENCE = "ISA-2026-014"


def credential(scheme: str = ICO, expires: date = EXPIRES, level: str = "") -> dict[str, Any]:
    said = {"scheme": scheme, "reference": "Z1", "expires": expires.isoformat()}
    return said | ({"level": level} if level else {})


def county(*held: dict[str, Any], demands: Any = None) -> County:
    """Two partners with an agreement in force; the owner holds what is given."""
    made = home_standing()
    made.add_partner(OWNER, credentials=held or [credential()])
    made.add_partner(READER)
    for partner in (OWNER, READER):
        made.add_member(f"s.{partner}", partner, roles=["signatory"])
        made.add_member(f"o.{partner}", partner, roles=[OFFICER])
    made.add_charter()
    for partner in (OWNER, READER, PLATFORM):
        made.accede(partner)
    made.add_dataset(dataset(OWNER, "calls", {"ref": "text"}))
    made.propose(agreement_of(demands))
    made.sign_all(REFERENCE)
    return made


def agreement_of(demands: Any = None, **changes: Any) -> dict[str, Any]:
    wanted = [{"scheme": ICO, "on_lapse": "suspend"}] if demands is None else demands
    table = agreement(
        [grant("calls", f"{OWNER}/calls", ["ref"], recipients=[f"{READER}/team"])],
        parties=[party(OWNER), party(READER)],
        requires_credentials=wanted,
        **changes,
    )
    return table


def at_day(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def cell(standing: Standing, at: datetime, scheme: str = ICO) -> grids.Cell:
    row = grid(standing, at).row(OWNER)
    assert row is not None
    return next(one for one in row.cells if one.scheme == scheme)


# The grid


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (61, IN_DATE, "In date"),
        (60, ENDING, "Ends in 60 days"),
        (1, ENDING, "Ends in 1 day"),
        (0, ENDING, "Ends today"),
        (-1, LAPSED, "Lapsed"),
    ],
)
def test_a_cell_says_how_long_is_left_to_the_day(days: int, state: str, words: str) -> None:
    found = cell(county().standing, at_day(EXPIRES - timedelta(days=days)))
    assert (found.state, found.in_words) == (state, words)


def test_a_lapse_stops_in_the_second_in_which_the_broker_closes() -> None:
    standing = county().standing
    last = ends(EXPIRES) - timedelta(microseconds=1)
    assert not cell(standing, last).stops
    assert not in_force(REFERENCE, standing, last).reasons
    first = cell(standing, ends(EXPIRES))
    assert [ask.reference for ask in first.stops] == [REFERENCE]
    assert in_force(REFERENCE, standing, ends(EXPIRES)).reasons


def test_a_demand_is_shown_with_what_its_lapse_does_and_from_when() -> None:
    [ask] = cell(county().standing, at_day(date(2026, 12, 1))).asks
    assert (ask.reference, ask.on_lapse, ask.until) == (REFERENCE, "suspend", ends(EXPIRES))
    assert ask.effect == "it opens nothing until the credential is renewed"


def test_what_only_warns_stops_nothing() -> None:
    demands = [{"scheme": ICO, "on_lapse": "warn"}]
    found = cell(county(demands=demands).standing, ends(EXPIRES))
    assert (found.state, found.stops) == (LAPSED, ())
    assert [ask.reference for ask in found.wanting] == [REFERENCE]


def test_what_is_asked_for_and_not_held_is_not_the_same_as_not_held() -> None:
    demands = [{"scheme": DSPT, "on_lapse": "suspend"}]
    standing = county(demands=demands).standing
    at = at_day(date(2026, 12, 1))
    assert cell(standing, at, DSPT).state == MISSING
    standing.agreements.clear()
    standing.partners[READER] = replace(
        standing.partners[READER],
        credentials=(replace(standing.partners[OWNER].credentials[0], scheme=DSPT),),
    )
    assert cell(standing, at, DSPT).state == NOT_HELD


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("approaching-standards", "Standards met is asked for"),
        (
            "standards-exceeded",
            "Standards met is asked for; a higher level does not count for it",
        ),
    ],
)
def test_another_level_than_asked_for_is_said(level: str, words: str) -> None:
    demands = [{"scheme": DSPT, "level": "standards-met", "on_lapse": "suspend"}]
    found = cell(
        county(credential(DSPT, level=level), demands=demands).standing,
        at_day(date(2026, 12, 1)),
        DSPT,
    )
    assert (found.state, found.in_words) == (LEVEL, words)
    assert [ask.reference for ask in found.stops] == [REFERENCE]


def test_the_days_are_those_of_the_level_that_is_asked_for() -> None:
    demands = [{"scheme": DSPT, "level": "standards-met", "on_lapse": "suspend"}]
    soon = date(2026, 12, 31)
    held = [
        credential(DSPT, soon, "standards-met"),
        credential(DSPT, EXPIRES, "approaching-standards"),
    ]
    found = cell(county(*held, demands=demands).standing, at_day(date(2026, 12, 1)), DSPT)
    assert (found.state, found.days) == (ENDING, 30)


def test_a_gap_that_ended_an_agreement_is_not_mended_by_renewing() -> None:
    made = county(demands=[{"scheme": ICO, "on_lapse": "end"}])
    made.at = ends(EXPIRES) + timedelta(days=1)
    made.add_partner(OWNER, credentials=[credential(expires=date(2028, 3, 31))])
    found = cell(made.standing, made.at)
    assert found.state == ENDED
    assert [ask.reference for ask in found.stops] == [REFERENCE]


def test_a_renewal_stands_before_what_it_renews() -> None:
    made = county()
    made.add_partner(OWNER, credentials=[credential(expires=date(2028, 3, 31))])
    found = cell(made.standing, at_day(EXPIRES + timedelta(days=1)))
    assert (found.state, found.expires) == (IN_DATE, date(2028, 3, 31))


def test_processors_those_who_left_and_ended_agreements_are_asked_for_nothing() -> None:
    made = county()
    made.withdraw(REFERENCE, OWNER)
    assert not cell(made.standing, at_day(date(2026, 12, 1))).asks
    standing = county().standing
    version = standing.governing(REFERENCE)
    assert version is not None
    after = ends(version.terms.ends)
    row = grid(standing, after).row(OWNER)
    assert row is not None
    assert not any(one.asks for one in row.cells)
    processor = [replace(one, role="processor") for one in version.terms.parties]
    terms = replace(version.terms, parties=tuple(processor))
    standing.agreements[REFERENCE] = (replace(version, terms=terms),)
    assert not cell(standing, at_day(date(2026, 12, 1))).asks


def test_the_worst_stand_first_and_a_filter_keeps_those_of_a_state() -> None:
    made = county(credential(expires=date(2026, 12, 31)))
    found = grid(made.standing, at_day(date(2027, 1, 1)))
    assert [row.partner.id for row in found.rows] == [OWNER, READER]
    assert [row.partner.id for row in found.only(LAPSED).rows] == [OWNER]
    assert found.only("nonsense") is found
    assert found.counts()[LAPSED] == 1
    assert found.rows[0].stops == (REFERENCE,)


def test_the_platform_is_in_no_grid() -> None:
    found = grid(county().standing, at_day(date(2026, 12, 1)))
    assert PLATFORM not in [row.partner.id for row in found.rows]


def test_schemes_that_nobody_knows_are_shown_as_well() -> None:
    found = grid(
        county(credential(), credential("caf-profile")).standing, at_day(date(2026, 12, 1))
    )
    assert found.schemes == (ICO, "caf-profile")


def test_what_the_grid_says_stops_is_what_the_broker_refuses() -> None:
    """Over counties of all kinds of credentials: the same agreements, for the same schemes."""
    random = Random(20)
    for _ in range(40):
        made = county(*_drawn(random), demands=[*_demanded(random)])
        at = at_day(date(2026, 11, 26) + timedelta(days=random.randint(0, 200)))
        said = {
            (one.partner, one.scheme)
            for row in grid(made.standing, at).rows
            for one in row.cells
            if one.stops
        }
        reasons = in_force(REFERENCE, made.standing, at).reasons
        refused = {reason.clause for reason in reasons if reason.code.startswith("credential-")}
        assert {f"requires_credentials[{s}][{p}]" for p, s in said} == refused


def _drawn(random: Random) -> Iterator[dict[str, Any]]:
    for scheme in (ICO, DSPT):
        for level in random.sample(["", "standards-met", "approaching"], random.randint(1, 2)):
            yield credential(scheme, date(2026, 12, 1) + timedelta(random.randint(0, 150)), level)


def _demanded(random: Random) -> Iterator[dict[str, Any]]:
    for scheme in (ICO, DSPT, "psn")[: random.randint(1, 3)]:
        level = random.choice(["", "standards-met"])
        yield {
            "scheme": scheme,
            "on_lapse": random.choice(["warn", "suspend", "end"]),
        } | ({"level": level} if level else {})


# Schemes


def test_levels_stand_in_order_under_every_spelling() -> None:
    assert is_higher(DSPT, "met", "approaching-standards")
    assert not is_higher(DSPT, "standards-met", "met")
    assert not is_higher(DSPT, "gold", "met")
    assert level_in_words(DSPT, "met") == level_in_words(DSPT, "standards-met") == "Standards met"
    assert all(scheme.source and scheme.lasts for scheme in SCHEMES.values())


# The charter


def charter(version: int, reference: str = "CHARTER-2026") -> Charter:
    table = {
        "reference": reference,
        "title": "Charter",
        "version": version,
        "starts": "2026-01-01",
        "ends": "2030-12-31",
        "review": "2028-01-01",
        "principles": ["We share no more than the purpose needs.", f"Version {version}."],
        "own_data": "A partner may see what it deposited itself.",
    }
    return parse_charter(table)


def test_a_new_version_waits_for_everybody_and_says_which_they_signed() -> None:
    made = county()
    made.add_partner("late-homes")
    first = made.standing.charters["CHARTER-2026"]
    second = replace(first, version=2, title="Second")
    made.add(CHARTER, second.to_plain())
    made.accede(READER)
    found = roll(second, [first], made.standing, made.at)
    states = {one.partner.id: (one.state, one.version, one.waits) for one in found.accessions}
    assert states[READER] == (ACCEDED, 2, ())
    assert states[OWNER] == (EARLIER, 1, (REFERENCE,))
    assert states["late-homes"] == (NEVER, 0, ())
    assert [one.partner.id for one in found.waited_for] == [OWNER, "late-homes"]
    assert found.agreements == 1
    assert [one.version for one in found.earlier] == [1]


def test_a_charter_closes_with_its_last_day() -> None:
    made = county()
    known = made.standing.charters["CHARTER-2026"]
    before = roll(known, [], made.standing, ends(known.ends) - timedelta(microseconds=1))
    after = roll(known, [], made.standing, ends(known.ends))
    assert (before.in_force, after.in_force) == (True, False)
    assert before.closes == ends(known.ends)


def test_with_the_charters_last_day_the_broker_closes_what_is_under_it() -> None:
    made = county()
    known = made.standing.charters["CHARTER-2026"]
    shorter = replace(known, ends=date(2026, 12, 31), review=date(2026, 12, 1), version=2)
    made.add(CHARTER, shorter.to_plain())
    for partner in (OWNER, READER, PLATFORM):
        made.accede(partner)
    closes = roll(shorter, [known], made.standing, made.at).closes
    assert not in_force(REFERENCE, made.standing, closes - timedelta(microseconds=1)).reasons
    codes = {reason.code for reason in in_force(REFERENCE, made.standing, closes).reasons}
    assert codes == {"charter-dates"}


def test_who_acceded_is_whom_the_broker_takes_for_it() -> None:
    made = county()
    known = made.standing.charters["CHARTER-2026"]
    at = made.at
    made.standing.partners[OWNER] = replace(
        made.standing.partners[OWNER], root_key=made.standing.partners[READER].root_key
    )
    found = roll(known, [], made.standing, at)
    refused = {reason.clause for reason in in_force(REFERENCE, made.standing, at).reasons}
    waited = {one.partner.id for one in found.waited_for}
    assert waited == {OWNER}
    assert f"charter[{OWNER}]" in refused


# Reminders


@pytest.mark.parametrize(
    ("days", "due"),
    [(61, None), (60, 60), (59, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)],
)
def test_a_reminder_falls_due_on_its_day_and_the_nearest_counts(days: int, due: int | None) -> None:
    assert due_before(EXPIRES, EXPIRES - timedelta(days=days)) == due


def test_a_day_is_londons() -> None:
    """In summer the day begins at 23:00 UTC: the reminder does as well."""
    expires = date(2027, 7, 31)
    standing = county(credential(expires=expires)).standing
    instant = datetime(2027, 5, 31, 23, tzinfo=UTC)
    assert london_day(instant) == date(2027, 6, 1)
    kinds = [one.what for one in reminders(standing, instant) if one.kind == "credential"]
    assert kinds == [f"{OWNER}:{ICO}"]
    earlier = reminders(standing, instant - timedelta(microseconds=1))
    assert [one for one in earlier if one.kind == "credential"] == []


def of_kind(standing: Standing, at: datetime, kind: str) -> list[str]:
    return [one.key for one in reminders(standing, at) if one.kind == kind]


def test_a_credential_is_reminded_of_under_one_key_for_each_time() -> None:
    standing = county().standing
    keys = {
        key
        for days in range(70, -3, -1)
        for key in of_kind(standing, at_day(EXPIRES - timedelta(days=days)), "credential")
    }
    base = f"reminder:credential:{OWNER}:{ICO}:2027-03-31"
    assert keys == {f"{base}:60", f"{base}:30", f"{base}:7"}


def test_a_credential_that_was_renewed_is_not_reminded_of() -> None:
    made = county()
    made.add_partner(OWNER, credentials=[credential(expires=date(2028, 3, 31))])
    assert of_kind(made.standing, at_day(EXPIRES - timedelta(days=7)), "credential") == []


def test_a_level_that_is_asked_for_is_reminded_of_though_another_lasts_longer() -> None:
    demands = [{"scheme": DSPT, "level": "standards-met", "on_lapse": "suspend"}]
    held = [
        credential(DSPT, date(2026, 12, 31), "standards-met"),
        credential(DSPT, EXPIRES, "approaching-standards"),
    ]
    standing = county(*held, demands=demands).standing
    found = {
        one.on: one.text
        for day in (date(2026, 12, 24), date(2027, 3, 24))
        for one in reminders(standing, at_day(day))
        if one.kind == "credential"
    }
    assert REFERENCE in found[date(2026, 12, 31)]
    assert "No agreement asks for it." in found[EXPIRES]


def test_a_reminder_names_what_a_lapse_would_touch() -> None:
    [one] = [
        each
        for each in reminders(county().standing, at_day(EXPIRES - timedelta(days=7)))
        if each.kind == "credential"
    ]
    assert one.partners == (OWNER,)
    assert one.subject == "ICO fee of Wychshire: 7 days left"
    assert REFERENCE in one.text
    assert "31 March 2027" in one.text


@pytest.mark.parametrize(("kind", "field"), [("agreement", "ends"), ("review", "review")])
def test_an_agreement_is_reminded_of_to_all_its_parties(kind: str, field: str) -> None:
    made = county()
    version = made.standing.governing(REFERENCE)
    assert version is not None
    last = getattr(version.terms, field)
    # Only the dates of the agreement are looked at: its charter must outlast them.
    found = [
        one
        for one in reminders(made.standing, at_day(last - timedelta(days=30)))
        if one.kind == kind
    ]
    if kind == "agreement":
        made.withdraw(REFERENCE, OWNER)
        assert of_kind(made.standing, at_day(last - timedelta(days=30)), kind) == []
    assert [one.before for one in found] == [30]
    assert set(found[0].partners) == {OWNER, READER}


def test_a_charter_is_reminded_of_to_those_who_acceded() -> None:
    standing = county().standing
    last = standing.charters["CHARTER-2026"].ends
    [one] = [
        each
        for each in reminders(standing, at_day(last - timedelta(days=60)))
        if each.kind == "charter"
    ]
    assert one.partners == (READER, OWNER)


def duty(due: date, every: str = "") -> Duty:
    return Duty("train", "Train the staff.", OWNER, due, every)


def with_duty(due: date, every: str = "") -> County:
    made = county()
    version = made.standing.governing(REFERENCE)
    assert version is not None
    terms = replace(version.terms, duties=(duty(due, every),))
    made.standing.agreements[REFERENCE] = (replace(version, terms=terms),)
    return made


def test_a_duty_is_reminded_of_to_its_owner() -> None:
    standing = with_duty(date(2027, 2, 15)).standing
    [one] = [each for each in reminders(standing, at_day(date(2027, 2, 8))) if each.kind == "duty"]
    assert (one.partners, one.before) == ((OWNER,), 7)
    assert "Train the staff." in one.text


def test_a_duty_that_returns_is_reminded_of_for_its_next_day_only() -> None:
    standing = with_duty(date(2027, 1, 31), "P1M").standing
    [key] = of_kind(standing, at_day(date(2027, 2, 1)), "duty")
    assert key == f"reminder:duty:{REFERENCE}:{OWNER}:duty[train]:2027-02-28:30"


def test_a_duty_that_was_attested_is_not_reminded_of() -> None:
    standing = with_duty(date(2027, 1, 31), "P1M").standing
    done = {(REFERENCE, "duty[train]", OWNER, date(2027, 2, 28))}
    found = [one for one in reminders(standing, at_day(date(2027, 2, 1)), done)]
    assert [one.on for one in found if one.kind == "duty"] == [date(2027, 3, 31)]


def test_what_has_to_be_destroyed_is_reminded_of_when_all_else_is_over() -> None:
    standing = with_duty(date(2035, 3, 20)).standing
    version = standing.governing(REFERENCE)
    assert version is not None
    gone = version.terms.ends + timedelta(days=90)
    found = [one for one in reminders(standing, at_day(gone - timedelta(days=7)))]
    assert [(one.kind, one.on, one.partners) for one in found] == [("duty", gone, (READER,))]
    assert "Destroy what was kept of calls" in found[0].text


def test_a_dpia_is_reminded_of_before_its_review() -> None:
    made = county()
    digest = made.add_dpia(f"s.{OWNER}", review="2027-05-01")
    version = made.standing.governing(REFERENCE)
    assert version is not None
    terms = replace(version.terms, dpia=digest)
    made.standing.agreements[REFERENCE] = (replace(version, terms=terms),)
    [one] = [
        each for each in reminders(made.standing, at_day(date(2027, 4, 1))) if each.kind == "dpia"
    ]
    assert (one.days, one.before) == (30, 30)


def test_a_partner_is_told_through_its_officers_or_else_who_signs() -> None:
    standing = county().standing
    assert [one.id for one in told(standing, OWNER)] == [f"o.{OWNER}"]
    del standing.members[f"o.{OWNER}"]
    assert [one.id for one in told(standing, OWNER)] == [f"s.{OWNER}"]
    assert told(standing, "nobody") == ()


# What evidence is called


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("certificate.pdf", "certificate.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\keys\\home.key", "home.pdf"),
        ("..", "evidence.pdf"),
        ("", "evidence.pdf"),
        ('a"\r\nSet-Cookie: x.pdf', "aSet-Cookie: x.pdf"),
        ("a\u202efdp.exe", "afdp.pdf"),
        ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
    ],
)
def test_a_name_is_shown_without_path_or_tricks(sent: str, shown: str) -> None:
    assert shown_name(sent, "pdf") == shown


def test_a_partner_without_anything_is_still_in_the_grid() -> None:
    standing = Standing()
    standing.partners["bare"] = Partner("bare", "Bare", "council", "k")
    found = grid(standing, at_day(date(2026, 12, 1)))
    assert (found.schemes, [row.partner.id for row in found.rows]) == ((), ["bare"])
