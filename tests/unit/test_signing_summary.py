"""The page before a signature: it says what the terms say, what is new, and who is waited for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.factories import PURPOSE, REFERENCE, County, dataset, grant, party, signed

from commonthread.broker.rules.dates import ends
from commonthread.broker.rules.standing import Version
from commonthread.broker.rules.terms import Demand, Party, Risk, Statement, Terms
from commonthread.gateway.clauses import FIELDS
from commonthread.gateway.signing import (
    ADMINISTRATIVE,
    Declined,
    Delegated,
    progress,
    summarise,
    variation,
)
from commonthread.gateway.signing.progress import DECLINED, DELEGATED, WAITING
from commonthread.gateway.signing.summary import NO_ACCESSION
from commonthread.gateway.signing.variation import NEW_GROUND, is_material

COLUMNS = {"ref": "text", "born": "date", "note": "text"}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RISK = Risk("few", "Few people.", "wychshire", "likely", "severe", "Round it.", "low")
WORSE = Risk("lost", "A lost file.", "severn", "rare", "minor", "Encrypt it.", "medium")


@pytest.fixture
def county() -> County:
    """`severn` gives rows to analysts of `wychshire`; both have signed."""
    return signed([dataset("severn", "visits", COLUMNS)], [grant("g", "severn/visits", ["ref"])])


def terms(county: County) -> Terms:
    version = county.standing.governing(REFERENCE)
    assert version is not None
    return version.terms


def newest(county: County) -> Version:
    version = county.standing.newest(REFERENCE)
    assert version is not None
    return version


def test_the_summary_says_what_who_why_risk_and_until_when(county: County) -> None:
    found = summarise(replace(terms(county), risks=(RISK, WORSE)), county.standing, NOW)
    assert found.what == ("Rows of visits (severn/visits), for analysts of Wychshire",)
    assert found.why == ("To plan prevention.",)
    assert [(one.name, one.gives, one.gets) for one in found.who] == [
        ("Severn", ("visits (severn/visits)",), ()),
        ("Wychshire", (), ("visits (severn/visits)",)),
    ]
    assert "Legal power: Care Act 2014 s.6." in found.who[0].grounds
    assert (found.ends, found.review) == (date(2034, 12, 31), date(2029, 12, 31))
    assert found.on_withdrawal == "The agreement ends for all."
    assert found.accession == NO_ACCESSION


def test_the_worst_residual_risk_stands_first(county: County) -> None:
    found = summarise(replace(terms(county), risks=(RISK, WORSE)), county.standing, NOW)
    assert found.worst == "medium"
    assert [one.text for one in found.risks] == ["A lost file.", "Few people."]
    assert [one.level for one in found.risks] == ["low", "high"]


def test_terms_without_risks_have_no_worst(county: County) -> None:
    assert summarise(terms(county), county.standing, NOW).worst == ""


@pytest.mark.parametrize(("moment", "has_ended"), [(-1, False), (0, True)])
def test_it_says_that_the_terms_have_ended_from_the_first_instant_on(
    county: County, moment: int, has_ended: bool
) -> None:
    at = ends(terms(county).ends) + timedelta(seconds=moment)
    assert summarise(terms(county), county.standing, at).has_ended is has_ended


def test_a_first_version_has_nothing_new(county: County) -> None:
    found = summarise(terms(county), county.standing, NOW)
    assert (found.governing, found.changes) == (None, ())


def test_a_second_version_says_what_is_new_and_who(county: County) -> None:
    county.add_partner("third")
    more = Party("third", "controller", "public-task", "", "Care Act 2014 s.6")
    old = terms(county)
    county.propose(
        replace(
            old, version=2, ends=date(2035, 6, 30), title="Better", parties=(*old.parties, more)
        )
    )
    found = summarise(newest(county).terms, county.standing, NOW)
    assert found.governing == 1
    assert [one.name for one in found.who if one.is_new] == ["Third"]
    assert [one.clause for one in found.material] == ["ends", "party[third]"]
    assert [one.sentence for one in found.administrative] == [
        "The title is now Better; it was A test of sharing"
    ]


# What is administrative


def one_change(county: County, **changes: object) -> bool:
    """Whether a change is administrative; it has to be one clause only."""
    old = terms(county)
    found = variation(old, replace(old, version=2, **changes))
    assert len({change.clause for change in found}) == 1, found
    return not is_material(found)


def test_a_title_is_administrative_and_the_table_says_why(county: County) -> None:
    assert one_change(county, title="Another")
    old = terms(county)
    found = variation(old, replace(old, version=2, title="Another"))
    assert [change.note for change in found] == [
        rule.why for rule in ADMINISTRATIVE if rule.clause == "title"
    ]


@pytest.mark.parametrize(("day", "administrative"), [(-1, True), (1, False)])
def test_an_earlier_review_is_administrative_and_a_later_one_is_not(
    county: County, day: int, administrative: bool
) -> None:
    review = terms(county).review + timedelta(days=day)
    assert one_change(county, review=review) is administrative


@pytest.mark.parametrize(
    "changes",
    [
        {"starts": date(2026, 2, 1)},
        {"ends": date(2034, 12, 30)},
        {"on_withdrawal": "continue-without"},
        {"demands": (Demand("iso-27001"),)},
        {"single_out": True},
        {"statements": (Statement("security", "Locked."),)},
        {"statements": (Statement("complaints", "Write to us."),)},
        {"risks": (RISK,)},
        {"purposes": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_else_is_material(county: County, changes: dict[str, object]) -> None:
    if "purposes" in changes:
        purpose = replace(terms(county).purposes[0], text="For something else.")
        changes = {"purposes": (purpose,)}
    assert not one_change(county, **changes)


def test_other_words_for_complaints_are_administrative_but_not_two_texts(county: County) -> None:
    old = replace(terms(county), statements=(Statement("complaints", "Write to A."),))
    new = replace(old, version=2, statements=(Statement("complaints", "Write to B."),))
    assert not is_material(variation(old, new))
    both = replace(new, statements=(*new.statements, Statement("complaints", "Or to C.")))
    assert is_material(variation(new, both))


def test_two_statements_of_one_section_do_not_hide_a_change(county: County) -> None:
    """Of a section each text is compared, not only the last."""
    last = Statement("security", "Last.")
    old = replace(terms(county), statements=(Statement("security", "Locked."), last))
    new = replace(old, version=2, statements=(Statement("security", "Open."), last))
    found = variation(old, new)
    assert [(change.clause, change.administrative) for change in found] == [
        ("statement[security]", False)
    ]
    assert found[0].sentence == "Statement security has another text"


def test_a_risk_in_other_words_is_administrative_and_another_rating_is_not(county: County) -> None:
    old = replace(terms(county), risks=(RISK,))
    said = replace(old, version=2, risks=(replace(RISK, text="Hardly anybody."),))
    rated = replace(old, version=2, risks=(replace(RISK, residual="high"),))
    assert not is_material(variation(old, said))
    assert is_material(variation(old, rated))


def test_another_lawful_basis_asks_to_tell_the_people(county: County) -> None:
    old = terms(county)
    first = replace(old.parties[0], lawful_basis="legal-obligation")
    found = variation(old, replace(old, version=2, parties=(first, *old.parties[1:])))
    assert [(change.administrative, change.note) for change in found] == [(False, NEW_GROUND)]


def test_a_wider_grant_is_material_and_said_clause_by_clause(county: County) -> None:
    old = terms(county)
    wider = replace(old.grants[0], export=True)
    found = variation(old, replace(old, version=2, grants=(wider,)))
    assert {change.clause for change in found} == {"grant[g]"}
    assert "Grant g now says: May be downloaded" in [change.sentence for change in found]


def test_the_same_words_are_no_change(county: County) -> None:
    assert variation(terms(county), replace(terms(county), version=2)) == ()


def test_each_administrative_clause_is_a_field_of_the_terms_with_a_reason() -> None:
    known = {path.split(".")[-1] for path in FIELDS} | {path.split(".")[0] for path in FIELDS}
    for rule in ADMINISTRATIVE:
        assert rule.clause.partition("[")[0] in known
        assert rule.why.endswith(".")


# Who is waited for


@pytest.fixture
def proposed(county: County) -> County:
    county.propose(replace(terms(county), version=2, title="Again"))
    return county


def shown(county: County, *said: Declined | Delegated, at: datetime = NOW):  # type: ignore[no-untyped-def]
    version = newest(county)
    return progress(
        version,
        county.standing.outstanding(version),
        county.standing.members.values(),
        [one for one in said if isinstance(one, Declined)],
        [one for one in said if isinstance(one, Delegated)],
        at,
    )


NO = Declined("severn", "sign.severn", NOW, "Too much.")
HANDED = Delegated("severn", "sign.severn", "other.severn", NOW, date(2026, 11, 30))


def test_nobody_has_signed_yet(proposed: County) -> None:
    found = shown(proposed)
    assert found.said == "0 of 2 signed"
    assert [(one.partner, one.state, one.asked) for one in found.waits] == [
        ("severn", WAITING, ("sign.severn",)),
        ("wychshire", WAITING, ("sign.wychshire",)),
    ]
    assert all(one.since == newest(proposed).proposed for one in found.waits)


def test_a_signature_is_counted_and_a_decline_shown(proposed: County) -> None:
    proposed.sign(REFERENCE, "wychshire")
    found = shown(proposed, NO)
    assert found.said == "1 of 2 signed"
    assert [(one.partner, one.state, one.reason) for one in found.waits] == [
        ("severn", DECLINED, "Too much.")
    ]
    assert found.declined == found.waits


def test_a_signature_settles_a_decline(proposed: County) -> None:
    proposed.sign(REFERENCE, "severn")
    found = shown(proposed, NO)
    assert found.declined == ()
    assert [one.by for one in found.signed] == ["sign.severn"]


@pytest.mark.parametrize(("moment", "state"), [(-1, DELEGATED), (0, WAITING)])
def test_a_delegation_ends_with_its_last_day(proposed: County, moment: int, state: str) -> None:
    at = ends(HANDED.until) + timedelta(seconds=moment)
    wait = shown(proposed, HANDED, at=at).of("severn")
    assert wait is not None
    assert wait.state == state
    assert wait.asked == (("other.severn",) if state == DELEGATED else ("sign.severn",))


def test_a_decline_goes_before_a_delegation(proposed: County) -> None:
    wait = shown(proposed, NO, HANDED).of("severn")
    assert wait is not None and wait.state == DECLINED


def test_the_platform_is_not_counted(county: County) -> None:
    grants = [grant("g", "severn/visits", ["ref"], recipients=["commonthread/person-index"])]
    table = {
        "reference": "ISA-2026-050",
        "title": "Index",
        "version": 1,
        "charter": "CHARTER-2026",
        "starts": "2026-01-01",
        "ends": "2034-12-31",
        "review": "2029-12-31",
        "party": [party("severn"), party("commonthread", "processor")],
        "purpose": [{"id": PURPOSE, "text": "Index."}],
        "grant": grants,
    }
    county.propose(table)
    version = county.standing.newest("ISA-2026-050")
    assert version is not None
    found = progress(version, county.standing.outstanding(version), (), (), (), NOW)
    assert found.said == "0 of 1 signed"
