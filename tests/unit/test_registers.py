"""Registers: what each says, what it keeps to itself, and that it is the same each time."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.factories import REFERENCE, County, dataset, grant, party, signed

from commonthread.broker.access import BadInput
from commonthread.broker.rules import terms
from commonthread.broker.rules.contracts import CLASSIFICATIONS
from commonthread.broker.rules.replay import apply
from commonthread.broker.rules.standing import DPO, Standing
from commonthread.broker.rules.terms import Terms
from commonthread.broker.rules.treatments import TREATMENTS
from commonthread.gateway.registers import (
    REGISTERS,
    Activity,
    Held,
    Reading,
    build,
    dea,
    hold,
    linked,
    maker,
    notices,
    odrl,
    public,
    ropa,
    wording,
)
from commonthread.gateway.registers.activity import published
from commonthread.gateway.registers.fields import table

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = "Blackwell"
# A grade of six is a reader of eleven.
HARDEST_GRADE, MOST_WORDS = 6, 18
STATEMENTS = (
    (
        "benefits",
        "Fewer people fall at home.\nAreas: E10000034 Worcestershire; E07000237 Worcester",
    ),
    ("complaints", "Write to us.\nContact: sharing@wychshire.example"),
    ("security", "Rooms are locked."),
)
PARTIES = (
    party("wychshire", legal_power="Digital Economy Act 2017 s.35"),
    party("severn-acute", "joint", lawful_basis="legal-obligation", legal_power="Care Act 2014"),
    party("commonthread", "processor"),
)


def county(statements: Any = STATEMENTS, **changes: Any) -> County:
    """Two partners and the platform; telecare is given as counts, attendances row by row."""
    telecare = dataset("wychshire", "telecare", {"ref": "text", "born": "date", "surname": "text"})
    visits = dataset(
        "severn-acute", "visits", {"ref": "text", "ward": "text"}, classification="special-category"
    )
    band = {"name": "born", "treatment": "age-band", "as_at": "2026-01-01"}
    counted = {"mode": "statistics", "minimum_count": 7, "round_to": 5, "export": True}
    grants = [
        grant("counted", "wychshire/telecare", [band], rows=["surname", "=", HIDDEN], **counted),
        grant(
            "visits", "severn-acute/visits", ["ref", "ward"], recipients=["wychshire/telecare-team"]
        ),
    ]
    said = [{"section": section, "text": text} for section, text in statements]
    more = {"parties": PARTIES, "statement": said, **changes}
    made = signed([telecare, visits], grants, **more)
    made.add_member("o.keane", "wychshire", roles=[DPO])
    return made


def held(made: County, activity: Activity | None = None, at: datetime | None = None) -> Held:
    return hold(made.standing, activity or Activity(), at or made.at)


def plain(content: bytes) -> Any:
    return json.loads(content)


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def agreed(made: County) -> Terms:
    version = made.standing.governing(REFERENCE)
    assert version is not None
    return version.terms


# The Digital Economy Act's register.


def test_an_agreement_that_says_all_is_published_in_18_fields() -> None:
    made = county()
    (row,) = plain(dea.register_json(held(made)))["published"]
    assert tuple(sorted(row["fields"])) == tuple(sorted(dea.NAMES))
    assert len(dea.NAMES) == 18
    assert all(row["fields"].values())
    said = row["fields"]
    assert said["id"] == REFERENCE
    assert said["benefits"] == [STATEMENTS[0][1]]
    assert said["contact"] == ["sharing@wychshire.example"]
    assert said["areas"] == ["E10000034", "E07000237"]
    assert said["areas_names"] == ["Worcestershire", "Worcester"]
    assert said["controllers"] == ["severn-acute", "wychshire"]
    assert said["processors"] == ["commonthread"]
    assert said["legal_power"][1] == "Wychshire: Digital Economy Act 2017 s.35"
    assert said["disclosed_information"][0] == (
        "telecare of Wychshire: born (as an age in bands of five years)"
    )
    assert (said["start"], said["end"], said["review"]) == (
        "2026-01-01",
        "2034-12-31",
        "2029-12-31",
    )
    assert (row["digest"], row["under_the_act"]) == (agreed(made).digest, True)


@pytest.mark.parametrize(
    ("statements", "lacks"),
    [
        (STATEMENTS[1:], {"benefits", "areas", "areas_names"}),
        (STATEMENTS[:1], {"contact"}),
        ((("benefits", "Good.\nAreas: Worcester"), STATEMENTS[1]), {"areas", "areas_names"}),
        ((("benefits", "Good.\nAreas:"), STATEMENTS[1]), {"areas", "areas_names"}),
    ],
    ids=["benefits", "contact", "area-without-a-code", "empty-label"],
)
def test_an_agreement_that_lacks_a_field_is_listed_and_not_published(
    statements: Any, lacks: set[str]
) -> None:
    made = held(county(statements))
    said = plain(dea.register_json(made))
    assert said["published"] == []
    (withheld,) = said["not_published"]
    assert {each["field"] for each in withheld["missing"]} == lacks
    assert all(each["where"].startswith("agreement.") for each in withheld["missing"])
    assert lines(dea.register_csv(made)) == []
    assert {line["field"] for line in lines(dea.missing_csv(made))} == lacks


def test_no_processor_is_said_and_not_left_blank() -> None:
    (row,) = dea.rows(held(county(parties=PARTIES[:2])))
    assert row.fields["processors"] == row.fields["processors_names"] == ["none"]


# Records of processing.


def test_a_controllers_record_holds_what_article_30_asks() -> None:
    made = county()
    records = {each.fields["partner"]: each.fields for each in ropa.controllers(held(made))}
    mine = records["wychshire"]
    assert mine["data_protection_officer"] == ["o.keane"]
    assert mine["role"] == "controller: gives and gets"
    assert mine["joint_controllers"] == ["none"]
    assert mine["recipients"] == [
        "the analysts of Wychshire",
        "the telecare team of Wychshire",
    ]
    assert mine["data"][0] == (
        "telecare of Wychshire (personal data): born (as an age in bands of five years)"
    )
    assert mine["erasure"] == ["telecare of Wychshire: 90 days", "visits of Severn Acute: 90 days"]
    assert mine["lawful_basis"] == "UK GDPR Art 6(1)(e), public task"
    assert mine["transfers"] == [ropa.NO_TRANSFER]
    assert "Rooms are locked." in mine["security"]
    assert "no figure about fewer than 7 residents" in mine["security"]
    assert records["severn-acute"]["role"] == "joint: gives"
    assert set(mine) == {each.name for each in ropa.CONTROLLER}


def test_a_processors_record_names_those_it_acts_for() -> None:
    (record,) = ropa.processors(held(county()))
    assert record.fields["partner"] == "commonthread"
    assert record.fields["controllers"] == ["Severn Acute", "Wychshire"]
    assert record.fields["processing"] == sorted(wording.MODES[m] for m in ("rows", "statistics"))


def test_what_a_record_lacks_is_named_and_never_blank() -> None:
    records = ropa.controllers(held(county(())))
    other = next(each for each in records if each.fields["partner"] == "severn-acute")
    assert {each.field for each in other.missing} == {"contact", "data_protection_officer"}
    row = lines(ropa.controllers_csv(held(county(()))))[0]
    assert row["contact"] == "not stated"


def test_a_party_that_left_has_no_record_in_force() -> None:
    made = county(on_withdrawal="continue-without")
    made.withdraw(REFERENCE, "severn-acute")
    states = {r.fields["partner"]: r.fields["in_force"] for r in ropa.controllers(held(made))}
    assert states == {"severn-acute": "no", "wychshire": "yes"}
    (published_,) = public.agreements(held(made))
    assert [flow.dataset for flow in published_.flows] == ["telecare"]
    assert [ground.partner for ground in published_.grounds if ground.has_left] == ["Severn Acute"]


# Privacy notices.


def test_a_notice_tells_what_articles_13_and_14_ask() -> None:
    said = notices.notice(held(county()), "wychshire").decode()
    for asked in (
        "We are Wychshire.",
        "sharing@wychshire.example",
        "data protection officer",
        "To plan prevention.",
        "because it is part of our job by law (UK GDPR Art 6(1)(e), public task; Digital Economy",
        "because they are needed for health or social care (UK GDPR Art 9(2)(h)",
        "It comes from Severn Acute and goes to",
        "90 days",
        notices.SAYS["abroad"],
        notices.SAYS["stop"],
        notices.SAYS["see"],
        notices.SAYS["first"],
        "ico.org.uk",
        notices.SAYS["alone"],
        "- ward",
    ):
        assert asked in said
    assert "o.keane" not in said


def test_a_notice_holds_only_what_is_in_force() -> None:
    made = county()
    made.suspend(REFERENCE, "wychshire")
    said = notices.notice(held(made), "wychshire").decode()
    assert notices.SAYS["nothing"] in said
    assert REFERENCE not in said


def test_a_notice_says_that_nobody_can_be_reached() -> None:
    assert notices.MISSING in notices.notice(held(county(())), "wychshire").decode()
    assert notices.MISSING not in notices.notice(held(county()), "wychshire").decode()


def test_rights_are_those_of_the_lawful_basis() -> None:
    mine, theirs = (
        notices.notice(held(county()), who).decode() for who in ("wychshire", "severn-acute")
    )
    assert notices.SAYS["stop"] in mine
    assert notices.SAYS["stop"] not in theirs
    assert set(notices.RIGHTS) == set(terms.LAWFUL_BASES)


def grade(text: str) -> float:
    """Flesch and Kincaid's school grade; the reader's age is five more (Kincaid 1975)."""
    words = re.findall(r"[A-Za-z’']+", text)
    sentences = len(re.findall(r"[.!?:](?:\s|$)", text)) or 1
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    low = word.lower()
    groups = len(re.findall(r"[aeiouy]+", low))
    silent = low.endswith("e") and not low.endswith("le") and groups > 1
    return max(1, groups - silent)


def test_a_reader_of_eleven_can_read_a_notice() -> None:
    said = [text.rstrip(".:") + "." for text in notices.SAYS.values()]
    said += [f"{notices.SAYS['lets']} {why}." for why in wording.BECAUSE.values()] + [
        f"{notices.SAYS['health']} {why}." for why in wording.BECAUSE_PRIVATE.values()
    ]
    sentences = [each for text in said for each in re.split(r"[.] ", text)]
    assert grade(" ".join(said)) <= HARDEST_GRADE
    assert [each for each in sentences if len(each.split()) > MOST_WORDS] == []
    assert grade(notices.notice(held(county()), "wychshire").decode()) <= HARDEST_GRADE


# The public register, and what is counted.


def test_the_public_register_tells_who_gives_what_to_whom() -> None:
    text = public.register_text(held(county())).decode()
    assert (
        "Wychshire gives some records of “telecare” to the analysts of Wychshire: counts and "
        "averages of groups, never one person. It may be downloaded. Kept for: 90 days." in text
    )
    assert "Severn Acute gives all records of “visits” to the telecare team of Wychshire" in text
    assert "Wychshire (controller) relies on UK GDPR Art 6(1)(e), public task;" in text
    assert "Commonthread only acts for the others (processor)." in text or (
        "commonthread only acts for the others (processor)." in text
    )
    assert "In force. From 1 January 2026 to 31 December 2034." in text


def test_no_public_file_names_a_person_or_a_value_that_chooses_rows() -> None:
    made = county()
    open_to_all = [register.name for register in REGISTERS if register.is_public]
    files = build(held(made), *open_to_all)
    people = [member for member in made.standing.members if not member.startswith("commonthread")]
    for content in files.values():
        assert HIDDEN not in content.decode()
        assert [who for who in people if who in content.decode()] == []
    assert HIDDEN in build(held(made), "odrl")["odrl.jsonld"].decode()


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "none"),
        (1, "fewer than 5"),
        (4, "fewer than 5"),
        (5, "5"),
        (7, "5"),
        (8, "10"),
        (12, "10"),
        (13, "15"),
    ],
)
def test_small_counts_are_hidden_and_the_others_rounded(count: int, said: str) -> None:
    assert published(count) == said


class Entries:
    """A ledger of made-up entries; counts how many were read."""

    def __init__(self, *said: tuple[str, str, Mapping[str, Any]]) -> None:
        self.all = [Said(*each) for each in said]
        self.read = 0

    @property
    def size(self) -> int:
        return len(self.all)

    def entries(self, first: int = 0, limit: int = 100) -> list["Said"]:
        found = self.all[first : first + limit]
        self.read += len(found)
        return found


class Said:
    def __init__(self, at: str, kind: str, public: Mapping[str, Any]) -> None:
        self.at, self.kind, self.public = at, kind, public


def used(at: str, kind: str = "lease.opened", reference: str = REFERENCE) -> Any:
    return at, kind, {"reference": reference}


def test_requests_are_counted_by_the_month_in_london_once_it_is_over() -> None:
    ledger = Entries(
        *[used("2026-07-31T22:59:59Z")] * 6,
        # London is an hour ahead: this is the first of August.
        *[used("2026-07-31T23:00:00Z", "lookup")] * 9,
        *[used("2026-08-05T00:00:00Z", "request.refused")] * 2,
        used("2026-08-05T00:00:00Z", "lease.closed"),
        used("2026-08-05T00:00:00Z", reference="ISA-2026-999"),
        ("2026-08-06T00:00:00Z", "request.refused", {"dataset": "wychshire/telecare"}),
        *[used("2026-09-01T09:00:00Z")] * 20,
    )
    activity = Reading().activity(ledger)
    months = activity.months(REFERENCE, datetime(2026, 9, 30, tzinfo=UTC))
    assert [(m.month, m.answered, m.refused) for m in months] == [
        ("2026-08", "10", "fewer than 5"),
        ("2026-07", "5", "none"),
    ]
    later = activity.months(REFERENCE, datetime(2026, 10, 1, tzinfo=UTC))
    assert later[0].month == "2026-09"
    assert activity.months("ISA-2026-998", datetime(2026, 10, 1, tzinfo=UTC)) == ()


def test_a_second_reading_reads_only_what_is_new() -> None:
    ledger = Entries(*[used("2026-07-01T00:00:00Z")] * 2_500)
    reading = Reading()
    first = reading.activity(ledger)
    ledger.all += [Said(*used("2026-07-02T00:00:00Z"))] * 3
    second = reading.activity(ledger)
    assert ledger.read == 2_503
    assert second == Reading().activity(ledger)
    assert first.counts[REFERENCE]["2026-07", "answered"] == 2_500


# All of them.


def test_a_draft_is_in_no_register() -> None:
    made = county()
    other = {**agreed(made).to_plain(), "reference": "ISA-2026-777", "title": "Not signed"}
    made.propose(other)
    made.propose({**agreed(made).to_plain(), "version": 2, "title": "The second version"})
    for content in build(held(made)).values():
        assert b"ISA-2026-777" not in content
        assert b"The second version" not in content


def replayed(made: County) -> Standing:
    standing = Standing()
    for fact in made.facts:
        apply(standing, fact)
    return standing


def test_two_replays_of_one_home_give_the_same_bytes() -> None:
    made = county()
    at = made.at + timedelta(hours=1)
    one, two = (build(hold(replayed(made), Activity(), at)) for _ in range(2))
    assert one == two
    assert sorted(one) == sorted(
        file for register in REGISTERS for file in register.files(made.standing)
    )


def test_the_same_day_without_a_new_fact_gives_the_same_bytes() -> None:
    made = county()
    assert build(held(made)) == build(held(made, at=made.at + timedelta(hours=5)))


def test_no_csv_has_a_blank_cell_or_a_formula() -> None:
    made = county((*STATEMENTS[:2], ("security", "=cmd()")), title="=1+1")
    for name, content in build(held(made)).items():
        if name.endswith(".csv"):
            for line in lines(content):
                assert all(line.values()), name
                assert not any(cell.startswith(("=", "+", "@")) for cell in line.values())


def test_json_is_canonical() -> None:
    for name, content in build(held(county())).items():
        if name.endswith(("json", "jsonld")):
            again = json.dumps(
                plain(content), ensure_ascii=False, sort_keys=True, separators=(",", ":")
            )
            assert content.decode() == again + "\n"


def test_a_file_belongs_to_one_register_and_an_unknown_one_to_none() -> None:
    made = held(county())
    for name, content in build(made).items():
        found = maker(made.standing, name)
        assert found is not None
        assert found[1](made) == content
    assert maker(made.standing, "notice-nobody.md") is None
    with pytest.raises(BadInput, match="Known are: public"):
        build(made, "ropa", "taxes")


def test_every_word_of_the_terms_has_a_word_for_readers() -> None:
    assert set(wording.BECAUSE) == set(linked.LAWFUL_BASES) == set(terms.LAWFUL_BASES)
    assert set(wording.BECAUSE_PRIVATE) == set(linked.CONDITIONS) == set(terms.CONDITIONS)
    assert set(wording.MODES) == set(odrl.ACTIONS) == set(notices.MODES) == set(terms.MODES)
    assert set(wording.TREATMENTS) == set(TREATMENTS)
    assert set(wording.CLASSIFICATIONS) == set(linked.CLASSIFICATIONS) == set(CLASSIFICATIONS)
    assert set(linked.ROLES) == set(terms.PARTY_ROLES)


def test_the_page_in_docs_says_which_fields_there_are() -> None:
    page = (ROOT / "docs" / "registers.md").read_text(encoding="utf-8")
    for fields in (dea.FIELDS, ropa.CONTROLLER, ropa.PROCESSOR):
        assert "\n".join(table(fields)) in page
    for register in REGISTERS:
        row = f"| `{register.name}` | {register.title} | {register.law} |"
        assert row in page
