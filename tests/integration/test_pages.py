"""The pages over a broker in memory: what they show, to whom, and what they keep to themselves."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from tests.stand_in_broker import CARE, FALLS, LINKAGE, StandInBroker, stand_in, write_county

from commonthread.web import jobs, pages
from commonthread.web.jobs import Jobs

ANALYST, CARER, DIRECTOR, DOCTOR = "a.reed", "t.vale", "d.ashe", "m.dove"
STATISTICS = f"{FALLS}/falls-prevention"
DIRECT_CARE = f"{CARE}/direct-care"
BANNER = "Demo home: holds the keys of its personas. Do not put real data in it."
DEVICES = "SELECT device, count(*) AS records FROM telecare_over_65 GROUP BY device"
FOREVER = "SELECT count(*) AS forever FROM telecare_over_65"


@pytest.fixture
def broker(shared: Path, monkeypatch: pytest.MonkeyPatch) -> StandInBroker:
    made = stand_in(shared / "examples" / "first-county")
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """The queries of one test, all stopped after it."""
    made = Jobs()
    monkeypatch.setattr("commonthread.web.queries.JOBS", made)
    yield made
    for key in list(made._jobs):
        made.drop(key)


@pytest.fixture
def county(tmp_path: Path, settings: Any) -> Path:
    """A synthetic county in the home that is served."""
    settings.HOME = tmp_path / "with-county"
    return write_county(settings.HOME)


def signed_in(member: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": member}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    """The page as a reader has it: without tags, with single spaces."""
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


def asked(client: Client, sql: str, under: str = STATISTICS, until: str = "") -> tuple[str, str]:
    """Run a query to its end (or to a state); its address and its page's text."""
    answer = client.post("/query/", {"under": under, "sql": sql})
    assert answer.status_code == 302, text_of(answer)
    return answer.url, awaited(client, answer.url, until)


def awaited(client: Client, address: str, until: str = "") -> str:
    for _ in range(200):
        state = client.get(f"{address}state/").json()["state"]
        if state == until or (not until and state != "running"):
            return text_of(client.get(address))
        time.sleep(0.02)
    raise AssertionError("the query never came to that state")


def test_a_real_home_says_that_there_is_no_sign_in_yet(broker: StandInBroker) -> None:
    broker.demo = False
    said = text_of(Client().get("/"))
    assert "Sign-in comes with the gateway" in said
    assert BANNER not in said


@pytest.mark.parametrize("address", ["/agreements/", "/query/", "/ledger/", "/ledger/export/"])
def test_a_real_home_opens_no_page(broker: StandInBroker, address: str) -> None:
    client = signed_in(ANALYST)
    broker.demo = False
    assert client.get(address).status_code == 403


def test_personas_are_listed_by_partner_with_what_they_can_do(broker: StandInBroker) -> None:
    said = text_of(Client().get("/"))
    assert "Wychshire County Council" in said
    assert f"May use telecare-over-65, attendances under {FALLS}" in said
    assert "Signs agreements for the partner" in said
    assert "The person index" not in said


def test_a_persona_is_known_by_the_id_that_commands_use(broker: StandInBroker) -> None:
    said = text_of(Client().get("/"))
    assert "Telecare team lead t.vale" in said
    assert "Medical Director m.dove" in said


def test_partners_stand_in_the_order_in_which_they_joined(broker: StandInBroker) -> None:
    broker.county.add_partner("albion")
    broker.county.add_member("z.last", "albion")
    said = text_of(Client().get("/"))
    assert said.index("Wychshire County Council") < said.index("Albion") < said.index("z.last")


def test_the_platforms_own_members_are_nobody_to_be(broker: StandInBroker) -> None:
    client = Client()
    client.post("/sign-in/", {"member": "commonthread.service"})
    assert client.get("/agreements/").status_code == 302


def test_nobody_sees_a_page_before_signing_in(broker: StandInBroker) -> None:
    answer = Client().get("/ledger/")
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_signing_out_ends_the_session(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    client.post("/sign-out/")
    assert client.get("/agreements/").status_code == 302


def test_a_form_from_elsewhere_is_refused(broker: StandInBroker) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/sign-in/", {"member": ANALYST})
    assert answer.status_code == 403
    assert "The form is too old" in text_of(answer)


@pytest.mark.usefixtures("county")
@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/agreements/",
        f"/agreements/{FALLS}/",
        "/query/",
        "/ledger/",
        "/query/lookup/",
        "/datasets/",
        "/datasets/wychshire/telecare/",
        "/county/",
    ],
)
def test_every_page_of_a_demo_home_says_so_and_is_not_kept(
    broker: StandInBroker, address: str
) -> None:
    answer = signed_in(CARER).get(address)
    assert BANNER in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", answer.content.decode())


def test_agreements_say_what_is_in_force_and_why_not(shared: Path, broker: StandInBroker) -> None:
    broker.county.suspend(FALLS, "severn-acute")
    said = text_of(signed_in(ANALYST).get("/agreements/"))
    assert f"severn-acute has suspended {FALLS}. party[severn-acute]" in said
    assert "What would change it: A signatory of severn-acute resumes it." in said
    assert "1 January 2026 to 31 December 2034" in said


def test_an_agreement_says_what_each_grant_opens_in_words(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).get(f"/agreements/{FALLS}/"))
    assert "Rows where born is on or before 1 January 1961" in said
    assert "arrived is on or after 1 January 2025 and outcome is not died" in said
    assert "The age in bands of five years such as 85-89, as at 1 January 2026" in said
    assert "No figure about fewer than 5 residents" in said
    assert "You can use this" in said
    assert broker.terms(FALLS).digest in said


def test_a_grant_that_is_not_open_says_why(broker: StandInBroker) -> None:
    said = text_of(signed_in(CARER).get(f"/agreements/{FALLS}/"))
    assert "Not open to you" in said
    assert "telecare-over-65 is for wychshire/analysts. grant[telecare-over-65].recipients" in said


def test_an_agreement_that_nobody_made_is_not_found(broker: StandInBroker) -> None:
    answer = signed_in(ANALYST).get("/agreements/ISA-1999-001/")
    assert answer.status_code == 404
    assert all(shown in text_of(answer) for shown in (BANNER, "Sign out", "Ledger"))
    assert "15 minutes" not in text_of(answer)


def test_a_signatory_signs_the_digest_that_was_shown(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = stand_in(shared / "examples" / "first-county", signed=[LINKAGE])
    monkeypatch.setattr(pages, "open_broker", lambda: broker)
    for member in (DIRECTOR, DOCTOR):
        client = signed_in(member)
        assert broker.terms(FALLS).digest in text_of(client.get(f"/agreements/{FALLS}/sign/"))
        client.post(f"/agreements/{FALLS}/sign/", {"digest": broker.terms(FALLS).digest})
    status = next(item for item in broker.agreements() if item.reference == FALLS)
    assert status.in_force, status.reasons


def test_another_digest_is_not_signed(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = stand_in(shared / "examples" / "first-county", signed=[LINKAGE])
    monkeypatch.setattr(pages, "open_broker", lambda: broker)
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/sign/", {"digest": "0" * 64})
    assert answer.status_code == 400
    assert "The terms have changed" in text_of(answer)


def test_a_draft_is_shown_beside_what_governs(broker: StandInBroker) -> None:
    draft = proposed(broker)
    client = signed_in(DIRECTOR)
    for address in ("/agreements/", f"/agreements/{FALLS}/"):
        said = text_of(client.get(address))
        assert "Version 2 waits for signatures" in said
        assert "Version 1 governs until all have signed." in said
        assert "Still to sign: Severn Acute Hospitals NHS Trust; Wychshire County Council" in said
        assert draft.digest in said
    assert broker.terms(FALLS).digest in text_of(client.get(f"/agreements/{FALLS}/"))


def test_a_draft_is_read_whole_before_it_is_signed(broker: StandInBroker) -> None:
    draft = proposed(broker)
    said = text_of(signed_in(DIRECTOR).get(f"/agreements/{FALLS}/draft/"))
    assert "These terms open nothing yet. Version 1 governs" in said
    assert draft.digest in said
    assert broker.terms(FALLS).digest not in said
    assert "The last day is now 30 June 2034; it was 31 December 2034" in said
    assert "Sign version 2" in said
    assert "You can use this" not in said


def test_without_a_draft_its_page_is_the_agreements(broker: StandInBroker) -> None:
    answer = signed_in(DIRECTOR).get(f"/agreements/{FALLS}/draft/")
    assert (answer.status_code, answer["Location"]) == (302, f"/agreements/{FALLS}/")


@pytest.mark.parametrize("leaves", [False, True], ids=["in-force", "after-a-withdrawal"])
def test_a_signatory_signs_the_draft(broker: StandInBroker, leaves: bool) -> None:
    if leaves:
        broker.county.withdraw(FALLS, "severn-acute")
    draft = proposed(broker)
    for member in (DIRECTOR, DOCTOR):
        client = signed_in(member)
        assert f"/agreements/{FALLS}/sign/" in client.get("/agreements/").content.decode()
        said = text_of(client.get(f"/agreements/{FALLS}/sign/"))
        assert draft.digest in said
        assert "2, a draft: version 1 governs until all have signed." in said
        sent = client.post(f"/agreements/{FALLS}/sign/", {"digest": draft.digest})
        assert sent.status_code == 302, text_of(sent)
    status = next(item for item in broker.agreements() if item.reference == FALLS)
    assert (status.version, status.in_force, status.draft) == (2, True, None)


def test_the_digest_of_what_governs_does_not_sign_the_draft(broker: StandInBroker) -> None:
    proposed(broker)
    sent = {"digest": broker.terms(FALLS).digest}
    answer = signed_in(DIRECTOR).post(f"/agreements/{FALLS}/sign/", sent)
    assert "The terms have changed" in text_of(answer)


def proposed(broker: StandInBroker) -> Any:
    """A second version of the falls agreement that waits for signatures."""
    ends = date(2034, 6, 30)
    return broker.county.propose(replace(broker.terms(FALLS), version=2, ends=ends))


def test_only_a_signatory_of_a_party_is_offered_acts(broker: StandInBroker) -> None:
    assert signed_in(ANALYST).get(f"/agreements/{FALLS}/withdraw/").status_code == 403
    assert signed_in("h.ode").get(f"/agreements/{FALLS}/withdraw/").status_code == 403
    assert signed_in(DOCTOR).get(f"/agreements/{FALLS}/withdraw/").status_code == 200
    assert signed_in(DOCTOR).get(f"/agreements/{FALLS}/burn/").status_code == 404


@pytest.mark.parametrize(
    ("member", "act", "why"),
    [
        (ANALYST, "withdraw", "You are not a signatory."),
        ("h.ode", "withdraw", "Saltbridge District Council is not a party to ISA-2026-014."),
        (DOCTOR, "sign", "Severn Acute Hospitals NHS Trust has signed version 1 of"),
        (DOCTOR, "resume", "Severn Acute Hospitals NHS Trust has not suspended ISA-2026-014"),
    ],
    ids=["no-signatory", "no-party", "signed", "not-suspended"],
)
def test_who_cannot_act_is_told_why_and_who_can(
    broker: StandInBroker, member: str, act: str, why: str
) -> None:
    answer = signed_in(member).get(f"/agreements/{FALLS}/{act}/")
    said = text_of(answer)
    assert answer.status_code == 403
    assert why in said
    assert BANNER in said and "Sign out" in said
    able = "For Severn Acute Hospitals NHS Trust: Medical Director (m.dove)"
    assert (able in said) == (act == "withdraw")
    assert ("Nobody can do this now." in said) == (act != "withdraw")


def test_a_withdrawal_needs_a_reason(broker: StandInBroker) -> None:
    sent = {"digest": broker.terms(FALLS).digest, "reason": " "}
    answer = signed_in(DOCTOR).post(f"/agreements/{FALLS}/withdraw/", sent)
    assert answer.status_code == 400
    assert "<title>Error: Withdraw" in answer.content.decode()
    assert 'href="#reason"' in answer.content.decode()
    assert broker.decide(request_of()).permitted


def request_of() -> Any:
    from commonthread.broker.access import Request, Sql

    return Request(ANALYST, Sql(DEVICES), FALLS, "falls-prevention")


def test_suspend_then_resume(broker: StandInBroker) -> None:
    client = signed_in(DOCTOR)
    sent = {"digest": broker.terms(FALLS).digest, "reason": "We look into it"}
    client.post(f"/agreements/{FALLS}/suspend/", sent)
    assert not broker.decide(request_of()).permitted
    client.post(f"/agreements/{FALLS}/resume/", sent)
    assert broker.decide(request_of()).permitted


def test_a_query_shows_its_answer_and_what_it_rests_on(broker: StandInBroker) -> None:
    address, said = asked(signed_in(ANALYST), DEVICES)
    assert "falls-detector 110" in said
    assert broker.terms(FALLS).digest in said
    assert "wychshire/telecare: deposit 1" in said
    assert "Ledger entry" in said
    assert "SELECT" not in address


def test_the_form_shows_the_tables_and_examples_that_are_open(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).get("/query/"))
    assert "telecare_over_65" in said and "attendances" in said
    assert "Records in telecare over 65, counted for each" in said
    page = signed_in(ANALYST).get(f"/query/?under={quote(STATISTICS, safe='')}&example=0")
    assert "GROUP BY" in text_of(page)


def test_a_member_without_grants_is_told_that_nothing_is_open(broker: StandInBroker) -> None:
    said = text_of(signed_in("e.wren").get("/query/"))
    assert "No agreement opens a table to you now" in said
    assert "Those who sign, advise and deposit never read other partners’ data." in said


@pytest.mark.parametrize("address", ["/query/", "/query/lookup/"])
def test_who_has_grants_is_told_why_they_are_closed_and_not_to_be_another(
    broker: StandInBroker, address: str
) -> None:
    broker.county.suspend(CARE, "severn-acute")
    said = text_of(signed_in(CARER).get(address))
    assert f"severn-acute has suspended {CARE}." in said
    assert "A signatory of severn-acute resumes it." in said
    assert FALLS not in said
    assert "sign in as" not in said


def test_the_form_says_how_a_column_is_shown(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).get(f"/query/?under={quote(STATISTICS, safe='')}"))
    assert "born text: the age in bands of five years such as 85-89, as at 1 January 2026" in said


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"under": STATISTICS, "sql": " "}, "Enter a query"),
        ({"under": "ISA-9/x", "sql": "SELECT 1"}, "Choose an agreement and a purpose"),
        ({"under": STATISTICS, "sql": "x" * 20_001}, "Enter a query of at most 20,000 characters"),
    ],
    ids=["empty", "unknown-agreement", "too-long"],
)
def test_a_form_with_a_fault_says_how_to_mend_it(
    broker: StandInBroker, sent: dict[str, str], error: str
) -> None:
    answer = signed_in(ANALYST).post("/query/", sent)
    assert answer.status_code == 400
    assert "There is a problem" in text_of(answer)
    assert error in text_of(answer)


def test_a_refusal_shows_each_reason_with_its_clause(broker: StandInBroker) -> None:
    _, said = asked(signed_in(ANALYST), "SELECT * FROM housing_register")
    assert "Refused" in said
    assert "The query names a table that no grant of the agreement opens. grant" in said
    assert "Check the spelling first" in said
    assert "The agreement does not allow this" not in said
    assert "What would change it: Its tables: attendances, telecare_over_65." in said


def test_a_query_that_cannot_be_read_can_be_changed(broker: StandInBroker) -> None:
    _, said = asked(signed_in(ANALYST), "SELEC nothing")
    assert "The query cannot be taken" in said
    assert "query : expected FROM – name a table" in said
    assert "SELEC nothing" in said


def test_an_answer_belongs_to_who_asked(broker: StandInBroker) -> None:
    address, _ = asked(signed_in(ANALYST), DEVICES)
    other = signed_in(CARER)
    assert other.get(address).status_code == 404
    assert "Answers are kept for 15 minutes" in text_of(other.get(address))
    assert other.get(f"{address}state/").status_code == 404
    assert other.get(f"{address}answer.csv").status_code == 404
    assert other.post(f"{address}stop/").status_code == 404


def test_a_withdrawal_ends_a_running_query_and_the_page_says_when(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    answer = client.post("/query/", {"under": STATISTICS, "sql": FOREVER})
    running = text_of(client.get(answer.url))
    assert "Running" in running
    assert f"Withdraw Severn Acute Hospitals NHS Trust from {FALLS}" in running
    client.post(f"{answer.url}withdraw/", {"partner": "severn-acute"})
    said = awaited(client, answer.url)
    assert re.search(rf"Ended at \d\d:\d\d:\d\d: severn-acute has withdrawn from {FALLS}", said)


def test_a_running_page_loads_itself_again_without_script(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    answer = client.post("/query/", {"under": STATISTICS, "sql": FOREVER})
    page = client.get(answer.url).content.decode()
    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in page


def test_a_running_query_is_stopped(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    answer = client.post("/query/", {"under": STATISTICS, "sql": FOREVER})
    client.post(f"{answer.url}stop/")
    assert "You stopped it" in awaited(client, answer.url)


def test_an_answer_that_is_shown_goes_when_its_permit_ends(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    address, _ = asked(client, DEVICES)
    broker.county.withdraw(FALLS, "severn-acute")
    said = text_of(client.get(address))
    assert "Ended at" in said
    assert "falls-detector" not in said
    assert client.get(f"{address}answer.csv").status_code == 404


def test_an_answer_is_dropped_after_a_quarter_of_an_hour(
    broker: StandInBroker, kept: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ANALYST)
    address, _ = asked(client, DEVICES)
    job = next(iter(kept._jobs.values()))
    monkeypatch.setattr(job, "started", job.started - jobs.LIFETIME)
    assert client.get(address).status_code == 404


def test_no_more_answers_are_kept_than_there_is_room_for(
    broker: StandInBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_JOBS", 2)
    client = signed_in(ANALYST)
    first, _ = asked(client, DEVICES)
    second, _ = asked(client, DEVICES)
    third, _ = asked(client, DEVICES)
    assert [client.get(one).status_code for one in (first, second, third)] == [404, 200, 200]


def test_one_member_cannot_fill_the_machine(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    sent = {"under": STATISTICS, "sql": FOREVER}
    codes = [client.post("/query/", sent).status_code for _ in range(jobs.MOST_RUNNING + 1)]
    assert codes == [302] * jobs.MOST_RUNNING + [400]


def test_a_page_shows_a_thousand_rows(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    address, said = asked(client, "SELECT many FROM attendances")
    assert re.search(r"1,500 rows in \d+ s; 1000 are shown", said)
    assert client.get(address).content.decode().count("<tr") == 1_001
    assert client.get(f"{address}answer.csv").content.decode().count("\n") == 1_502


def test_a_table_that_may_be_too_wide_says_that_it_scrolls(broker: StandInBroker) -> None:
    assert "scroll the table sideways" not in asked(signed_in(ANALYST), DEVICES)[1]
    _, said = asked(signed_in(CARER), "SELECT surname FROM clients", DIRECT_CARE)
    assert "5 columns. To see those that do not fit, scroll the table sideways." in said


def test_values_are_shown_as_text_and_never_as_markup(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    address, said = asked(client, "SELECT hostile FROM attendances")
    assert "9007199254740993" in said
    assert "&lt;b&gt;bold" in client.get(address).content.decode()


def test_a_download_is_safe_to_open_in_a_spreadsheet(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    address, _ = asked(client, "SELECT hostile FROM attendances")
    answer = client.get(f"{address}answer.csv")
    assert answer.content.decode().splitlines() == [
        f"# {BANNER}",
        "note,balance,person",
        "'=1+1,-5,9007199254740993",
        "'@x,,9223372036854775807",
        "<b>bold</b>,3,1",
    ]
    assert "attachment" in answer["Content-Disposition"]


def test_what_may_not_be_exported_is_not_downloaded(broker: StandInBroker) -> None:
    client = signed_in(CARER)
    address, said = asked(client, "SELECT surname FROM clients", DIRECT_CARE)
    assert "Oakes" in said
    assert "does not let this answer be downloaded" in said
    assert client.get(f"{address}answer.csv").status_code == 403


def test_a_look_up_promises_nothing_that_there_is_not(broker: StandInBroker) -> None:
    said = text_of(signed_in(CARER).get("/query/lookup/"))
    assert "person concerned" not in said
    assert "Your reason and your name go into the ledger, encrypted." in said


def test_a_look_up_needs_a_reason(broker: StandInBroker) -> None:
    sent = {"grant": f"{DIRECT_CARE}/before-a-visit", "value": "4611686018427387905"}
    answer = signed_in(CARER).post("/query/lookup/", sent)
    assert answer.status_code == 400
    assert "Enter why you look it up" in text_of(answer)


def test_a_look_up_answers_for_one_person(broker: StandInBroker) -> None:
    client = signed_in(CARER)
    sent = {
        "grant": f"{DIRECT_CARE}/before-a-visit",
        "value": "4611686018427387905",
        "reason": "Visit tomorrow",
    }
    answer = client.post("/query/lookup/", sent)
    assert "4611686018427387905" not in answer.url
    assert "discharged" in awaited(client, answer.url)


def test_the_ledger_is_shown_newest_first_by_pages(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    last = broker.ledger.size - 1
    page = client.get("/ledger/")
    assert f"Entries {last} to {last - 24} of {last + 1}" in text_of(page)
    assert f"before={last - 24}" in page.content.decode()
    older = text_of(client.get(f"/ledger/?before={last - 24}"))
    assert f"Entries {last - 25} to" in older


def test_the_ledger_says_which_act_by_whom(broker: StandInBroker) -> None:
    for act in ("suspend", "resume", "withdraw"):
        broker.act(FALLS, act, DOCTOR, "We look into it")
    said = text_of(signed_in(ANALYST).get("/ledger/"))
    trust = "partner Severn Acute Hospitals NHS Trust"
    assert f"A withdrawal from an agreement {trust} signatory m.dove reference {FALLS}" in said
    # Who resumed is no fact that stands: the outbox still says which partner it was.
    assert f"An agreement resumed {trust} reference {FALLS}" in said
    assert f"An agreement suspended {trust} reference {FALLS}" in said
    assert "An agreement signed partner Wychshire County Council signatory d.ashe" in said


def test_the_ledger_says_a_lease_in_plain_words(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    asked(client, DEVICES)
    page = client.get("/ledger/")
    opened = broker.ledger.size - 2
    assert f"An answer closed answer opened by entry {opened}" in text_of(page)
    assert f'href="/ledger/?before={opened + 1}#entries"' in page.content.decode()
    assert "lease" not in text_of(page)


@pytest.mark.parametrize("before", ["-1", "x", "9" * 30, "0", "²"])
def test_an_odd_page_of_the_ledger_is_still_a_page(broker: StandInBroker, before: str) -> None:
    assert signed_in(ANALYST).get("/ledger/", {"before": before}).status_code == 200


def test_verifying_says_what_was_checked(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).post("/ledger/verify/"))
    assert "The ledger verifies" in said
    assert f"{broker.ledger.size} entries" in said


def test_a_ledger_that_does_not_verify_is_said_to(broker: StandInBroker) -> None:
    broker.ledger.broken = True
    answer = signed_in(ANALYST).post("/ledger/verify/")
    assert answer.status_code == 503
    assert "Entry 3 is not the one that was signed" in text_of(answer)


def test_ledger_and_checkpoint_are_downloaded_as_they_are(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    export = client.get("/ledger/export/")
    assert b"".join(export.streaming_content) == b"".join(broker.ledger.export())
    assert 'filename="demo-home-firstcounty-' in export["Content-Disposition"]
    assert client.get("/ledger/checkpoint/").content.decode() == broker.ledger.checkpoint()


def test_an_integrity_failure_is_a_page_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from commonthread.broker.access import IntegrityFailure

    def fails() -> SimpleNamespace:
        raise IntegrityFailure("The tables say more than the entries.")

    monkeypatch.setattr(pages, "open_broker", fails)
    answer = Client().get("/")
    assert answer.status_code == 503
    assert "The tables say more than the entries." in text_of(answer)


def test_an_agreement_is_drawn_for_a_wide_and_a_narrow_window(broker: StandInBroker) -> None:
    page = signed_in(ANALYST).get(f"/agreements/{FALLS}/").content.decode()
    assert page.count('role="img"') == 2
    assert "Statistics: no figure under 5," in page
    assert 'href="/datasets/severn-acute/emergency-attendance/"' in page
    assert "What is dashed is not in force" not in page


def test_what_a_draft_would_open_is_drawn_as_closed(broker: StandInBroker) -> None:
    proposed(broker)
    said = text_of(signed_in(DIRECTOR).get(f"/agreements/{FALLS}/draft/"))
    assert "What is dashed is not in force" in said


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("device", "Bar chart of records by device. Highest: pendant, 185."),
        ("monthly", "Line chart of visits by arrived, Jan 2026 to Jun 2026."),
        ("crossed", "Bar chart in groups of records by device and alarmed."),
    ],
)
def test_an_answer_of_groups_is_drawn_above_its_table(
    broker: StandInBroker, word: str, said: str
) -> None:
    _, page = asked(signed_in(ANALYST), f"SELECT {word} FROM telecare_over_65")
    assert said in page
    assert page.index(said) < page.index(f"Answer under {FALLS}")


@pytest.mark.parametrize("word", ["many", "hostile", "clients"])
def test_an_answer_of_something_else_is_not_drawn(broker: StandInBroker, word: str) -> None:
    client = signed_in(ANALYST)
    address, _ = asked(client, f"SELECT {word} FROM telecare_over_65")
    assert "ct-chart" not in client.get(address).content.decode()


def test_an_answer_with_too_many_figures_says_why_it_is_not_drawn(broker: StandInBroker) -> None:
    _, said = asked(signed_in(ANALYST), "SELECT crowded FROM telecare_over_65")
    assert "This answer is not drawn: it has 41 figures, and a chart has 40 at most." in said


def test_datasets_are_listed_with_the_agreements_that_grant_them(broker: StandInBroker) -> None:
    answer = signed_in(ANALYST).get("/datasets/")
    assert 'href="/datasets/wychshire/telecare/"' in answer.content.decode()
    assert f"{LINKAGE} {FALLS} {CARE}" in text_of(answer)
    assert "for the platform alone" in text_of(answer)


def test_a_dataset_shows_its_contract_and_who_uses_it_how(broker: StandInBroker) -> None:
    said = text_of(signed_in(CARER).get("/datasets/wychshire/telecare/"))
    assert "Special category" in said
    assert "date of birth" in said
    assert f"{FALLS} Keeping people who use assistive technology" in said
    assert "the age in bands of five years such as 85-89" in said
    assert "analysts of Wychshire County Council" in said


def test_a_dataset_shows_its_deposits_to_the_owners_engineer(broker: StandInBroker) -> None:
    said = text_of(signed_in("e.wren").get("/datasets/wychshire/telecare/"))
    assert "1,400 Quarantined: 3" in said
    assert "born: is missing: 3 rows" in said
    assert "Missing: 100, 25.0%" in said
    assert "Badly formed: 50, 12.5%" in said
    assert "not looked at" in said


@pytest.mark.parametrize("member", [ANALYST, DIRECTOR, "s.pike"], ids=["group", "signs", "other"])
def test_a_dataset_hides_its_deposits_from_all_others(broker: StandInBroker, member: str) -> None:
    entries = broker.ledger.size
    said = text_of(signed_in(member).get("/datasets/wychshire/telecare/"))
    assert "Only a data engineer of Wychshire County Council sees what was deposited" in said
    assert "Quarantined" not in said and "1,400" not in said
    # Looking at a contract is no request: nothing was refused, and nothing is recorded.
    assert broker.ledger.size == entries


def test_a_dataset_without_a_deposit_says_how_to_make_one(broker: StandInBroker) -> None:
    del broker.county.standing.deposits["wychshire/telecare"]
    said = text_of(signed_in("e.wren").get("/datasets/wychshire/telecare/"))
    assert "commonthread deposit wychshire/telecare FILE --as e.wren" in said


def test_a_dataset_that_nobody_declared_is_not_found(broker: StandInBroker) -> None:
    answer = signed_in(ANALYST).get("/datasets/wychshire/nothing/")
    assert answer.status_code == 404
    assert "There is no dataset of this name." in text_of(answer)


def test_without_a_county_no_page_tells_of_one(broker: StandInBroker) -> None:
    said = text_of(Client().get("/"))
    assert "See the county" not in said and "Try first" not in said
    assert Client().get("/county/").status_code == 404


@pytest.mark.usefixtures("county")
def test_a_county_is_explained_with_its_pictures_errors_and_answer_key(
    broker: StandInBroker,
) -> None:
    answer = Client().get("/county/")
    said = text_of(answer)
    assert 'src="/county/people.svg"' in answer.content.decode()
    assert "Words of map." in said
    assert "Records that have it: 0.8%, 263 of 34,186" in said
    assert "A slip of the keys" in said
    assert "Size: 2.1" in said
    assert "No error was put in." in said
    assert "<script>alert" not in answer.content.decode()
    assert "people &amp; &lt;b&gt;more" in answer.content.decode()


@pytest.mark.usefixtures("county")
def test_a_picture_of_the_county_can_run_nothing(broker: StandInBroker) -> None:
    answer = Client().get("/county/map.svg")
    assert answer["Content-Type"].startswith("image/svg+xml")
    policy = answer["Content-Security-Policy"]
    assert policy == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("county")
@pytest.mark.parametrize("name", ["report", "other", "people2"])
def test_nothing_else_of_the_county_is_served(broker: StandInBroker, name: str) -> None:
    assert Client().get(f"/county/{name}.svg").status_code == 404


def test_a_picture_that_leads_elsewhere_is_not_served(broker: StandInBroker, county: Path) -> None:
    secret = county.parent / "secret"
    secret.write_text("<svg>secret</svg>", encoding="utf-8")
    (county / "map.svg").unlink()
    (county / "map.svg").symlink_to(secret)
    assert Client().get("/county/map.svg").status_code == 404
    assert "/county/map.svg" not in Client().get("/county/").content.decode()


@pytest.mark.usefixtures("county")
def test_a_real_home_shows_no_county(broker: StandInBroker) -> None:
    broker.demo = False
    assert "A county that does not exist" not in text_of(Client().get("/county/"))
    assert b"<svg" not in Client().get("/county/map.svg").content[:4]


@pytest.mark.usefixtures("county")
def test_what_to_try_first_signs_in_and_leads_there(broker: StandInBroker) -> None:
    said = text_of(Client().get("/"))
    assert "Count without seeing anybody" in said
    # The power company is not in this home, so there is nothing of it to try.
    assert "Sign what waits" not in said
    client = Client()
    answer = client.post("/sign-in/", {"try": "count"})
    assert answer["Location"] == (f"/query/?under={quote(STATISTICS, safe='')}&example=1")
    assert "SELECT" in text_of(client.get(answer["Location"]))


@pytest.mark.usefixtures("county")
@pytest.mark.parametrize("tried", ["sign", "nothing"])
def test_what_cannot_be_tried_signs_nobody_in(broker: StandInBroker, tried: str) -> None:
    answer = Client().post("/sign-in/", {"try": tried})
    assert answer["Location"] == "/"
