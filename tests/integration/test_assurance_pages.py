"""The pages of assurance and what is done on them: checks, evidence, renewing, charter, outbox."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from tests.homes import OWNER, REFERENCE, small_home
from tests.stand_in_broker import CARE, FALLS, StandInBroker, stand_in

from commonthread.broker.access import BadInput, Broker, Document, Refused
from commonthread.broker.access import IntegrityFailure as Changed
from commonthread.broker.records import close_ledgers
from commonthread.broker.rules.facts import CHARTER
from commonthread.broker.rules.standing import OFFICER, Member, Partner
from commonthread.gateway.assurance import checks, evidence
from commonthread.gateway.assurance.checks import Renewal
from commonthread.gateway.assurance.evidence import LARGEST, Evidence, EvidenceStore
from commonthread.gateway.models import (
    FAILED,
    NEGOTIATING,
    CredentialCheck,
    Draft,
    MemberAddress,
    Message,
)
from commonthread.gateway.post import outbox
from commonthread.web import pages
from commonthread.web.assurance import grid as pages_grid

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
COUNCIL, HOSPITAL = "wychshire", "severn-acute"
OFFICER_ID, OTHER_OFFICER, ANALYST, DIRECTOR = "g.penn", "a.quill", "a.reed", "d.ashe"
PDF = b"%PDF-1.7 a certificate"
ICO = "ico-registration"


@pytest.fixture
def broker(
    shared: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> StandInBroker:
    settings.HOME = tmp_path
    made = stand_in(shared / "examples" / "first-county")
    made.county.add_member(OFFICER_ID, COUNCIL, roles=[OFFICER])
    made.county.add_member(OTHER_OFFICER, HOSPITAL, roles=[OFFICER])
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


def signed_in(member: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": member}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


def officer(partner: str = COUNCIL, id_: str = OFFICER_ID) -> Member:
    return Member(id_, id_, partner, (OFFICER,))


def lapse(broker: StandInBroker, partner: str, days: int) -> None:
    """The partner's ICO fee ends in so many days from now, whatever was recorded before."""
    known = broker.county.standing.partners[partner]
    last = datetime.now(UTC).date() + timedelta(days=days)
    held = [replace(one, expires=last) for one in known.credentials if one.scheme == ICO]
    broker.county.standing.partners[partner] = replace(known, credentials=tuple(held))


# The grid


def test_the_grid_names_every_partner_and_scheme_in_words(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).get("/assurance/"))
    for words in ("Wychshire County Council", "Severn Acute", "ICO fee", "DSPT", "In date"):
        assert words in said
    assert "commonthread until" not in said


def test_the_grid_says_what_a_lapse_stops(broker: StandInBroker) -> None:
    lapse(broker, HOSPITAL, -1)
    answer = signed_in(ANALYST).get("/assurance/")
    said, page = text_of(answer), answer.content.decode()
    assert "Stopped now for want of a credential: ISA-2026-001" in said
    assert f"Stops ISA-2026-001, {FALLS}, {CARE}" in said
    assert page.index(f'"/assurance/{HOSPITAL}/"') < page.index(f'"/assurance/{COUNCIL}/"')


def test_what_rests_on_a_stopped_agreement_is_stopped_with_it(broker: StandInBroker) -> None:
    """The district is a party to the linkage alone, on which the two others rest."""
    client = signed_in(ANALYST)
    said = text_of(client.get("/assurance/saltbridge/"))
    assert f"With it what rests on it: {FALLS} {CARE}" in said
    lapse(broker, "saltbridge", -1)
    said = text_of(client.get("/assurance/"))
    assert f"Stops ISA-2026-001, {FALLS}, {CARE}" in said
    closed = {one.reference for one in broker.agreements() if not one.in_force}
    assert closed == {"ISA-2026-001", FALLS, CARE}


def test_the_grid_is_filtered_by_state_and_says_so_without_script(broker: StandInBroker) -> None:
    lapse(broker, HOSPITAL, 20)
    client = signed_in(ANALYST)
    page = client.get("/assurance/?state=ending")
    said = text_of(page)
    assert "Partners 1 to 1 of 1" in said
    assert "Ends in 20 days" in said
    assert '<option value="ending" selected>' in page.content.decode()
    # What is not a state of ours filters nothing.
    assert "Partners 1 to" in text_of(client.get("/assurance/?state=%3Cb%3E"))


@pytest.mark.parametrize("number", ["0", "2", "x", "٣", "9999999"])
def test_a_page_of_the_grid_that_is_not_there_is_not_found(
    broker: StandInBroker, number: str
) -> None:
    assert signed_in(ANALYST).get(f"/assurance/?page={number}").status_code == 404


def test_the_grid_is_made_again_when_a_fact_is_added(broker: StandInBroker) -> None:
    client = signed_in(ANALYST)
    client.get("/assurance/")
    broker.county.add_partner("albion")
    assert "Albion" in text_of(client.get("/assurance/"))


def test_the_grid_is_not_made_again_for_what_it_does_not_rest_on(
    broker: StandInBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, made = signed_in(ANALYST), []
    real = pages_grid.grid
    monkeypatch.setattr(pages_grid, "grid", lambda *of: made.append(of) or real(*of))
    client.get("/assurance/")
    broker.county.deposit("wychshire/telecare", rows=10)
    client.get("/assurance/")
    assert len(made) == 1
    broker.county.suspend(FALLS, HOSPITAL)
    client.get("/assurance/")
    assert len(made) == 2


def test_no_page_grows_with_the_trust(broker: StandInBroker) -> None:
    for number in range(60):
        known = Partner(f"p{number}", f"Practice {number:02}", "gp", "k")
        broker.county.standing.partners[known.id] = known
    client = signed_in(ANALYST)
    assert client.get("/assurance/").content.count(b'<th scope="row"') == 50
    assert "The next ones" in text_of(client.get("/assurance/"))
    assert client.get("/assurance/?page=2").status_code == 200


# One partner


def test_a_partner_is_shown_with_what_its_lapses_would_do(broker: StandInBroker) -> None:
    said = text_of(signed_in(ANALYST).get(f"/assurance/{HOSPITAL}/"))
    assert "Standards met standards-met" in said
    assert "Opens nothing" not in said
    assert "It opens nothing until the credential is renewed" in said
    assert "From: 1 April 2036, 00:00" in said
    assert "Nobody has written down that they looked at it." in said
    assert "Write down a check" not in said


def test_a_partner_that_is_not_there_is_not_found(broker: StandInBroker) -> None:
    for id_ in ("nobody", "commonthread"):
        assert signed_in(ANALYST).get(f"/assurance/{id_}/").status_code == 404


def filled(**changes: Any) -> dict[str, Any]:
    form = {
        "scheme": ICO,
        "scope": "The whole council",
        "checked_on-day": "24",
        "checked_on-month": "11",
        "checked_on-year": "2026",
        "note": "Looked it up in the register.",
        "file": SimpleUploadedFile("../../fee.pdf", PDF),
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


def test_a_check_is_written_down_with_its_evidence(broker: StandInBroker) -> None:
    client = signed_in(OFFICER_ID)
    answer = client.post(f"/assurance/{COUNCIL}/check/", filled())
    assert (answer.status_code, answer["Location"]) == (302, f"/assurance/{COUNCIL}/")
    row = CredentialCheck.objects.get()
    assert (row.checked_by, row.checked_on, row.file_name) == (
        OFFICER_ID,
        date(2026, 11, 24),
        "fee.pdf",
    )
    said = text_of(client.get(f"/assurance/{COUNCIL}/"))
    assert "24 November 2026" in said
    assert "The whole council" in said
    assert "fee.pdf" in said
    assert "checked 24 November 2026" in text_of(client.get("/assurance/"))


def test_a_check_says_nothing_of_the_renewal(broker: StandInBroker) -> None:
    client = signed_in(OFFICER_ID)
    client.post(f"/assurance/{COUNCIL}/check/", filled())
    lapse(broker, COUNCIL, 5_000)
    broker.county.add_partner("albion")
    said = text_of(client.get(f"/assurance/{COUNCIL}/"))
    assert "This was the one that ended on 31 March 2036." in said
    assert "Nobody has written down that they looked at it." in said
    assert "checked 24 November" not in text_of(client.get("/assurance/"))


def test_the_pages_ask_the_database_no_more_for_more_partners(
    broker: StandInBroker, django_assert_num_queries: Any
) -> None:
    client = signed_in(OFFICER_ID)
    for number in range(20):
        known = Partner(f"p{number}", f"Practice {number:02}", "gp", "k")
        broker.county.standing.partners[known.id] = known
    for _ in range(3):
        client.post(f"/assurance/{COUNCIL}/check/", filled())
    with django_assert_num_queries(1):
        client.get("/assurance/")
    with django_assert_num_queries(1):
        client.get(f"/assurance/{COUNCIL}/")


def test_evidence_is_for_members_with_a_role_and_is_never_shown_in_place(
    broker: StandInBroker,
) -> None:
    signed_in(OFFICER_ID).post(f"/assurance/{COUNCIL}/check/", filled())
    address = f"/assurance/evidence/{CredentialCheck.objects.get().pk}/"
    answer = signed_in("m.dove").get(address)
    assert answer.content == PDF
    assert answer["Content-Disposition"] == 'attachment; filename="fee.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert signed_in(ANALYST).get(address).status_code == 404
    assert signed_in("m.dove").get("/assurance/evidence/99999/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scope": ""}, "Say what it covers"),
        ({"checked_on-year": "2036"}, "The day of the check has not come yet"),
        ({"checked_on-day": "31"}, "Enter a day, month and year"),
        ({"scheme": "psn"}, "Choose a credential that the partner has recorded"),
        ({"file": SimpleUploadedFile("a.pdf", b"")}, "The file is empty"),
        ({"file": SimpleUploadedFile("a.pdf", b"<html>")}, "not a PDF, a PNG or a JPEG"),
        ({"file": SimpleUploadedFile("a.svg", b"<svg onload=x>")}, "not a PDF, a PNG or a JPEG"),
        ({"file": SimpleUploadedFile("a.pdf", PDF + b" " * LARGEST)}, "larger than 5 MB"),
        ({"file": SimpleUploadedFile("a.pdf", PDF * (LARGEST // 4))}, "larger than 5 MB"),
    ],
    ids=["scope", "future", "no-day", "not-held", "empty", "html", "svg", "large", "huge"],
)
def test_a_check_that_cannot_be_taken_leaves_nothing(
    broker: StandInBroker, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    answer = signed_in(OFFICER_ID).post(f"/assurance/{COUNCIL}/check/", filled(**changes))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert not CredentialCheck.objects.exists()
    folder = tmp_path / evidence.FOLDER
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("who", [OTHER_OFFICER, DIRECTOR, ANALYST])
def test_a_check_is_refused_to_everybody_else(broker: StandInBroker, who: str) -> None:
    assert signed_in(who).post(f"/assurance/{COUNCIL}/check/", filled()).status_code == 403
    assert not CredentialCheck.objects.exists()


def test_a_check_sent_from_elsewhere_is_refused(broker: StandInBroker) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = signed_in(OFFICER_ID).cookies
    assert client.post(f"/assurance/{COUNCIL}/check/", filled()).status_code == 403
    assert not CredentialCheck.objects.exists()


def test_nobody_signed_in_sees_nothing_and_does_nothing(broker: StandInBroker) -> None:
    for address in ("/assurance/", f"/assurance/{COUNCIL}/", "/charter/", "/outbox/", "/account/"):
        assert Client().get(address)["Location"] == "/"
    answer = Client().post(f"/assurance/{COUNCIL}/check/", filled())
    assert answer["Location"] == "/"
    assert not CredentialCheck.objects.exists()


# Evidence as files


def test_evidence_lies_under_a_name_that_nobody_sent(tmp_path: Path) -> None:
    kept = EvidenceStore(tmp_path).keep("../../../keys/home.key", PDF)
    [path] = (tmp_path / evidence.FOLDER).iterdir()
    assert path.name == kept.file
    assert re.fullmatch("[0-9a-f]{32}", kept.file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert EvidenceStore(tmp_path).read(kept) == PDF


def test_evidence_that_was_changed_or_is_gone_is_not_handed_out(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.keep("a.pdf", PDF)
    path = tmp_path / evidence.FOLDER / kept.file
    path.write_bytes(PDF + b"!")
    with pytest.raises(Changed, match="not the file"):
        store.read(kept)
    path.unlink()
    with pytest.raises(Changed, match="gone"):
        store.read(kept)


@pytest.mark.parametrize("file", ["../keys/home.key", "", "x" * 32, "a/b"])
def test_no_row_names_a_file_outside_the_store(tmp_path: Path, file: str) -> None:
    with pytest.raises(Changed):
        EvidenceStore(tmp_path).read(Evidence(file, "a.pdf", "0" * 64, 1))


def test_a_file_without_a_row_is_swept_when_nobody_can_be_writing_it(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    assert store.sweep((), AT) == 0
    named, left = store.keep("a.pdf", PDF), store.keep("b.pdf", PDF)
    now = datetime.now(UTC)
    assert store.sweep({named.file}, now) == 0
    old = (now - timedelta(hours=2)).timestamp()
    for kept in (named, left):
        os.utime(tmp_path / evidence.FOLDER / kept.file, (old, old))
    assert store.sweep({named.file}, now) == 1
    assert [path.name for path in (tmp_path / evidence.FOLDER).iterdir()] == [named.file]


CHECKED = {
    "partner": COUNCIL,
    "scheme": ICO,
    "expires": date(2036, 3, 31),
    "scope": "All",
    "checked_by": OFFICER_ID,
    "checked_on": date(2026, 11, 24),
    "at": AT,
}


def test_a_row_has_a_whole_file_or_none() -> None:
    CredentialCheck.objects.create(**CHECKED)
    with pytest.raises(IntegrityError, match="check_has_a_whole_file"), transaction.atomic():
        CredentialCheck.objects.create(**CHECKED, file="a" * 32)


def test_a_file_is_of_one_check() -> None:
    file = {"file": "a" * 32, "file_name": "a.pdf", "file_digest": "0" * 64, "file_bytes": 1}
    CredentialCheck.objects.create(**CHECKED, **file)
    with pytest.raises(IntegrityError), transaction.atomic():
        CredentialCheck.objects.create(**CHECKED, **file)


# Renewing


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=4)
    said = {"id": OFFICER_ID, "name": "Officer", "partner": OWNER, "roles": [OFFICER]}
    made.apply([Document("officer.toml", {"member": [said]})])
    yield made
    made.close()
    close_ledgers()


def renewal(**changes: str) -> dict[str, str]:
    form = {"scheme": "dspt", "reference": "8HX1", "level": "standards-met"}
    form |= {"expires-day": "30", "expires-month": "6", "expires-year": "2035"}
    return {f"new-{name}": value for name, value in (form | changes).items()}


def test_a_credential_is_renewed_by_the_partners_key(home: Broker) -> None:
    client = signed_in(OFFICER_ID)
    assert client.post(f"/assurance/{OWNER}/renew/", renewal()).status_code == 302
    held = {one.scheme: one for one in home.standing().partners[OWNER].credentials}
    assert (held["dspt"].level, held["dspt"].expires) == ("standards-met", date(2035, 6, 30))
    assert held[ICO].expires == date(2036, 3, 31)
    assert home.ledger.verify().verified
    assert home.status(REFERENCE).in_force
    assert "In date" in text_of(client.get(f"/assurance/{OWNER}/"))
    again = client.post(f"/assurance/{OWNER}/renew/", renewal())
    assert "the last day of the one that is recorded" in text_of(again)
    charter = text_of(client.get("/charter/"))
    assert "2 of 2 partners have signed version 1" in charter


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires-year": "2020"}, "This day has passed"),
        ({"scheme": "My Scheme"}, "Small letters, figures and hyphens only"),
        ({"reference": ""}, "Give the number or reference"),
        ({"expires-day": ""}, "Enter a day, month and year"),
    ],
)
def test_a_credential_that_cannot_be_one_is_not_taken(
    broker: StandInBroker, changes: dict[str, str], said: str
) -> None:
    before = broker.county.standing.partners[COUNCIL].credentials
    answer = signed_in(OFFICER_ID).post(f"/assurance/{COUNCIL}/renew/", renewal(**changes))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert broker.county.standing.partners[COUNCIL].credentials == before


def test_an_officer_of_another_partner_renews_nothing(broker: StandInBroker) -> None:
    answer = signed_in(OTHER_OFFICER).post(f"/assurance/{COUNCIL}/renew/", renewal())
    assert answer.status_code == 403


def test_a_real_home_says_how_the_partner_does_it_with_its_own_key(broker: StandInBroker) -> None:
    broker.demo = False
    known = broker.county.standing.partners[COUNCIL]
    wanted = Renewal("dspt", "8HX1", "", date(2035, 6, 30))
    with pytest.raises(BadInput, match="own key"):
        checks.renew(broker, known, wanted, officer())  # type: ignore[arg-type]
    with pytest.raises(Refused):
        checks.renew(broker, known, wanted, officer(HOSPITAL))  # type: ignore[arg-type]
    table = checks.renewal_table(known, wanted)["partner"][0]
    assert table["root_key"] == known.root_key
    assert table["credential"] == [{"scheme": "dspt", "reference": "8HX1", "expires": "2035-06-30"}]


# The charter


def test_the_charter_says_who_signed_which_version(broker: StandInBroker) -> None:
    known = broker.county.standing.charters["CHARTER-2026"]
    broker.county.add(CHARTER, replace(known, version=2, title="A second one").to_plain())
    broker.county.accede(HOSPITAL)
    client = signed_in(DIRECTOR)
    said = text_of(client.get("/charter/"))
    assert "A second one" in said
    assert "1 of 3 partners have signed version 2" in said
    assert "Signed version 1, not this one" in said
    assert f"Version 1 : {known.title}" in said
    assert "Sign version 2 for Wychshire County Council" in said
    assert "Sign version 2 for" not in text_of(signed_in("m.dove").get("/charter/"))


# Outbox, address, nudge


def test_a_member_says_where_reminders_go_and_only_they_see_it(broker: StandInBroker) -> None:
    client = signed_in(OFFICER_ID)
    assert client.post("/account/", {"address": "me@example.org"}).status_code == 302
    assert MemberAddress.objects.get(member=OFFICER_ID).address == "me@example.org"
    assert 'value="me@example.org"' in client.get("/account/").content.decode()
    assert "You are told for your partner" in text_of(client.get("/account/"))
    other = signed_in(OTHER_OFFICER)
    for address in ("/account/", "/outbox/", f"/assurance/{COUNCIL}/"):
        assert "me@example.org" not in other.get(address).content.decode()
    bad = client.post("/account/", {"address": "no"})
    assert (bad.status_code, "This is not an e-mail address." in text_of(bad)) == (400, True)
    assert client.post("/account/", {"address": ""}).status_code == 302
    assert not MemberAddress.objects.exists()


def test_the_outbox_shows_what_would_be_sent(broker: StandInBroker) -> None:
    outbox.queue("k", OFFICER_ID, "<b>Soon</b>", "Renew it.", AT)
    page = signed_in(OTHER_OFFICER).get("/outbox/")
    assert "&lt;b&gt;Soon&lt;/b&gt;" in page.content.decode()
    assert "Renew it." in text_of(page)
    assert "No mail server is set here" in text_of(page)


def test_only_whom_a_failed_message_is_to_tries_it_again(broker: StandInBroker) -> None:
    outbox.queue("k", OFFICER_ID, "S", "T", AT)
    Message.objects.update(state=FAILED)
    number = Message.objects.get().pk
    assert signed_in(OTHER_OFFICER).post(f"/outbox/{number}/retry/").status_code == 404
    assert Message.objects.get().state == FAILED
    assert signed_in(OFFICER_ID).post(f"/outbox/{number}/retry/").status_code == 302
    assert Message.objects.get().state == "waiting"


@pytest.fixture
def draft() -> Draft:
    parties = [{"partner": COUNCIL}, {"partner": HOSPITAL}]
    return Draft.objects.create(
        lead=COUNCIL,
        author=OFFICER_ID,
        terms={"title": "Falls", "party": parties},
        state=NEGOTIATING,
        created=AT,
        changed=AT,
    )


def test_the_task_list_of_a_draft_nudges_those_who_hold_it_up(
    broker: StandInBroker, draft: Draft
) -> None:
    draft.revisions.create(number=1, terms=draft.terms, by=OFFICER_ID, at=AT, section="new")
    client = signed_in(OFFICER_ID)
    assert "Nudge those who hold it up" in text_of(client.get(f"/drafts/{draft.id}/"))
    assert client.post(f"/drafts/{draft.id}/nudge/").status_code == 302
    assert [one.to for one in Message.objects.all()] == [OTHER_OFFICER]
    said = text_of(client.get(f"/drafts/{draft.id}/"))
    assert "have been nudged today" in said
    assert "Nudge those" not in said
    assert "Nudge those" not in text_of(signed_in(DIRECTOR).get(f"/drafts/{draft.id}/"))


def test_a_draft_is_nudged_by_nobody_who_may_not_read_it(
    broker: StandInBroker, draft: Draft
) -> None:
    broker.county.add_partner("albion")
    broker.county.add_member("o.albion", "albion", roles=[OFFICER])
    assert signed_in("o.albion").post(f"/drafts/{draft.id}/nudge/").status_code == 404
    assert signed_in(DIRECTOR).post(f"/drafts/{draft.id}/nudge/").status_code == 403
    assert not Message.objects.exists()
