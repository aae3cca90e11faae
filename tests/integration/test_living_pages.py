"""Living with an agreement on the web: timeline, duties, calendars, flows, refusals to share."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar
from openpyxl import load_workbook  # type: ignore[import-untyped]
from tests.homes import REFERENCE, SIGNATORY, small_home
from tests.stand_in_broker import CARE, FALLS, LINKAGE, StandInBroker, stand_in

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.records import close_ledgers
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.standing import Member
from commonthread.broker.rules.terms import Duty
from commonthread.gateway.living import duties, refusals
from commonthread.gateway.living.refusals import OPEN, OVERDUE
from commonthread.gateway.models import (
    GRANTED,
    REFUSED_TO_SHARE,
    TAKEN_BACK,
    Asking,
    Attestation,
)
from commonthread.web import flows, pages
from commonthread.web.streams import MOST_PARTNERS, Stream, draw_streams

pytestmark = pytest.mark.django_db
DIRECTOR, DOCTOR, ANALYST, ENGINEER = "d.ashe", "m.dove", "a.reed", "e.wren"
OFFICER, OTHER, THIRD = "g.penn", "g.oak", "h.ode"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = london_day(NOW)
COUNTY, TRUST = "wychshire", "severn-acute"
TRAIN = "duty[destroy]|wychshire|2027-03-31"


@pytest.fixture
def broker(shared: Path, monkeypatch: pytest.MonkeyPatch) -> StandInBroker:
    made = stand_in(shared / "examples" / "first-county")
    made.county.add_member(OFFICER, COUNTY, roles=["governance-officer"])
    made.county.add_member(OTHER, TRUST, roles=["governance-officer"])
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


def member(broker: StandInBroker, id_: str) -> Member:
    return broker.standing().members[id_]


def signed_in(id_: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": id_}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


# The timeline


def test_a_timeline_shows_what_happened_and_what_lies_ahead(broker: StandInBroker) -> None:
    broker.county.suspend(FALLS, TRUST, "We look <b>into</b> it.")
    broker.county.resume(FALLS, TRUST)
    answer = signed_in(ANALYST).get(f"/agreements/{FALLS}/timeline/")
    said = text_of(answer)
    assert "Version 1 was proposed" in said
    assert "Wychshire County Council signed version 1" in said
    assert "suspended it: We look" in said
    assert "&lt;b&gt;into&lt;/b&gt;" in answer.content.decode()
    ahead = said.split("What happened")[0]
    assert "The review is due" in ahead and "The agreement has ended" in ahead
    assert "suspended it" not in ahead.split("Ahead, if nobody")[1]


def test_a_timeline_is_drawn_for_a_wide_and_a_narrow_window(broker: StandInBroker) -> None:
    page = signed_in(ANALYST).get(f"/agreements/{FALLS}/timeline/").content.decode()
    for room in ("wide", "narrow"):
        assert f'id="lifeline-{room}-title"' in page
    assert "in force" in page.split('<desc id="lifeline-wide-said">')[1].split("</desc>")[0]
    assert not re.search(r"\sstyle=", page)


def test_there_is_no_timeline_of_what_nobody_made(broker: StandInBroker) -> None:
    assert signed_in(ANALYST).get("/agreements/ISA-1999-001/timeline/").status_code == 404


# Duties


def test_the_owner_attests_a_duty_with_its_evidence(broker: StandInBroker) -> None:
    client = signed_in(OFFICER)
    sent = {"key": TRAIN, "note": "Wiped on 3 March; certificate 77."}
    assert client.post(f"/agreements/{FALLS}/duties/", sent).status_code == 302
    made = Attestation.objects.get()
    assert (made.partner, made.by, made.due) == (COUNTY, OFFICER, date(2027, 3, 31))
    said = text_of(client.get(f"/agreements/{FALLS}/duties/"))
    done = said.split(" Done ")[1]
    assert "certificate 77" in done


@pytest.mark.parametrize("who", [OTHER, ANALYST, DOCTOR], ids=["other-partner", "group", "signs"])
def test_nobody_else_attests_it(broker: StandInBroker, who: str) -> None:
    client, sent = signed_in(who), {"key": TRAIN, "note": "Done."}
    assert client.post(f"/agreements/{FALLS}/duties/", sent).status_code == 403
    page = client.get(f"/agreements/{FALLS}/duties/").content.decode()
    assert f'value="{TRAIN}"' not in page
    assert not Attestation.objects.exists()


def test_a_duty_is_attested_once(broker: StandInBroker) -> None:
    standing, by = broker.standing(), member(broker, OFFICER)
    duties.attest(FALLS, standing, TRAIN, "Done.", by=by, at=NOW)
    with pytest.raises(BadInput, match="already"):
        duties.attest(FALLS, standing, TRAIN, "Done!", by=member(broker, DIRECTOR), at=NOW)
    assert Attestation.objects.count() == 1


@pytest.mark.parametrize("key", ["", "duty[destroy]|wychshire|2027-04-01", "duty[no]|wychshire|x"])
def test_what_is_not_owed_is_not_attested(broker: StandInBroker, key: str) -> None:
    by = member(broker, OFFICER)
    with pytest.raises(BadInput, match="owes nothing"):
        duties.attest(FALLS, broker.standing(), key, "Done.", by=by, at=NOW)


@pytest.mark.parametrize("note", ["", " ", "x" * 2_001])
def test_an_attestation_names_its_evidence(broker: StandInBroker, note: str) -> None:
    answer = signed_in(OFFICER).post(f"/agreements/{FALLS}/duties/", {"key": TRAIN, "note": note})
    assert answer.status_code == 400
    assert "Enter what was done" in text_of(answer)
    assert not Attestation.objects.exists()


def test_nothing_is_owed_before_all_have_signed(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(shared / "examples" / "first-county", signed=[LINKAGE])
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    client = signed_in(DIRECTOR)
    said = text_of(client.get(f"/agreements/{FALLS}/duties/"))
    assert "Nothing is owed until all have signed." in said
    client.post(f"/agreements/{FALLS}/duties/", {"key": TRAIN, "note": "Done."})
    assert not Attestation.objects.exists()


def test_an_overdue_duty_says_so_in_words(broker: StandInBroker) -> None:
    late = Duty("train", "Train.", COUNTY, date(2020, 1, 31))
    broker.county.propose(replace(broker.terms(FALLS), version=2, duties=(late,)))
    broker.county.sign_all(FALLS)
    said = text_of(signed_in(ANALYST).get(f"/agreements/{FALLS}/duties/"))
    assert re.search(r"Train\. Overdue by [0-9,]+ days", said)


def test_a_withdrawal_lists_what_is_to_be_destroyed(broker: StandInBroker) -> None:
    broker.county.withdraw(FALLS, TRUST, "The grounds have gone.")
    said = text_of(signed_in(ANALYST).get(f"/agreements/{FALLS}/duties/"))
    assert "A party withdrew: Severn Acute Hospitals NHS Trust" in said
    assert "The grounds have gone." in said
    assert "Destroy what was kept of attendances, or return it to severn-acute" in said


def test_what_a_withdrawal_asks_for_is_attested_on_its_own_day(broker: StandInBroker) -> None:
    broker.county.withdraw(FALLS, TRUST, "The grounds have gone.")
    due = london_day(broker.county.at) + timedelta(days=90)
    key = f"grant[attendances].retention|{COUNTY}|{due.isoformat()}"
    sent = {"key": key, "note": "Wiped; certificate 78."}
    client = signed_in(OFFICER)
    said = text_of(client.get(f"/agreements/{FALLS}/duties/"))
    assert "Review the agreement" not in said
    assert client.post(f"/agreements/{FALLS}/duties/", sent).status_code == 302
    made = Attestation.objects.get()
    assert (made.clause, made.due) == ("grant[attendances].retention", due)


def test_the_database_holds_one_attestation_of_each_day(broker: StandInBroker) -> None:
    by = member(broker, OFFICER)
    made = duties.attest(FALLS, broker.standing(), TRAIN, "Done.", by=by, at=NOW)
    made.pk = None
    with transaction.atomic(), pytest.raises(IntegrityError):
        made.save(force_insert=True)


# Calendars


def summaries(content: bytes) -> set[str]:
    return {str(event["summary"]) for event in Calendar.from_ical(content).walk("VEVENT")}


def test_the_calendar_of_an_agreement(broker: StandInBroker) -> None:
    answer = signed_in(ANALYST).get(f"/agreements/{FALLS}.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    found = summaries(answer.content)
    assert f"Review {FALLS}" in found
    assert f"{FALLS}: due from Wychshire County Council" in found
    assert "ico-registration of Wychshire County Council runs out" in found


def test_what_was_attested_leaves_the_calendar(broker: StandInBroker) -> None:
    client = signed_in(OFFICER)

    def due() -> int:
        content = client.get(f"/agreements/{FALLS}.ics").content
        return sum("Destroy downloaded" in str(event["description"]) for event in
                   Calendar.from_ical(content).walk("VEVENT"))  # fmt: skip

    assert due() == 1
    client.post(f"/agreements/{FALLS}/duties/", {"key": TRAIN, "note": "Done."})
    assert due() == 0


def test_my_calendar_is_of_my_partner(broker: StandInBroker) -> None:
    mine = summaries(signed_in(OFFICER).get("/calendar.ics").content)
    assert {f"Review {reference}" for reference in (LINKAGE, FALLS, CARE)} <= mine
    others = summaries(signed_in(THIRD).get("/calendar.ics").content)
    assert f"Review {FALLS}" not in others
    assert not any("Wychshire" in one for one in others)


def test_a_stranger_gets_no_calendar(broker: StandInBroker) -> None:
    for address in ("/calendar.ics", f"/agreements/{FALLS}.ics"):
        assert Client().get(address).status_code == 302


def test_calendars_cost_the_same_queries_however_many_agreements(broker: StandInBroker) -> None:
    client = signed_in(OFFICER)
    with CaptureQueriesContext(connection) as before:
        client.get("/calendar.ics")
    for number in range(5):
        reference = f"ISA-2027-{number:03}"
        broker.county.propose(replace(broker.terms(FALLS), reference=reference, version=1))
        broker.county.sign_all(reference)
    with CaptureQueriesContext(connection) as after:
        client.get("/calendar.ics")
    assert len(after) == len(before)


# Who gives what to whom


def test_flows_are_a_drawing_and_a_table(broker: StandInBroker) -> None:
    page = signed_in(ANALYST).get("/flows/").content.decode()
    assert "Severn Acute Hospitals NHS Trust to Wychshire County Council:" in page
    assert 'id="streams-wide-title"' in page and 'id="streams-narrow-title"' in page
    assert "severn-acute/emergency-attendance" in text_of(signed_in(ANALYST).get("/flows/"))


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("agreement=ISA-2026-014", 2),
        ("agreement=isa-2026-014&partner=severn", 1),
        ("agreement=ISA-2026-014&dataset=telecare", 1),
        ("agreement=ISA-2026-014&mode=rows", 0),
        ("agreement=ISA-2026-014&mode=nonsense&state=nonsense", 2),
        ("partner=nobody-at-all", 0),
    ],
)
def test_flows_are_filtered(broker: StandInBroker, query: str, total: int) -> None:
    said = text_of(signed_in(ANALYST).get(f"/flows/?{query}"))
    assert (f"1 to {total} of {total}" if total else "Nothing was found.") in said
    assert ("The grants one by one" in said) == (total > 0)


def test_what_is_not_in_force_flows_only_when_asked_for(broker: StandInBroker) -> None:
    broker.county.suspend(FALLS, TRUST)
    client = signed_in(ANALYST)
    assert "Nothing was found." in text_of(client.get("/flows/?agreement=ISA-2026-014"))
    every = client.get("/flows/?agreement=ISA-2026-014&state=all").content.decode()
    assert "stroke-dasharray" in every and "Not in force" in every


def test_the_data_of_a_partner_that_left_no_longer_flows(broker: StandInBroker) -> None:
    broker.county.propose(replace(broker.terms(FALLS), version=2, on_withdrawal="continue-without"))
    broker.county.sign_all(FALLS)
    broker.county.withdraw(FALLS, TRUST, "We leave.")
    said = text_of(signed_in(ANALYST).get("/flows/?state=all&agreement=ISA-2026-014"))
    assert "emergency-attendance" not in said


def test_a_drawing_stays_readable_or_is_not_made() -> None:
    many = [Stream("a", f"p{number:02}", 1, True) for number in range(MOST_PARTNERS + 1)]
    assert draw_streams(many, {}, "Too many") == ""
    assert draw_streams([], {}, "Nothing") == ""
    drawn = draw_streams(many[:-1], {}, "As many as can be told apart")
    ends = re.findall(r'd="M[\d.]+ ([\d.]+)C[^"]*?([\d.]+)"', drawn.split("streams-narrow")[0])
    assert len({end for _, end in ends}) == len(ends) == MOST_PARTNERS


def test_streams_add_up_by_giver_and_taker(broker: StandInBroker) -> None:
    names = {one.id: one.name for one in broker.partners()}
    found = list(flows._flows(broker.agreements(), names))
    assert sum(stream.grants for stream in flows.streams(found)) == len(found)


# Refusals to share


def asked(broker: StandInBroker, **changes: Any) -> Asking:
    said: dict[str, Any] = {
        "asker": COUNTY,
        "asked": TRUST,
        "what": "Attendances by street.",
        "why": "To plan gritting.",
        "asked_on": TODAY,
        "by": member(broker, OFFICER),
        "at": NOW,
    } | changes
    return refusals.ask(broker.standing(), **said)


def answered(
    broker: StandInBroker, number: int, how: str = REFUSED_TO_SHARE, **more: Any
) -> Asking:
    said = {"reason": "Streets are too small.", "by": member(broker, OTHER), "at": NOW} | more
    return refusals.answer(number, how, said.pop("reason"), broker.standing(), **said)


def test_an_asking_is_due_after_28_days_and_overdue_after_that_day(broker: StandInBroker) -> None:
    made = asked(broker)
    assert made.due == TODAY + timedelta(days=28)
    assert refusals.state(made, made.due) == OPEN
    assert refusals.state(made, made.due + timedelta(days=1)) == OVERDUE


@pytest.mark.parametrize(
    "changes",
    [
        {"asked": COUNTY},
        {"asked": "nobody"},
        {"asked": "commonthread"},
        {"what": " "},
        {"why": ""},
        {"what": "x" * 4_001},
        {"asked_on": TODAY + timedelta(days=1)},
        {"due": TODAY - timedelta(days=1)},
        {"due": TODAY + timedelta(days=367)},
    ],
    ids=["itself", "unknown", "platform", "no-what", "no-why", "long", "ahead", "before", "far"],
)
def test_what_is_no_asking_is_not_recorded(broker: StandInBroker, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        asked(broker, **changes)
    assert not Asking.objects.exists()


@pytest.mark.parametrize("who", [ANALYST, ENGINEER, THIRD])
def test_the_wrong_person_records_nothing(broker: StandInBroker, who: str) -> None:
    with pytest.raises(Refused):
        asked(broker, by=member(broker, who))


def test_the_partner_asked_records_it_as_well(broker: StandInBroker) -> None:
    assert asked(broker, by=member(broker, OTHER)).recorded_by == OTHER


def test_a_refusal_needs_a_reason_and_is_given_once(broker: StandInBroker) -> None:
    made = asked(broker)
    with pytest.raises(BadInput, match="needs one"):
        answered(broker, made.id, reason=" ")
    done = answered(broker, made.id)
    assert (done.answer, done.answered_by, done.answered_on) == (REFUSED_TO_SHARE, OTHER, TODAY)
    with pytest.raises(BadInput, match="already"):
        answered(broker, made.id, GRANTED)


@pytest.mark.parametrize(
    ("how", "who"), [(GRANTED, OFFICER), (REFUSED_TO_SHARE, OFFICER), (TAKEN_BACK, OTHER)]
)
def test_each_side_answers_its_own_part(broker: StandInBroker, how: str, who: str) -> None:
    made = asked(broker)
    with pytest.raises(Refused):
        answered(broker, made.id, how, by=member(broker, who))
    made.refresh_from_db()
    assert made.answer == ""


def test_an_asking_of_others_is_not_there(broker: StandInBroker) -> None:
    made = asked(broker)
    with pytest.raises(BadInput, match="no such"):
        answered(broker, made.id, by=member(broker, THIRD))
    assert signed_in(THIRD).get(f"/refusals/{made.id}/").status_code == 404
    assert signed_in(ANALYST).get(f"/refusals/{made.id}/").status_code == 404
    assert "0 found" in text_of(signed_in(THIRD).get("/refusals/"))


def test_it_is_granted_under_an_agreement_that_there_is(broker: StandInBroker) -> None:
    made = asked(broker)
    with pytest.raises(BadInput, match="reference"):
        answered(broker, made.id, GRANTED, agreement="ISA-1999-001")
    assert answered(broker, made.id, GRANTED, agreement=FALLS).agreement == FALLS


def test_a_refusal_from_the_form_to_the_reason(broker: StandInBroker) -> None:
    client = signed_in(OFFICER)
    sent = {
        "asker": COUNTY,
        "asked": TRUST,
        "what": "Attendances by street.",
        "why": "To plan gritting.",
        "asked_on-day": "1",
        "asked_on-month": "11",
        "asked_on-year": "2026",
    }
    answer = client.post("/refusals/new/", sent)
    assert answer.status_code == 302, text_of(answer)
    other = signed_in(OTHER)
    assert "Refuse to share it" in text_of(other.get(answer.url))
    missing = other.post(answer.url, {"answer": "refused", "reason": ""})
    assert missing.status_code == 400
    refused = {"answer": "refused", "reason": "Streets are too small."}
    assert other.post(answer.url, refused).status_code == 302
    said = text_of(client.get(answer.url))
    assert "Refused Answered after" in said
    assert "Streets are too small." in said
    assert client.post(answer.url, refused).status_code == 403


def test_a_form_with_half_a_day_keeps_what_was_typed(broker: StandInBroker) -> None:
    sent = {"asker": COUNTY, "asked": TRUST, "what": "W", "why": "Y", "asked_on-day": "1"}
    answer = signed_in(OFFICER).post("/refusals/new/", sent)
    assert answer.status_code == 400
    assert "the day on which it was asked" in text_of(answer)
    assert ">W</textarea>" in answer.content.decode()


@pytest.fixture
def hostile(broker: StandInBroker) -> StandInBroker:
    made = asked(broker, what="=cmd|' /C calc'!A0", why="@x\u0007bell")
    answered(broker, made.id, reason="+1+1")
    return broker


def test_refusals_as_csv_run_nothing(hostile: StandInBroker) -> None:
    content = signed_in(OFFICER).get("/refusals/list.csv").content.decode()
    row = next(iter(csv.DictReader(io.StringIO(content, newline=""))))
    assert row["what"] == "'=cmd|' /C calc'!A0"
    assert row["reason"] == "'+1+1"
    assert row["timer"] == "answered after 0 days, in time"


def test_refusals_as_a_workbook_have_no_formula(hostile: StandInBroker) -> None:
    content = signed_in(OFFICER).get("/refusals/list.xlsx").content
    rows = list(load_workbook(io.BytesIO(content)).active.iter_rows())
    assert all(cell.data_type != "f" for row in rows for cell in row)
    assert rows[1][4].value == "'@xbell"


def test_refusals_as_json_are_those_of_the_filter(hostile: StandInBroker) -> None:
    client = signed_in(OFFICER)
    assert len(json.loads(client.get("/refusals/list.json?state=refused").content)) == 1
    assert json.loads(client.get("/refusals/list.json?state=open").content) == []
    assert json.loads(signed_in(THIRD).get("/refusals/list.json").content) == []


def test_the_list_is_a_page_at_a_time_and_costs_the_same_queries(broker: StandInBroker) -> None:
    client = signed_in(OFFICER)
    asked(broker)
    with CaptureQueriesContext(connection) as few:
        client.get("/refusals/")
    for _ in range(30):
        asked(broker)
    with CaptureQueriesContext(connection) as many:
        answer = client.get("/refusals/")
    assert len(few) == len(many)
    assert answer.content.decode().count('<section class="ct-card"') == 25
    assert "31 found" in text_of(answer)
    second = client.get("/refusals/?page=2").content.decode()
    assert second.count('<section class="ct-card"') == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"asked": COUNTY},
        {"due": date(2000, 1, 1)},
        {"answer": REFUSED_TO_SHARE},
        {"reason": "Without an answer."},
    ],
    ids=["itself", "due-before", "no-reason", "no-answer"],
)
def test_the_database_refuses_what_the_actions_would(
    broker: StandInBroker, changes: dict[str, Any]
) -> None:
    made = asked(broker)
    with transaction.atomic(), pytest.raises(IntegrityError):
        Asking.objects.filter(id=made.id).update(**changes)


# Through the real door


@pytest.mark.django_db(transaction=True)
def test_a_real_home_tells_the_life_of_its_agreement(tmp_path: Path, settings: Any) -> None:
    """The ledger's own facts, a suspension made on the web, and the list that shows it at once."""
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=8)
    try:
        client = signed_in(SIGNATORY)
        assert "In force" in text_of(client.get(f"/agreements/?q={REFERENCE}"))
        digest = made.status(REFERENCE).digest
        sent = {"digest": digest, "reason": "We look into it."}
        assert client.post(f"/agreements/{REFERENCE}/suspend/", sent).status_code == 302
        assert "Not in force" in text_of(client.get(f"/agreements/?q={REFERENCE}"))
        said = text_of(client.get(f"/agreements/{REFERENCE}/timeline/"))
        for event in ("Version 1 was proposed", "signed version 1", "suspended it: We look"):
            assert event in said
        assert f"Review {REFERENCE}" in summaries(client.get("/calendar.ics").content)
        assert "All have signed" in text_of(client.get(f"/agreements/{REFERENCE}/summary/"))
    finally:
        made.close()
        close_ledgers()
