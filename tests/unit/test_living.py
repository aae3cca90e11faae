"""Living with an agreement, as values: timeline, calendar, duties, endings, at boundaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from icalendar import Calendar
from tests.factories import REFERENCE, County, dataset, grant, home_standing, signed

from commonthread.broker.access.proofs import Opened
from commonthread.broker.access.status import (
    AgreementStatus,
    Board,
    agreement_status,
    charter_status,
    statuses,
)
from commonthread.broker.rules.canonical import instant_text
from commonthread.broker.rules.dates import begins, ends
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.terms import Duty, Terms
from commonthread.gateway.clauses import Undertaking, undertakings
from commonthread.gateway.living import endings
from commonthread.gateway.living.calendar import Dated, agreements_of, dates, icalendar, uid
from commonthread.gateway.living.duties import (
    DONE,
    DUE_SOON,
    LATER,
    MOST_TIMES,
    OVERDUE,
    Attested,
    Owed,
    days_in_words,
    every_time,
    owed,
    owed_under,
    times,
)
from commonthread.gateway.living.refusals import Timer
from commonthread.gateway.living.timeline import (
    ENDED,
    FACTS,
    OPEN,
    STOPPED,
    WAITING,
    Timeline,
    timeline,
)

COLUMNS = {"ref": "text", "born": "date", "note": "text"}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOW.date()
RENEWED = {"scheme": "ico-registration", "reference": "Z2", "expires": "2030-03-31"}


def made(**changes: object) -> County:
    """`severn` gives rows to analysts of `wychshire`; both have signed, on 25 November 2026."""
    datasets = [dataset("severn", "visits", COLUMNS)]
    return signed(datasets, [grant("g", "severn/visits", ["ref"])], **changes)


@pytest.fixture
def county() -> County:
    return made()


def terms(county: County) -> Terms:
    version = county.standing.governing(REFERENCE)
    assert version is not None
    return version.terms


def drawn(county: County, attested: Iterable[Attested] = (), at: datetime = NOW) -> Timeline:
    facts = [
        Opened(seq, fact.kind, instant_text(fact.at), fact.leaf, fact.body, b"")
        for seq, fact in enumerate(county.facts)
        if fact.kind in FACTS and fact.body.get("reference") == REFERENCE
    ]
    return timeline(REFERENCE, county.standing, facts, tuple(attested), at)


def kinds(found: Timeline) -> list[str]:
    return [event.kind for event in found.past]


# The timeline


def test_a_timeline_tells_what_happened_in_its_order(county: County) -> None:
    county.suspend(REFERENCE, "severn", "We look into it.")
    county.resume(REFERENCE, "severn")
    county.withdraw(REFERENCE, "wychshire", "We leave.")
    found = drawn(county, at=county.at)
    assert kinds(found) == [
        "applied",
        "signed",
        "signed",
        "in-force",
        "suspended",
        "resumed",
        "withdrawn",
    ]
    suspended = found.past[4]
    assert (suspended.said, suspended.why) == ("Severn suspended it", "We look into it.")
    assert suspended.entry is not None


def test_what_lies_ahead_is_apart(county: County) -> None:
    ahead = [event.kind for event in drawn(county).ahead]
    assert {"review", "ended"} <= set(ahead)
    assert "signed" not in ahead


def test_a_suspension_closes_it_until_it_is_resumed(county: County) -> None:
    county.suspend(REFERENCE, "severn")
    since = county.at
    county.resume(REFERENCE, "severn")
    states = [(span.state, span.start, span.end) for span in drawn(county).spans]
    assert (STOPPED, since, county.at) in states
    assert states[-1][0] == OPEN


def test_before_all_have_signed_it_waits(county: County) -> None:
    county.propose(replace(terms(county), reference="ISA-2027-001"))
    found = timeline("ISA-2027-001", county.standing, (), (), NOW)
    assert [span.state for span in found.spans] == [WAITING]


def test_a_withdrawal_ends_it_for_good(county: County) -> None:
    county.withdraw(REFERENCE, "severn", "We leave.")
    last = drawn(county).spans[-1]
    assert (last.state, last.why, last.start) == (ENDED, "Severn withdrew", county.at)


def test_a_new_version_supersedes_the_one_before(county: County) -> None:
    county.propose(replace(terms(county), version=2, ends=date(2033, 6, 30)))
    county.sign_all(REFERENCE)
    found = drawn(county, at=county.at)
    assert "Version 1 was superseded by version 2" in [event.said for event in found.past]
    assert found.spans[-1].end == ends(date(2033, 6, 30))


def lapsing(on_lapse: str, *, held_first: bool = True) -> County:
    """Severn's certificate runs out on 31 March 2030, and is held from the start or later on."""
    county = home_standing()
    if held_first:
        certified(county)
    made(county=county, requires_credentials=[{"scheme": "iso-27001", "on_lapse": on_lapse}])
    if not held_first:
        certified(county)
    return county


def certified(county: County) -> None:
    for partner, expires in (("severn", "2030-03-31"), ("wychshire", "2036-03-31")):
        item = {"scheme": "iso-27001", "reference": "I", "expires": expires}
        county.add_partner(partner, credentials=[item])


@pytest.mark.parametrize("on_lapse", ["suspend", "end"])
def test_a_credential_that_runs_out_stops_it_at_midnight_in_london(on_lapse: str) -> None:
    lapse = next(event for event in drawn(lapsing(on_lapse)).ahead if event.kind == "lapsed")
    assert lapse.at == begins(date(2030, 4, 1))
    assert lapse.said == "Severn has no iso-27001 in date: sharing stops"


def test_a_credential_that_is_renewed_opens_it_again() -> None:
    county = lapsing("suspend", held_first=False)
    assert [
        event.said for event in drawn(county, at=county.at).past if event.kind == "renewed"
    ] == [
        "Severn renewed its iso-27001",
        "Wychshire renewed its iso-27001",
    ]


@pytest.mark.parametrize("renewed", [False, True], ids=["lapsed", "renewed"])
@pytest.mark.parametrize("held_first", [True, False], ids=["held-first", "held-later"])
@pytest.mark.parametrize("on_lapse", ["suspend", "end"])
def test_a_timeline_agrees_with_what_decides(
    on_lapse: str, held_first: bool, renewed: bool
) -> None:
    """At each boundary and just before it, the span says open exactly where it is in force."""
    county = lapsing(on_lapse, held_first=held_first)
    county.suspend(REFERENCE, "wychshire")
    county.resume(REFERENCE, "wychshire")
    if renewed:
        county.at = datetime(2030, 6, 1, tzinfo=UTC)
        item = {"scheme": "iso-27001", "reference": "J", "expires": "2033-03-31"}
        county.add_partner("severn", credentials=[item])
    checked = 0
    for span in drawn(county).spans:
        for moment in (span.start, span.end - timedelta(seconds=1)):
            if moment >= county.at:
                is_open = not in_force(REFERENCE, county.standing, moment).reasons
                assert (span.state == OPEN) == is_open, (span, moment)
                checked += 1
    assert checked


def test_a_lapse_that_only_warns_closes_nothing() -> None:
    found = drawn(lapsing("warn"))
    assert [event.kind for event in found.events].count("warned") >= 1
    assert STOPPED not in {span.state for span in found.spans}


def test_duties_and_attestations_are_on_it() -> None:
    duty = {"id": "train", "text": "Train.", "owner": "severn", "due": "2027-01-31"}
    county = made(duty=[duty])
    attested = [Attested("duty[train]", "severn", date(2027, 1, 31), "s", NOW, "Register, page 3")]
    said = [(event.kind, event.said) for event in drawn(county, attested).events]
    assert ("attested", "Severn attested duty[train]") in said
    assert ("due", "Severn owes: Train.") in said


# Duties


def listed(terms: Terms, attested: Iterable[Attested] = ()) -> tuple[Owed, ...]:
    return owed(undertakings(terms), terms.ends, attested, TODAY)


def with_duty(county: County, **changes: object) -> Terms:
    duty = Duty("train", "Train.", "severn", date(2027, 1, 31), "P1M")
    return replace(terms(county), duties=(replace(duty, **changes),))  # type: ignore[arg-type]


def test_a_duty_of_the_31st_falls_on_the_last_day_of_shorter_months(county: County) -> None:
    each = Undertaking("duty[train]", "Train.", "severn", date(2027, 1, 31), "P1M")
    found = list(every_time(each, date(2027, 5, 31)))
    assert found == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
        date(2027, 5, 31),
    ]


@pytest.mark.parametrize("period", ["", "P0D", "P9999Y"])
def test_a_period_that_leads_nowhere_falls_due_once(period: str) -> None:
    each = Undertaking("duty[x]", "X.", "severn", date(2027, 1, 31), period)
    assert list(every_time(each, date(2034, 12, 31))) == [date(2027, 1, 31)]


@pytest.mark.parametrize(
    ("period", "number", "found"), [("P6M", 2, "P12M"), ("P1Y2W10D", 3, "P3Y6W30D")]
)
def test_a_period_so_many_times_over(period: str, number: int, found: str) -> None:
    assert times(period, number) == found


def test_only_a_good_year_ahead_is_listed(county: County) -> None:
    found = listed(with_duty(county))
    monthly = [one.due for one in found if one.undertaking.clause == "duty[train]"]
    assert monthly[0] == date(2027, 1, 31)
    assert max(monthly) <= TODAY + timedelta(days=400)


def test_a_daily_duty_does_not_grow_without_end(county: County) -> None:
    daily = with_duty(county, due=date(2026, 1, 1), every="P1D")
    found = [one for one in listed(daily) if one.undertaking.clause == "duty[train]"]
    assert len(found) == MOST_TIMES


@pytest.mark.parametrize(
    ("day", "state", "said"),
    [
        (-1, OVERDUE, "overdue by 1 day"),
        (0, DUE_SOON, "due today"),
        (1, DUE_SOON, "due in 1 day"),
        (30, DUE_SOON, "due in 30 days"),
        (31, LATER, "due in 31 days"),
        (-1000, OVERDUE, "overdue by 1,000 days"),
    ],
)
def test_how_a_duty_stands_at_each_boundary(
    county: County, day: int, state: str, said: str
) -> None:
    due = TODAY + timedelta(days=day)
    found = listed(with_duty(county, due=due, every=""))
    one = next(each for each in found if each.undertaking.clause == "duty[train]")
    assert (one.state, one.said) == (state, said)
    assert days_in_words(due, TODAY) == said


def test_an_attestation_covers_its_own_day_only(county: County) -> None:
    done = Attested("duty[train]", "severn", date(2027, 2, 28), "s", NOW, "Done.")
    found = [
        (one.due, one.state == DONE)
        for one in listed(with_duty(county), [done])
        if one.undertaking.clause == "duty[train]"
    ]
    assert (date(2027, 2, 28), True) in found
    assert (date(2027, 1, 31), False) in found


def test_another_partners_attestation_covers_nothing(county: County) -> None:
    other = Attested("duty[train]", "wychshire", date(2027, 1, 31), "w", NOW, "Done.")
    assert not any(one.attested for one in listed(with_duty(county), [other]))


# Endings


def test_while_nothing_has_ended_the_planned_end_is_told(county: County) -> None:
    found = endings.owes(REFERENCE, county.standing, NOW)
    assert [(due.partner, due.due, due.ending.kind) for due in found] == [
        ("wychshire", date(2035, 3, 31), endings.PLANNED)
    ]


@pytest.mark.parametrize(("moment", "kind"), [(-1, endings.PLANNED), (0, endings.ENDED)])
def test_it_has_ended_from_the_first_instant_after_its_last_day(
    county: County, moment: int, kind: str
) -> None:
    at = ends(terms(county).ends) + timedelta(seconds=moment)
    assert [one.kind for one in endings.endings(REFERENCE, county.standing, at)] == [kind]


def test_a_withdrawal_starts_the_retention_on_its_day(county: County) -> None:
    county.withdraw(REFERENCE, "severn", "We leave.")
    found = endings.owes(REFERENCE, county.standing, county.at)
    assert [(due.partner, due.due) for due in found] == [("wychshire", date(2027, 2, 23))]
    assert "return it to severn" in found[0].text


def three(on_withdrawal: str) -> County:
    """Two partners give to a third."""
    datasets = [dataset("severn", "visits", COLUMNS), dataset("north", "calls", COLUMNS)]
    grants = [grant("v", "severn/visits", ["ref"]), grant("c", "north/calls", ["ref"])]
    return signed(datasets, grants, on_withdrawal=on_withdrawal)


@pytest.mark.parametrize(
    ("on_withdrawal", "clauses"),
    [
        ("end", {"grant[v].retention", "grant[c].retention"}),
        ("continue-without", {"grant[v].retention"}),
    ],
)
def test_who_goes_on_keeps_what_the_others_gave(on_withdrawal: str, clauses: set[str]) -> None:
    county = three(on_withdrawal)
    county.withdraw(REFERENCE, "severn", "We leave.")
    found = endings.owes(REFERENCE, county.standing, county.at)
    assert {due.clause for due in found if due.ending.kind == endings.WITHDRAWN} == clauses


def test_a_grant_that_a_new_version_drops_is_destroyed() -> None:
    county = three("end")
    old = terms(county)
    county.propose(replace(old, version=2, grants=old.grants[:1]))
    county.sign_all(REFERENCE)
    found = endings.owes(REFERENCE, county.standing, county.at)
    narrowed = [due for due in found if due.ending.kind == endings.NARROWED]
    assert [due.clause for due in narrowed] == [f"grant[{old.grants[1].id}].retention"]


def test_duties_that_are_left_stay_owed() -> None:
    duty = {"id": "tell", "text": "Tell them.", "owner": "wychshire", "due": "2027-01-31"}
    ended = made(duty=[duty])
    ended.withdraw(REFERENCE, "wychshire", "We leave.")
    found = endings.owes(REFERENCE, ended.standing, ended.at)
    assert "duty[tell]" in {due.clause for due in found}


def test_what_has_ended_is_no_longer_reviewed_and_its_days_are_the_endings() -> None:
    risk = {
        "id": "few",
        "text": "Few people.",
        "owner": "severn",
        "likelihood": "rare",
        "impact": "minor",
        "mitigation": "Round it.",
        "residual": "low",
    }
    county = made(risk=[risk])

    def clauses() -> dict[str, date]:
        found = owed_under(REFERENCE, county.standing, (), county.at)
        return {one.undertaking.clause: one.due for one in found}

    before = clauses()
    assert {"review", "risk[few]"} <= before.keys()
    assert before["grant[g].retention"] == date(2035, 3, 31)
    county.withdraw(REFERENCE, "severn", "We leave.")
    assert clauses() == {"grant[g].retention": date(2027, 2, 23)}


def test_while_the_others_go_on_the_review_stays_owed() -> None:
    county = three("continue-without")
    county.withdraw(REFERENCE, "severn", "We leave.")
    found = owed_under(REFERENCE, county.standing, (), county.at)
    assert "review" in {one.undertaking.clause for one in found}
    assert endings.has_ended(REFERENCE, county.standing, county.at) is None


# The calendar


def events(county: County, partner: str = "", at: datetime = NOW) -> list[Dated]:
    return list(dates(REFERENCE, county.standing, (), at, partner))


def test_the_calendar_is_read_by_another_program_and_its_days_are_whole(county: County) -> None:
    read = Calendar.from_ical(icalendar("Agreements", events(county), "test.home", NOW))
    found = {str(event["summary"]): event for event in read.walk("VEVENT")}
    review = found[f"Review {REFERENCE}"]
    assert review.decoded("dtstart") == date(2029, 12, 31)
    assert review.decoded("dtend") == date(2030, 1, 1)


def test_identifiers_stay_when_a_date_moves(county: County) -> None:
    before = {one.key: one.day for one in events(county)}
    county.propose(replace(terms(county), version=2, review=date(2028, 1, 31)))
    county.sign_all(REFERENCE)
    after = {one.key: one.day for one in events(county)}
    assert after.keys() == before.keys()
    assert after[f"{REFERENCE}/review"] == date(2028, 1, 31)


def test_identifiers_are_unlike_within_a_calendar_and_between_homes(county: County) -> None:
    keys = [one.key for one in events(county)]
    assert len({uid(key, "test.home") for key in keys}) == len(keys)
    assert uid(keys[0], "test.home") != uid(keys[0], "another.home")
    assert uid(keys[0], "county.example/ledger one").endswith("@county.example-ledger-one")


def test_the_same_facts_on_the_same_day_give_the_same_bytes(county: County) -> None:
    later = NOW + timedelta(hours=3)
    made_now = icalendar("A", events(county), "test.home", NOW)
    assert made_now == icalendar("A", events(county, at=later), "test.home", later)


def test_hostile_words_stay_inside_their_line(county: County) -> None:
    evil = Dated("k", TODAY, "X\r\nBEGIN:VALARM\r\nACTION:EMAIL", "a;b,c\\d\nEND:VEVENT")
    text = icalendar("A", [evil], "test.home", NOW)
    read = Calendar.from_ical(text)
    assert len(read.walk("VEVENT")) == 1
    assert not read.walk("VALARM")


def test_a_partner_gets_its_own_duties_and_no_others(county: County) -> None:
    assert any("due from Wychshire" in one.title for one in events(county, "wychshire"))
    assert not any("due from Wychshire" in one.title for one in events(county, "severn"))


def test_a_partner_that_left_has_no_dates_of_it(county: County) -> None:
    assert agreements_of("severn", county.standing) == (REFERENCE,)
    county.withdraw(REFERENCE, "severn", "We leave.")
    assert agreements_of("severn", county.standing) == ()


def test_a_version_that_nobody_signed_has_no_dates(county: County) -> None:
    county.propose(replace(terms(county), reference="ISA-2027-001"))
    assert dates("ISA-2027-001", county.standing, (), NOW) == ()


# The timer of an asking


@pytest.mark.parametrize(
    ("today", "said", "late"),
    [
        (date(2026, 11, 28), "1 day left", False),
        (date(2026, 11, 29), "due today", False),
        (date(2026, 11, 30), "overdue by 1 day", True),
    ],
)
def test_the_timer_at_its_boundary(today: date, said: str, late: bool) -> None:
    timer = Timer(date(2026, 11, 1), date(2026, 11, 29), None, today)
    assert (timer.said, timer.is_late) == (said, late)


@pytest.mark.parametrize(
    ("day", "said"),
    [(29, "answered after 28 days, in time"), (30, "answered after 29 days, 1 day late")],
)
def test_the_timer_stops_with_the_answer(day: int, said: str) -> None:
    answered = date(2026, 11, day)
    timer = Timer(date(2026, 11, 1), date(2026, 11, 29), answered, date(2027, 5, 1))
    assert timer.said == said


# The statuses that lists are made of: kept, and never stale


def test_statuses_are_kept_while_nothing_changes(county: County) -> None:
    board = Board()
    first = board.statuses(county.standing, NOW)
    assert board.statuses(county.standing, NOW + timedelta(minutes=5)) is first
    # A read is an entry and no fact of an agreement: the standing is new, and nothing in it.
    assert board.statuses(county.standing.copy(), NOW + timedelta(minutes=6)) is first
    county.add_member("new", "severn")
    assert board.statuses(county.standing, NOW + timedelta(minutes=7)) is first


Told = list[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]


def told(found: Iterable[AgreementStatus]) -> Told:
    return [
        (one.reference, one.in_force, tuple(r.code for r in one.reasons), one.unsigned)
        for one in found
    ]


def fresh(county: County, at: datetime) -> Told:
    standing = county.standing
    charters = [charter_status(name, standing, at) for name in sorted(standing.charters)]
    return told(
        [*charters, *(agreement_status(name, standing, at) for name in sorted(standing.agreements))]
    )


def kept(board: Board, county: County, at: datetime) -> Told:
    return told(board.statuses(county.standing, at))


def test_kept_statuses_are_those_of_every_standing_that_follows() -> None:
    """After each act, credential, accession and day: what is kept says what is calculated anew."""
    county = signed(
        [dataset("severn", "visits", COLUMNS)],
        [grant("g", "severn/visits", ["ref"], person="pseudonym")],
        requires_credentials=[{"scheme": "ico-registration"}],
    )
    board = Board()
    other = replace(terms(county), reference="ISA-2027-001", rests_on=(REFERENCE,))

    def check(at: datetime | None = None) -> None:
        assert kept(board, county, at or county.at) == fresh(county, at or county.at)

    check()
    county.propose(other)
    check()
    county.sign_all("ISA-2027-001")
    check()
    county.suspend(REFERENCE, "severn")
    check()
    assert not statuses(county.standing, county.at)[-1].in_force
    county.resume(REFERENCE, "severn")
    check()
    county.add_partner("severn", credentials=[RENEWED])
    check()
    county.add_partner("late")
    county.add_member("sign.late", "late", roles=["signatory"])
    check()
    county.accede("late")
    check()
    county.add_dpia("sign.severn")
    check()
    county.add_dataset(dataset("severn", "more", COLUMNS))
    check()
    # What a granted dataset derives from makes its owner a required party: it has not signed.
    county.add_dataset(dataset("late", "source", COLUMNS))
    county.add_dataset(dataset("severn", "visits", COLUMNS, derived_from=["late/source"]))
    check()
    assert not statuses(county.standing, county.at)[-1].in_force
    county.withdraw("ISA-2026-001", "severn", "We stop linking.")
    check()
    for day in (date(2034, 12, 31), date(2035, 1, 1), date(2036, 4, 1)):
        for moment in (begins(day) - timedelta(seconds=1), begins(day)):
            check(moment)


def test_a_clock_that_is_behind_is_not_kept(county: County) -> None:
    board = Board()
    board.statuses(county.standing, county.at)
    early = county.at - timedelta(days=400)
    assert kept(board, county, early) == fresh(county, early)
    assert kept(board, county, county.at) == fresh(county, county.at)
