"""Before a signature on the web: the summary, declining, delegating; and the list of agreements."""

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
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook  # type: ignore[import-untyped]
from tests.stand_in_broker import FALLS, LINKAGE, StandInBroker, stand_in

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.dates import begins
from commonthread.broker.rules.standing import Member, Version
from commonthread.broker.rules.terms import Statement
from commonthread.gateway.models import Attestation, Decline, Delegation, Message, SavedView
from commonthread.gateway.signing import (
    decline,
    delegate,
    take_back_decline,
    take_back_delegation,
)
from commonthread.gateway.signing.progress import DECLINED, DELEGATED, WAITING
from commonthread.web import listing, pages, presence
from commonthread.web.signing import how_far

pytestmark = pytest.mark.django_db
DIRECTOR, DOCTOR, DEPUTY, ANALYST = "d.ashe", "m.dove", "d.elm", "a.reed"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
UNTIL = date(2026, 12, 1)


@pytest.fixture
def broker(shared: Path, monkeypatch: pytest.MonkeyPatch) -> StandInBroker:
    """The example county; a second version of the falls agreement waits; a deputy signs too."""
    made = stand_in(shared / "examples" / "first-county")
    made.county.add_member(DEPUTY, "wychshire", roles=["signatory"])
    made.county.propose(
        replace(
            made.terms(FALLS),
            version=2,
            ends=date(2034, 6, 30),
            statements=(Statement("complaints", "Write to us."),),
            title="Keeping people at home",
        )
    )
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture
def version(broker: StandInBroker) -> Version:
    found = broker.standing().newest(FALLS)
    assert found is not None
    return found


def member(broker: StandInBroker, id_: str) -> Member:
    return broker.standing().members[id_]


def signed_in(id_: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": id_}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'").replace("&quot;", '"'))


def state(broker: StandInBroker, version: Version, partner: str, at: datetime = NOW) -> str:
    wait = how_far(broker.standing(), version, at).of(partner)
    return wait.state if wait else "signed"


# The summary


def test_the_summary_is_one_page_with_everything_a_signatory_asks(broker: StandInBroker) -> None:
    said = text_of(signed_in(DIRECTOR).get(f"/agreements/{FALLS}/summary/"))
    assert "version 2, on one page" in said
    assert "0 of 2 signed" in said
    assert "Find which uses of assistive technology" in said
    assert "Legal power: Care Act 2014 s.2." in said
    assert "The worst that is left is Low" in said
    assert "1 January 2026 to 30 June 2034" in said
    assert "Material , since version 1: The last day is now 30 June 2034" in said
    assert "Administrative , since version 1: The title is now Keeping people at home" in said
    assert "Version 1 governs until all have signed." in said


def test_the_summary_leads_to_the_whole_and_to_the_signature(broker: StandInBroker) -> None:
    page = signed_in(DIRECTOR).get(f"/agreements/{FALLS}/summary/").content.decode()
    assert f'href="/agreements/{FALLS}/draft/"' in page
    assert f'href="/agreements/{FALLS}/sign/"' in page
    assert f'href="/agreements/{FALLS}/decline/"' in page


def test_the_button_of_a_first_version_leads_to_the_summary(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(shared / "examples" / "first-county", signed=[LINKAGE])
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    page = signed_in(DIRECTOR).get(f"/agreements/{FALLS}/").content.decode()
    assert f'href="/agreements/{FALLS}/summary/">Sign' in page
    assert "0 of 2 signed" in page


def test_the_page_that_signs_begins_with_the_summary(broker: StandInBroker) -> None:
    said = text_of(signed_in(DIRECTOR).get(f"/agreements/{FALLS}/sign/"))
    assert said.index("On one page") < said.index("Sign for Wychshire")
    assert "The worst that is left is Low" in said


@pytest.mark.parametrize("who", [ANALYST, "h.ode"], ids=["no-signatory", "no-party"])
def test_others_read_the_summary_and_are_offered_nothing(broker: StandInBroker, who: str) -> None:
    page = signed_in(who).get(f"/agreements/{FALLS}/summary/").content.decode()
    assert "0 of 2 signed" in page
    assert "/sign/" not in page and "/decline/" not in page


def test_there_is_no_summary_of_what_nobody_made(broker: StandInBroker) -> None:
    assert signed_in(DIRECTOR).get("/agreements/ISA-1999-001/summary/").status_code == 404


def test_a_charter_is_its_own_summary(broker: StandInBroker) -> None:
    answer = signed_in(DIRECTOR).get("/agreements/CHARTER-2026/summary/")
    assert (answer.status_code, answer["Location"]) == (302, "/agreements/CHARTER-2026/")


def test_on_the_last_signature_it_governs(broker: StandInBroker, version: Version) -> None:
    for who, left in ((DIRECTOR, "1 of 2 signed"), (DOCTOR, "")):
        sent = {"digest": version.terms.digest}
        assert signed_in(who).post(f"/agreements/{FALLS}/sign/", sent).status_code == 302
        said = text_of(signed_in(ANALYST).get(f"/agreements/{FALLS}/summary/"))
        assert left in said
    assert "All have signed" in said
    assert broker.terms(FALLS).digest == version.terms.digest


def test_presence_is_asked_before_an_act_and_what_is_missing_is_said(
    broker: StandInBroker, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def not_here(visit: Any, digest: str) -> str:
        asked.append(digest)
        return "Show that it is you."

    monkeypatch.setattr(presence, "missing", not_here)
    sent = {"digest": version.terms.digest}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/sign/", sent)
    assert (answer.status_code, asked) == (400, [version.terms.digest])
    assert "Show that it is you." in text_of(answer)
    assert state(broker, version, "wychshire") == WAITING


# Declining


def test_a_decline_is_shown_to_every_party_with_its_reason(
    broker: StandInBroker, version: Version
) -> None:
    sent = {"digest": version.terms.digest, "reason": "Nine years are too long."}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/decline/", sent)
    assert answer["Location"] == f"/agreements/{FALLS}/summary/"
    said = text_of(signed_in(DOCTOR).get(f"/agreements/{FALLS}/summary/"))
    assert "Wychshire County Council Declined on" in said
    assert "Nine years are too long." in said
    assert "0 of 2 signed" in said
    stranger = text_of(signed_in("h.ode").get(f"/agreements/{FALLS}/summary/"))
    assert "Wychshire County Council Declined on" in stranger
    assert "Nine years" not in stranger


@pytest.mark.parametrize("reason", ["", "   ", "x" * 4_001], ids=["none", "blank", "too-long"])
def test_a_decline_without_a_reason_is_none(
    broker: StandInBroker, version: Version, reason: str
) -> None:
    sent = {"digest": version.terms.digest, "reason": reason}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/decline/", sent)
    assert answer.status_code == 400
    assert "<title>Error: " in answer.content.decode()
    assert not Decline.objects.exists()


@pytest.mark.parametrize("who", [ANALYST, "h.ode"], ids=["no-signatory", "no-party"])
def test_the_wrong_person_declines_nothing(
    broker: StandInBroker, version: Version, who: str
) -> None:
    sent = {"digest": version.terms.digest, "reason": "No."}
    client = signed_in(who)
    assert client.get(f"/agreements/{FALLS}/decline/").status_code == 403
    assert client.post(f"/agreements/{FALLS}/decline/", sent).status_code == 403
    with pytest.raises(Refused):
        decline(version, broker.standing(), "No.", by=member(broker, who), at=NOW)
    with pytest.raises(Refused):
        decline(version, broker.standing(), "No.", by=None, at=NOW)
    assert not Decline.objects.exists()


def test_the_other_parties_are_told_of_a_decline_and_not_why(
    broker: StandInBroker, version: Version
) -> None:
    decline(version, broker.standing(), "Nine years.", by=member(broker, DIRECTOR), at=NOW)
    told = list(Message.objects.all())
    assert told
    assert {broker.standing().members[one.to].partner for one in told} == {"severn-acute"}
    for one in told:
        assert one.subject == f"Wychshire County Council has declined version 2 of {FALLS}"
        assert f"/agreements/{FALLS}/summary/" in one.text
        assert "Nine years" not in one.text


def test_declining_twice_is_said(broker: StandInBroker, version: Version) -> None:
    by = member(broker, DIRECTOR)
    decline(version, broker.standing(), "No.", by=by, at=NOW)
    with pytest.raises(BadInput, match="already"):
        decline(version, broker.standing(), "No!", by=member(broker, DEPUTY), at=NOW)
    assert Decline.objects.count() == 1


def test_the_digest_of_another_version_is_not_declined(broker: StandInBroker) -> None:
    sent = {"digest": broker.terms(FALLS).digest, "reason": "No."}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/decline/", sent)
    assert "The terms have changed" in text_of(answer)
    assert not Decline.objects.exists()


def test_a_decline_then_a_signature(broker: StandInBroker, version: Version) -> None:
    decline(version, broker.standing(), "No.", by=member(broker, DIRECTOR), at=NOW)
    sent = {"digest": version.terms.digest}
    assert signed_in(DIRECTOR).post(f"/agreements/{FALLS}/sign/", sent).status_code == 302
    assert state(broker, version_of(broker), "wychshire") == "signed"
    with pytest.raises(Refused):
        decline(version_of(broker), broker.standing(), "No.", by=member(broker, DIRECTOR), at=NOW)


def version_of(broker: StandInBroker) -> Version:
    found = broker.standing().newest(FALLS)
    assert found is not None
    return found


def test_a_decline_is_taken_back_once(broker: StandInBroker, version: Version) -> None:
    decline(version, broker.standing(), "No.", by=member(broker, DIRECTOR), at=NOW)
    assert state(broker, version, "wychshire") == DECLINED
    sent = {"digest": version.terms.digest, "what": "decline"}
    address = f"/agreements/{FALLS}/take-back/"
    assert signed_in(DOCTOR).post(address, sent).status_code == 400
    assert signed_in(ANALYST).post(address, sent).status_code == 403
    assert signed_in(DEPUTY).post(address, sent).status_code == 302
    assert state(broker, version, "wychshire") == WAITING
    with pytest.raises(BadInput):
        take_back_decline(version, broker.standing(), by=member(broker, DIRECTOR), at=NOW)
    decline(version, broker.standing(), "No again.", by=member(broker, DIRECTOR), at=NOW)
    assert Decline.objects.count() == 2


def test_a_new_version_is_asked_anew(broker: StandInBroker, version: Version) -> None:
    decline(version, broker.standing(), "No.", by=member(broker, DIRECTOR), at=NOW)
    broker.county.propose(replace(version.terms, version=3, ends=date(2027, 12, 31)))
    assert state(broker, version_of(broker), "wychshire") == WAITING
    with pytest.raises(BadInput, match="newer"):
        take_back_decline(version, broker.standing(), by=member(broker, DIRECTOR), at=NOW)


def test_the_database_holds_one_decline_of_each_party(
    broker: StandInBroker, version: Version
) -> None:
    made = decline(version, broker.standing(), "No.", by=member(broker, DIRECTOR), at=NOW)
    made.pk = None
    with transaction.atomic(), pytest.raises(IntegrityError):
        made.save(force_insert=True)


# Delegating


def test_a_delegation_says_who_is_asked_instead(broker: StandInBroker, version: Version) -> None:
    today = datetime.now(UTC).date() + timedelta(days=7)
    sent = {
        "digest": version.terms.digest,
        "to": DEPUTY,
        "until-day": today.day,
        "until-month": today.month,
        "until-year": today.year,
        "note": "I am away.",
    }
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/delegate/", sent)
    assert answer.status_code == 302, text_of(answer)
    said = text_of(signed_in(DOCTOR).get(f"/agreements/{FALLS}/summary/"))
    assert f"{DEPUTY} is asked instead of" in said
    assert "I am away." not in said
    assert "I am away." in text_of(signed_in(DEPUTY).get(f"/agreements/{FALLS}/summary/"))


def test_a_half_written_day_is_mended_on_the_page(broker: StandInBroker, version: Version) -> None:
    sent = {"digest": version.terms.digest, "to": DEPUTY, "until-day": "3"}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/delegate/", sent)
    assert answer.status_code == 400
    assert "as day, month and year" in text_of(answer)


@pytest.mark.parametrize("to", [DOCTOR, ANALYST, DIRECTOR, "nobody"])
def test_only_another_signatory_of_the_partner_is_asked(
    broker: StandInBroker, version: Version, to: str
) -> None:
    with pytest.raises(BadInput):
        delegate(version, broker.standing(), to, UNTIL, by=member(broker, DIRECTOR), at=NOW)
    assert not Delegation.objects.exists()


@pytest.mark.parametrize(
    ("day", "allowed"),
    [(date(2026, 11, 24), False), (date(2026, 11, 25), True), (date(2027, 2, 25), True),
     (date(2027, 2, 26), False)],
)  # fmt: skip
def test_until_when_it_may_be_delegated(
    broker: StandInBroker, version: Version, day: date, allowed: bool
) -> None:
    by = member(broker, DIRECTOR)
    if allowed:
        delegate(version, broker.standing(), DEPUTY, day, by=by, at=NOW)
    else:
        with pytest.raises(BadInput, match="day"):
            delegate(version, broker.standing(), DEPUTY, day, by=by, at=NOW)
    assert Delegation.objects.exists() is allowed


@pytest.mark.parametrize(("seconds", "expected"), [(-1, DELEGATED), (0, WAITING)])
def test_a_delegation_expires_at_midnight_in_london(
    broker: StandInBroker, version: Version, seconds: int, expected: str
) -> None:
    delegate(version, broker.standing(), DEPUTY, UNTIL, by=member(broker, DIRECTOR), at=NOW)
    at = begins(date(2026, 12, 2)) + timedelta(seconds=seconds)
    assert state(broker, version, "wychshire", at) == expected


def test_after_an_expired_delegation_another_is_given(
    broker: StandInBroker, version: Version
) -> None:
    by = member(broker, DIRECTOR)
    delegate(version, broker.standing(), DEPUTY, UNTIL, by=by, at=NOW)
    later = NOW + timedelta(days=30)
    delegate(version, broker.standing(), DEPUTY, date(2027, 1, 15), by=by, at=later)
    assert state(broker, version, "wychshire", later) == DELEGATED
    assert Delegation.objects.filter(taken_back=None).count() == 1


def test_the_delegate_signs_and_whoever_delegated_still_could(
    broker: StandInBroker, version: Version
) -> None:
    delegate(version, broker.standing(), DEPUTY, UNTIL, by=member(broker, DIRECTOR), at=NOW)
    page = signed_in(DIRECTOR).get(f"/agreements/{FALLS}/summary/").content.decode()
    assert "Go on to sign" in page
    sent = {"digest": version.terms.digest}
    assert signed_in(DEPUTY).post(f"/agreements/{FALLS}/sign/", sent).status_code == 302
    assert state(broker, version_of(broker), "wychshire") == "signed"


def test_what_was_declined_is_not_delegated_and_a_decline_ends_a_delegation(
    broker: StandInBroker, version: Version
) -> None:
    by, standing = member(broker, DIRECTOR), broker.standing()
    delegate(version, standing, DEPUTY, UNTIL, by=by, at=NOW)
    decline(version, standing, "No.", by=member(broker, DEPUTY), at=NOW)
    with pytest.raises(BadInput, match="declined"):
        delegate(version, standing, DEPUTY, UNTIL, by=by, at=NOW)
    with pytest.raises(BadInput, match="not delegated"):
        take_back_delegation(version, standing, by=by, at=NOW)


def test_a_delegation_is_taken_back_by_its_partner(broker: StandInBroker, version: Version) -> None:
    by = member(broker, DIRECTOR)
    delegate(version, broker.standing(), DEPUTY, UNTIL, by=by, at=NOW)
    sent = {"digest": version.terms.digest, "what": "delegation"}
    assert signed_in(DIRECTOR).post(f"/agreements/{FALLS}/take-back/", sent).status_code == 302
    assert state(broker, version, "wychshire") == WAITING


def test_nothing_else_is_taken_back(broker: StandInBroker, version: Version) -> None:
    sent = {"digest": version.terms.digest, "what": "signature"}
    assert signed_in(DIRECTOR).post(f"/agreements/{FALLS}/take-back/", sent).status_code == 404


# What the database holds, whoever writes to it

DECLINED_ROW = {"digest": "1" * 64, "partner": "p", "by": "a", "at": NOW, "reason": "No."}
HANDED_ROW = {
    "digest": "1" * 64,
    "partner": "p",
    "by": "a",
    "to": "b",
    "at": NOW,
    "until": UNTIL,
}
TAKEN = {"taken_back": NOW, "taken_back_by": "a"}
WORD = {"reference": "R", "clause": "c", "partner": "p", "due": UNTIL, "by": "a", "at": NOW}


@pytest.mark.parametrize(
    ("kind", "constraint", "row"),
    [
        (Decline, "decline_has_a_reason", DECLINED_ROW | {"reason": ""}),
        (Decline, "decline_taken_back_says_by_whom", DECLINED_ROW | TAKEN | {"taken_back_by": ""}),
        (Delegation, "delegation_is_to_somebody_else", HANDED_ROW | {"to": "a"}),
        (Delegation, "delegation_taken_back_says_by_whom", HANDED_ROW | {"taken_back_by": "a"}),
        (Attestation, "attestation_says_its_evidence", WORD | {"note": ""}),
        (SavedView, "saved_view_has_a_name", {"member": "m", "name": "", "at": NOW}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_says_half_is_none(kind: Any, constraint: str, row: dict[str, Any]) -> None:
    with transaction.atomic(), pytest.raises(IntegrityError, match=constraint):
        kind.objects.create(**row)


@pytest.mark.parametrize(
    ("kind", "row", "apart"),
    [
        (Decline, DECLINED_ROW, TAKEN),
        (Delegation, HANDED_ROW, TAKEN),
        (Attestation, WORD | {"note": "n"}, {"due": NOW.date()}),
        (SavedView, {"member": "m", "name": "n", "at": NOW}, {"member": "o"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_row_stands_once(kind: Any, row: dict[str, Any], apart: dict[str, Any]) -> None:
    kind.objects.create(**row)
    kind.objects.create(**(row | apart))
    with transaction.atomic(), pytest.raises(IntegrityError):
        kind.objects.create(**row)
    assert kind.objects.count() == 2


# The list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=keeping+PEOPLE", [FALLS]),
        ("q=keeping+nonsense", []),
        ("q=emergency-attendance", [LINKAGE, FALLS, "ISA-2026-020"]),
        ("state=waiting", [FALLS]),
        ("state=not-in-force", []),
        ("purpose=falls-prevention", [FALLS]),
        ("dataset=telecare&q=ISA-2026-014", [FALLS]),
        ("partner=saltbridge&q=ISA-2026-014", []),
        ("within=365", []),
        ("state=nonsense&within=x&sort=y&q=ISA-2026-014", [FALLS]),
        ("sort=reference&q=ISA-2026-0", [LINKAGE, FALLS, "ISA-2026-020"]),
    ],
)
def test_the_list_is_searched_filtered_and_sorted(
    broker: StandInBroker, query: str, found: list[str]
) -> None:
    client = signed_in(ANALYST)
    page = client.get(f"/agreements/?{query}").content.decode()
    assert re.findall(r'id="(ISA-[0-9-]+)"', page) == found
    assert ("Nothing was found." in page) == (not found)


def test_what_waits_for_my_partner(broker: StandInBroker) -> None:
    assert f'id="{FALLS}"' in signed_in(DIRECTOR).get("/agreements/?state=mine").content.decode()
    assert "Nothing was found." in text_of(signed_in("h.ode").get("/agreements/?state=mine"))


@pytest.mark.parametrize("page", ["0", "-1", "2", "999999", "x", "１", ""])
def test_a_page_that_is_not_there_is_the_nearest(broker: StandInBroker, page: str) -> None:
    said = text_of(signed_in(ANALYST).get("/agreements/", {"page": page}))
    assert "1 to 4 of 4" in said


def test_a_search_is_shown_as_it_was_typed_and_does_no_harm(broker: StandInBroker) -> None:
    evil = '"><script>alert(1)</script>'
    page = signed_in(ANALYST).get("/agreements/", {"q": evil}).content.decode()
    assert "<script>alert" not in page
    assert "&quot;&gt;&lt;script&gt;" in page


def test_a_long_list_is_a_page_at_a_time_and_makes_no_query_for_a_row(
    broker: StandInBroker,
) -> None:
    client = signed_in(ANALYST)
    with CaptureQueriesContext(connection) as few:
        client.get("/agreements/")
    before = len(few)
    for number in range(2 * listing.PER_PAGE):
        terms = replace(broker.terms(FALLS), reference=f"ISA-2028-{number:03}", version=1)
        broker.county.propose(terms)
    with CaptureQueriesContext(connection) as many:
        first = client.get("/agreements/?q=ISA-2028&sort=reference").content.decode()
    assert (before, len(many)) == (0, 0)
    assert "1 to 20 of 40" in first
    assert first.count('<section class="ct-card"') == listing.PER_PAGE
    assert 'href="?q=ISA-2028&amp;sort=reference&amp;page=2" rel="next"' in first
    second = text_of(client.get("/agreements/?q=ISA-2028&sort=reference&page=2"))
    assert "21 to 40 of 40" in second and "ISA-2028-039" in second


def test_a_filter_reads_back_from_its_own_address() -> None:
    wanted = listing.Filters("a b&c", "mine", "x=y", "d", "p+q", "90", "-ends", 3)
    assert listing.read(QueryDict(wanted.query())) == wanted
    assert listing.read(QueryDict(listing.Filters().query())) == listing.Filters()


def test_a_charter_of_many_partners_names_only_some_on_its_card(broker: StandInBroker) -> None:
    for number in range(40):
        broker.county.add_partner(f"parish-{number}")
    page = signed_in(ANALYST).get("/agreements/?q=CHARTER-2026").content.decode()
    assert page.count('<span class="ct-party">') == 24
    assert "and 20 more" in page


# Taken away


@pytest.fixture
def hostile(broker: StandInBroker) -> StandInBroker:
    terms = broker.terms(FALLS)
    title = '=HYPERLINK("http://x","y")'
    broker.county.propose(replace(terms, reference="ISA-2027-001", version=1, title=title))
    broker.county.propose(replace(terms, reference="ISA-2027-002", version=1, title="@SUM(A1)"))
    return broker


def test_a_list_as_csv_runs_nothing(hostile: StandInBroker) -> None:
    answer = signed_in(ANALYST).get("/agreements/list.csv?q=ISA-2027")
    assert answer["Content-Disposition"] == 'attachment; filename="agreements.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert [row["title"] for row in rows] == ['\'=HYPERLINK("http://x","y")', "'@SUM(A1)"]
    assert rows[0]["state"] == "not-in-force"


def test_a_list_as_a_workbook_has_no_formula(hostile: StandInBroker) -> None:
    answer = signed_in(ANALYST).get("/agreements/list.xlsx?q=ISA-2027")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == list(listing.FIELDS)
    assert all(cell.data_type != "f" for row in rows for cell in row)
    assert rows[1][1].value == '\'=HYPERLINK("http://x","y")'


def test_a_list_as_json_says_what_it_found(hostile: StandInBroker) -> None:
    found = json.loads(signed_in(ANALYST).get("/agreements/list.json").content)
    assert {row["reference"] for row in found} >= {FALLS, "ISA-2027-001", "CHARTER-2026"}
    assert next(row for row in found if row["reference"] == FALLS)["signed"].startswith("0 of")


def test_another_kind_of_file_is_not_found(broker: StandInBroker) -> None:
    assert signed_in(ANALYST).get("/agreements/list.exe").status_code == 404


# Saved views


def test_a_view_is_saved_opened_and_deleted_by_its_own_member_only(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    sent = {"name": "Mine", "q": "ISA-2026-014", "state": "waiting", "page": "3"}
    assert client.post("/agreements/views/", sent).status_code == 302
    saved = SavedView.objects.get()
    assert saved.query == "q=ISA-2026-014&state=waiting"
    page = client.get("/agreements/views/").content.decode()
    assert 'href="/agreements/?q=ISA-2026-014&amp;state=waiting">Mine' in page
    other = signed_in(DIRECTOR)
    assert "Mine" not in text_of(other.get("/agreements/views/"))
    assert other.post(f"/agreements/views/{saved.id}/delete/").status_code == 404
    assert client.post(f"/agreements/views/{saved.id}/delete/").status_code == 302
    assert client.post(f"/agreements/views/{saved.id}/delete/").status_code == 404


def test_saving_under_a_name_again_replaces_it(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    for state_ in ("waiting", "in-force"):
        client.post("/agreements/views/", {"name": "Mine", "state": state_})
    assert [one.query for one in SavedView.objects.all()] == ["state=in-force"]


@pytest.mark.parametrize("name", ["", " ", "x" * 81])
def test_a_view_needs_a_name(broker: StandInBroker, name: str) -> None:
    answer = signed_in(ANALYST).post("/agreements/views/", {"name": name})
    assert answer.status_code == 400
    assert not SavedView.objects.exists()
