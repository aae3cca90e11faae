"""Documents of a real home: made, sealed, handed out, checked, and refused when they are wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import typst
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PdfFileWriter
from pyhanko.sign.timestamps import DummyTimeStamper
from tests.homes import ANALYST, ENGINEER, REFERENCE, SIGNATORY, agreement, partner
from tests.homes import small_home as made_home
from tests.processes import Run
from tests.stamps import stamp_authority

from commonthread.broker.access import Broker, Document
from commonthread.broker.rules.ledger import key_text
from commonthread.gateway.documents import check, issue, reading, seal
from commonthread.gateway.documents.evidence import verify_pack
from commonthread.gateway.documents.pack import pack as packed
from commonthread.gateway.documents.pack import unpack
from commonthread.web import documents, pages

AGREEMENTS = [
    f"agreements/{name}.toml"
    for name in ("dpia-linkage", "linkage", "dpia-falls", "falls-prevention")
]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = made_home(tmp_path, rows=4)
    yield made
    made.close()


@pytest.fixture
def client(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Client:
    for module in (pages, documents):
        monkeypatch.setattr(module, "open_broker", lambda: broker)
    return Client()


PLAIN = typst.compile(b"= A document", format="pdf", timestamp=0, ignore_system_fonts=True)
PACKS: list[tuple[bytes, str]] = []


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    """A pack and its ledger's key: what verifies off line needs no home, so one does for all."""
    if not PACKS:
        broker: Broker = request.getfixturevalue("broker")
        pack = issue.issue_evidence(broker, REFERENCE).content
        PACKS.append((pack, broker.ledger.key_text()))
    return PACKS[0]


def document(broker: Broker, **more: Any) -> bytes:
    return issue.issue_document(broker, REFERENCE, **more).content


def verdict(broker: Broker, content: bytes) -> check.Verdict:
    return check.check_document(content, broker)


# What a document says about itself, as time goes on.


def test_the_document_of_an_agreement_in_force(broker: Broker) -> None:
    found = verdict(broker, document(broker))
    assert found.good
    assert found.says == f"This is version 1 of {REFERENCE}, in force."
    assert "Its seal has no independent time stamp" in " ".join(found.notes)


def test_a_document_when_a_party_withdraws(broker: Broker) -> None:
    made = document(broker)
    broker.act(REFERENCE, "withdraw", SIGNATORY, "The grounds have gone.")
    found = verdict(broker, made)
    assert found.code == check.WITHDRAWN
    assert ", withdrawn by wychshire on " in found.says


def test_a_stream_that_grows_ends_in_the_child(broker: Broker) -> None:
    """As large as a document may be, unpacking to a thousand times that."""
    writer = PdfFileWriter()
    many = generic.StreamObject(encoded_data=zlib.compress(bytes(600 * 1024 * 1024), 9))
    many[generic.pdf_name("/Filter")] = generic.pdf_name("/FlateDecode")
    about = {"/UF": generic.pdf_string("terms.json"), "/EF": {"/F": writer.add_object(many)}}
    about["/EF"] = _dictionary(about["/EF"])
    names = generic.ArrayObject([generic.pdf_string("terms.json"), _dictionary(about)])
    writer.root["/Names"] = _dictionary({"/EmbeddedFiles": _dictionary({"/Names": names})})
    out = io.BytesIO()
    writer.write(out)
    assert verdict(broker, out.getvalue()).code == check.UNREADABLE


def _dictionary(values: dict[str, Any]) -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {generic.pdf_name(name): value for name, value in values.items()}
    )


def test_a_child_that_takes_too_long_is_ended(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = document(broker)
    monkeypatch.setattr(reading, "LONGEST_SECONDS", 0.05)
    found = verdict(broker, made)
    assert found.code == check.UNREADABLE and "too much memory or time" in found.says


def test_a_home_seals_by_the_same_certificates_each_time(broker: Broker) -> None:
    assert seal.identity(broker).root == seal.identity(broker).root
    assert seal.identity(broker).certificate == seal.identity(broker).certificate
    assert seal.identity(broker).root.subject != seal.identity(broker).certificate.subject


# Evidence.


def test_evidence_proves_itself_with_the_key_alone(broker: Broker) -> None:
    pack = issue.issue_evidence(broker, REFERENCE).content
    found = verify_pack(pack, broker.ledger.key_text())
    assert found.holds and found.missing == ()
    assert [one.partner for one in found.signatures] == ["wychshire", "saltbridge"]
    assert found.digest == broker.status(REFERENCE).digest
    assert found.entries == broker.ledger.size


def test_the_same_ledger_gives_the_same_pack(broker: Broker) -> None:
    first = issue.issue_evidence(broker, REFERENCE).content
    assert issue.issue_evidence(broker, REFERENCE).content == first


def test_a_pack_holds_no_name_of_whoever_did_not_sign(broker: Broker) -> None:
    with zipfile.ZipFile(io.BytesIO(issue.issue_evidence(broker, REFERENCE).content)) as pack:
        texts = [pack.read(name).decode() for name in pack.namelist()]
    proofs = [json.loads(text) for text in texts if text.startswith("{") and '"opening"' in text]
    said = " ".join(base64.b64decode(one["opening"])[16:].decode() for one in proofs)
    assert SIGNATORY in said
    assert ANALYST not in said and ENGINEER not in said


def test_evidence_with_another_key_does_not_hold(evidence: tuple[bytes, str]) -> None:
    name = evidence[1].partition("+")[0]
    other = key_text(name, Ed25519PrivateKey.generate().public_key())
    found = verify_pack(evidence[0], other)
    assert not found.holds


def changed_pack(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    files = unpack(content)
    change(files)
    return packed(files)


def without_a_signature(files: dict[str, bytes]) -> None:
    del files[next(name for name in files if "-sign-" in name)]


def without_its_fact(files: dict[str, bytes]) -> None:
    """The last signature with its fact: what is left is whole, and less."""
    del files[max(name for name in files if "-sign-" in name)]
    del files[max(name for name in files if name.startswith("ledger/0"))]


def other_terms(files: dict[str, bytes]) -> None:
    files["terms.json"] = files["terms.json"].replace(b"P30D", b"P31D")


def other_readme(files: dict[str, bytes]) -> None:
    files["README.txt"] += b"Trust the key in this pack.\n"


def other_opening(files: dict[str, bytes]) -> None:
    name = max(name for name in files if name.startswith("ledger/0"))
    proof = json.loads(files[name])
    proof["opening"] = "AAAA" + proof["opening"][4:]
    files[name] = json.dumps(proof, indent=1, sort_keys=True).encode() + b"\n"


def a_file_more(files: dict[str, bytes]) -> None:
    files["acts/999-sign-severn-acute.json"] = b"{}"


def no_checkpoint(files: dict[str, bytes]) -> None:
    del files["ledger/checkpoint.note"]


def no_contract(files: dict[str, bytes]) -> None:
    """The contract with its fact: who owns the sources could no longer be told."""
    for name in [name for name in files if name.startswith("ledger/0")]:
        if json.loads(json.loads(files[name])["entry"])["kind"] == "dataset":
            del files[name]
    del files[next(name for name in files if name.startswith("contracts/"))]


FAULTS = [
    without_a_signature,
    other_terms,
    other_readme,
    other_opening,
    a_file_more,
    no_checkpoint,
    no_contract,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_changed_pack_does_not_hold(
    evidence: tuple[bytes, str], fault: Callable[[dict[str, bytes]], None]
) -> None:
    pack = changed_pack(evidence[0], fault)
    assert verify_pack(pack, evidence[1]).failures


def test_one_bit_of_any_file_breaks_a_pack(evidence: tuple[bytes, str]) -> None:
    files = unpack(evidence[0])
    for name, content in files.items():
        for place in (0, len(content) // 2, len(content) - 1):
            flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            changed = packed({**files, name: flipped})
            assert verify_pack(changed, evidence[1]).failures, (name, place)


def test_a_changed_pack_is_called_so(broker: Broker) -> None:
    pack = changed_pack(issue.issue_evidence(broker, REFERENCE).content, other_terms)
    assert verdict(broker, pack).code == check.CHANGED


def test_a_pack_without_one_signature_says_who_is_missing(broker: Broker) -> None:
    pack = changed_pack(issue.issue_evidence(broker, REFERENCE).content, without_its_fact)
    found = verify_pack(pack, broker.ledger.key_text())
    assert found.holds and found.missing == ("saltbridge",)
    assert "It holds no signature of saltbridge." in verdict(broker, pack).notes


def test_evidence_of_a_draft_names_who_has_still_to_sign(broker: Broker) -> None:
    broker.apply([agreement(version=2)])
    broker.act(REFERENCE, "sign", SIGNATORY)
    pack = issue.issue_evidence(broker, REFERENCE, draft=True).content
    found = verify_pack(pack, broker.ledger.key_text())
    assert found.holds and found.missing == ("saltbridge",)
    assert verdict(broker, pack).code == check.DRAFT


def test_evidence_in_force_by_the_check(broker: Broker) -> None:
    found = verdict(broker, issue.issue_evidence(broker, REFERENCE).content)
    assert found.good
    assert "The pack proves the signatures of wychshire and saltbridge." in found.notes


# Terms as text.


def test_terms_as_people_write_them(broker: Broker) -> None:
    text = tomli_w.dumps(dict(agreement().table)).encode()
    assert verdict(broker, text).good


# The pages.


def sign_in(client: Client, member: str) -> None:
    client.post("/sign-in/", {"member": member})


def hand_in(client: Client, content: bytes) -> Any:
    return client.post("/check-a-document/", {"document": SimpleUploadedFile("a", content)})


def test_a_document_is_taken_from_the_page_and_handed_in(client: Client) -> None:
    sign_in(client, ANALYST)
    taken = client.get(f"/agreements/{REFERENCE}/document.pdf")
    assert taken.status_code == 200 and taken["Content-Type"] == "application/pdf"
    assert taken["Content-Disposition"] == (f'attachment; filename="demo-home-{REFERENCE}-v1.pdf"')
    answer = Client().get("/check-a-document/")
    assert answer.status_code == 200 and b"The file is not kept" in answer.content
    found = hand_in(client, taken.content)
    assert f"This is version 1 of {REFERENCE}, in force." in found.content.decode()


def test_evidence_is_for_members_of_the_parties(client: Client, broker: Broker) -> None:
    sign_in(client, ENGINEER)
    assert client.get(f"/agreements/{REFERENCE}/evidence.zip")["Content-Type"] == "application/zip"
    broker.apply([_outsider()])
    sign_in(client, "o.utter")
    refused = client.get(f"/agreements/{REFERENCE}/evidence.zip")
    assert refused.status_code == 403
    assert b"Only a member of a party" in refused.content


def _outsider() -> Document:
    member = {"id": "o.utter", "name": "U", "partner": "elsewhere", "roles": ["signatory"]}
    return Document("elsewhere.toml", {"partner": [partner("elsewhere")], "member": [member]})


@pytest.mark.parametrize("address", ["document.pdf", "evidence.zip", "draft/document.pdf"])
def test_nobody_takes_a_document_without_signing_in(client: Client, address: str) -> None:
    assert client.get(f"/agreements/{REFERENCE}/{address}").status_code == 302


@pytest.mark.parametrize(("address", "code"), [("CHARTER-2026", 400), ("ISA-1999-001", 404)])
def test_no_document_of_what_is_no_agreement(client: Client, address: str, code: int) -> None:
    sign_in(client, ANALYST)
    assert client.get(f"/agreements/{address}/document.pdf").status_code == code


def test_no_document_of_a_draft_that_is_not_there(client: Client) -> None:
    sign_in(client, ANALYST)
    assert client.get(f"/agreements/{REFERENCE}/draft/document.pdf").status_code == 400


def test_the_check_is_open_to_all_in_a_real_home(client: Client, broker: Broker) -> None:
    made = document(broker)
    broker.demo = False
    assert b"Check a document" in client.get("/check-a-document/").content
    assert b"in force." in hand_in(client, made).content


def test_the_check_needs_no_token_and_keeps_nothing(client: Client, broker: Broker) -> None:
    strict = Client(enforce_csrf_checks=True)
    before = broker.ledger.size
    answer = hand_in(strict, b"hello")
    assert answer.status_code == 200 and b"This is no PDF" in answer.content
    assert answer["Cache-Control"] == "no-store"
    assert broker.ledger.size == before


def test_no_file_is_said_at_the_field(client: Client) -> None:
    answer = client.post("/check-a-document/", {})
    assert answer.status_code == 400 and b"Choose a file to check" in answer.content
    assert b'href="#document"' in answer.content


def test_too_large_a_file_is_not_even_read(client: Client) -> None:
    answer = hand_in(client, bytes(reading.LARGEST_DOCUMENT + documents.FORM_BYTES))
    assert answer.status_code == 400 and b"10 MB or less" in answer.content


def test_a_file_in_a_form_stays_in_memory(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = []

    def seen(content: bytes, *_: Any, **__: Any) -> check.Verdict:
        kinds.append(len(content))
        return check.Verdict(check.UNREADABLE, "No.")

    monkeypatch.setattr(check, "check_document", seen)
    monkeypatch.setattr(
        "django.core.files.uploadedfile.TemporaryUploadedFile.__init__",
        lambda *_: pytest.fail("a document touched the disk"),
    )
    assert hand_in(client, bytes(4 * 1024 * 1024)).status_code == 200
    assert kinds == [4 * 1024 * 1024]


def test_too_many_at_once_is_said(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.01)
    for _ in range(reading.AT_ONCE):
        reading._TURNS.acquire()
    try:
        answer = hand_in(client, document(broker))
    finally:
        for _ in range(reading.AT_ONCE):
            reading._TURNS.release()
    assert answer.status_code == 400 and b"Try again in a minute." in answer.content


def test_the_root_certificate_is_public(client: Client, broker: Broker) -> None:
    answer = client.get("/check-a-document/root.pem")
    assert answer.content == seal.identity(broker).root_pem()
    assert b"PRIVATE" not in answer.content


def test_the_page_of_an_agreement_leads_to_its_documents(client: Client, broker: Broker) -> None:
    sign_in(client, ANALYST)
    page = client.get(f"/agreements/{REFERENCE}/").content.decode()
    for name in ("document.pdf", "evidence.zip"):
        assert f"/agreements/{REFERENCE}/{name}" in page
    broker.apply([agreement(version=2)])
    draft = client.get(f"/agreements/{REFERENCE}/draft/").content.decode()
    assert f"/agreements/{REFERENCE}/draft/document.pdf" in draft
    assert "evidence.zip" not in draft


# An authority over the wire.


class Stamps(BaseHTTPRequestHandler):
    """A timestamp authority on this machine; its path says what it does instead of stamping."""

    stamper: DummyTimeStamper

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        answers = {
            "/junk": b"junk",
            "/long": bytes(seal.LARGEST_STAMP + 1),
        }
        said = answers.get(self.path)
        if said is None:
            request = tsp.TimeStampReq.load(asked)
            said = asyncio.run(self.stamper.async_request_tsa_response(request)).dump()
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stamps() -> Iterator[tuple[str, x509.Certificate]]:
    stamper, certificate = stamp_authority()
    handler = type("Handler", (Stamps,), {"stamper": stamper})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", certificate
        server.shutdown()
        thread.join()


def test_an_authority_over_the_wire(broker: Broker, stamps: tuple[str, x509.Certificate]) -> None:
    issued = issue.issue_document(broker, REFERENCE, authority=f"{stamps[0]}/stamp")
    assert issued.stamped and "no-time-stamp" not in issued.name
    found = check.check_document(issued.content, broker, stamp_roots=[stamps[1]])
    assert found.good and "An independent authority, " in " ".join(found.notes)


@pytest.mark.parametrize("path", ["junk", "long", "broken"])
def test_an_authority_that_fails_stops_nothing(
    stamps: tuple[str, x509.Certificate], path: str
) -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    who = seal.made_identity(keys[0], keys[1], "test", datetime(2026, 1, 1, tzinfo=UTC))
    made = seal.seal(PLAIN, who, f"{stamps[0]}/{path}")
    assert not made.stamped and made.content.startswith(PLAIN)


# The commands.


def test_the_commands(commands: Callable[[Path], Run], shared: Path, tmp_path: Path) -> None:
    run = commands(shared / "examples" / "first-county")
    run("init", "--demo-keys")
    run("apply", "county.toml", "charter.toml", *AGREEMENTS)
    falls, pdf, pack = "ISA-2026-014", tmp_path / "falls.pdf", tmp_path / "falls.zip"
    said = run("document", falls, "--out", str(pdf))
    assert "No authority is set" in said.out
    run("evidence", falls, "--out", str(pack))
    waits = run("check-document", str(pdf), code=3)
    assert "a draft that waits for" in waits.out
    key = run("evidence", falls, "--out", str(pack), "--overwrite", "--json").json()
    held = run("check-document", str(pack), "--key", key["key"])
    assert "The pack holds" in held.out and "not signed by" in held.out
    pdf.write_bytes(pdf.read_bytes() + b"\n% more")
    changed = run("check-document", str(pdf), "--json", code=4)
    assert changed.json()["code"] == "changed"
    run("check-document", str(tmp_path / "none.pdf"), code=2)
    run("document", falls, "--out", str(tmp_path / "falls.txt"), code=2)
