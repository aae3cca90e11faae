"""What a document claims and holds, its seal, and what is said of files that are something else."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import signers
from pyhanko.sign.timestamps import DummyTimeStamper, TimeStamper
from tests.factories import REFERENCE, County, agreement, dataset, grant, home_standing, signed
from tests.pdf_text import page_texts
from tests.stamps import stamp_authority

from commonthread.broker.access import BadInput
from commonthread.broker.rules.canonical import canonical_bytes
from commonthread.broker.rules.ledger import key_text
from commonthread.broker.rules.terms import Terms
from commonthread.gateway.documents import check, pack, parsing, pdf, reading, seal

CALLS = dataset("wychshire", "calls", {"ref": "text", "born": "date", "district": "text"})
COLUMNS = ["ref", {"name": "born", "treatment": "year"}]
MORE = {
    "duty": [
        {"id": "tell", "text": "Tell people.", "owner": "wychshire", "due": "2027-01-31"},
        {"id": "train", "text": "Train.", "owner": "severn-acute", "due": "2027-02-28",
         "every": "P1Y"},
    ],
    "risk": [
        {"id": "leak", "text": "It leaks.", "owner": "wychshire", "likelihood": "possible",
         "impact": "severe", "mitigation": "Counts only.", "residual": "medium"},
    ],
    "statement": [{"section": "breach", "text": "Within one day."}],
    "requires_credentials": [{"scheme": "ico-registration", "on_lapse": "end"}],
}  # fmt: skip


def grants(count: int = 1) -> list[dict[str, Any]]:
    return [
        grant(f"calls-{number}", "wychshire/calls", COLUMNS, recipients=["severn-acute/analysts"])
        for number in range(count)
    ]


def county(count: int = 1, *, demo: bool = False, **changes: Any) -> County:
    return signed([CALLS], grants(count), county=home_standing(demo=demo), **{**MORE, **changes})


def document(made: County, **more: Any) -> bytes:
    return pdf.agreement_pdf(pdf.paper(made.standing, REFERENCE, made.at, **more))


def with_draft(made: County) -> County:
    made.propose(agreement(grants(), **MORE, version=2, ends="2033-12-31"))
    return made


@pytest.fixture(scope="module")
def plain() -> bytes:
    return document(county())


@pytest.fixture(scope="module")
def identity() -> seal.Identity:
    return new_identity()


def new_identity() -> seal.Identity:
    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    return seal.made_identity(root, own, "test.home", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def sealed(plain: bytes, identity: seal.Identity) -> bytes:
    return seal.seal(plain, identity).content


# What it claims to be, before the seal and after it.


@pytest.mark.parametrize("which", ["plain", "sealed"])
def test_it_is_a_tagged_document_of_both_standards(
    which: str, request: pytest.FixtureRequest
) -> None:
    reader = PdfFileReader(io.BytesIO(request.getfixturevalue(which)))
    catalog = reader.root
    said = catalog["/Metadata"].data.decode()
    for claim in ("<pdfuaid:part>1<", "<pdfaid:part>3<", "<pdfaid:conformance>A<"):
        assert claim in said
    assert catalog["/Lang"] == "en-GB"
    assert catalog["/MarkInfo"]["/Marked"] is True or catalog["/MarkInfo"]["/Marked"].value is True
    assert catalog["/StructTreeRoot"]["/K"]
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.trailer["/Info"]["/Title"] == "A test of sharing"
    assert reader.trailer["/Info"]["/Author"] == "test.home"
    assert reader.input_version == (1, 7)


def test_the_seal_lies_off_the_page_and_prints(sealed: bytes) -> None:
    page = PdfFileReader(io.BytesIO(sealed)).root["/Pages"]["/Kids"][0].get_object()
    (field,) = page["/Annots"]
    widget = field.get_object()
    assert all(side < 0 for side in widget["/Rect"])
    assert widget["/F"] & 0b100 and page["/Tabs"] == "/S" and widget["/TU"] == "Seal"


def test_every_page_has_the_digest_and_its_number(plain: bytes) -> None:
    pages = page_texts(plain)
    version = county().standing.governing(REFERENCE)
    assert version is not None and len(pages) > 2
    digest = re.search(r"Digest of the terms ([0-9a-f]{64})", pages[0])
    assert digest is not None
    for number, page in enumerate(pages, 1):
        assert digest[0] in page
        assert f"Page {number} of {len(pages)}" in page


def test_a_draft_says_so_on_every_page_and_who_has_still_to_sign() -> None:
    made = with_draft(county())
    pages = page_texts(document(made, draft=True))
    assert all("DRAFT: this opens nothing" in page for page in pages)
    assert "It waits for Severn Acute and Wychshire." in pages[0]
    assert "The last day is now 31 December 2033; it was 31 December 2034" in pages[0]
    assert not any("DRAFT" in page for page in page_texts(document(made)))


def test_a_demo_home_says_so_on_every_page() -> None:
    pages = page_texts(document(county(demo=True)))
    assert all("Demo home: made-up partners" in page for page in pages)
    assert not any("Demo home" in page for page in page_texts(document(county())))


def test_the_same_paper_gives_the_same_bytes() -> None:
    made = county()
    assert document(made) == document(made)


def test_another_time_gives_other_bytes() -> None:
    made = county()
    later = pdf.paper(made.standing, REFERENCE, made.at + timedelta(days=1))
    assert pdf.agreement_pdf(later) != document(made)


def test_the_terms_are_attached_byte_for_byte(plain: bytes) -> None:
    attached = dict(parsing._attached(PdfFileReader(io.BytesIO(plain))))
    digest = sha256(attached[pdf.TERMS_FILE]).hexdigest()
    assert f"Digest of the terms {digest}" in page_texts(plain)[0]
    assert json.loads(attached[pdf.ABOUT_FILE])["digest"] == digest


def test_every_text_of_the_terms_is_on_the_pages() -> None:
    made = county(statement=[{"section": "rights", "text": "People may object."}])
    version = made.standing.governing(REFERENCE)
    assert version is not None
    content = pdf.content(pdf.paper(made.standing, REFERENCE, made.at))
    said = json.dumps({name: content[name] for name in content if name not in ("terms", "about")})
    for field in dataclasses.fields(Terms):
        for value in texts(getattr(version.terms, field.name)):
            assert value in said, (field.name, value)


# What stands under other words on the pages: lists of the law, modes, roles and their like.
OTHERWISE = re.compile(
    r"(?:rows|controller|public-task|health-or-social-care|year|plain|end|suspend|possible"
    r"|severe|medium|ico-registration|wychshire|severn-acute|P\w+|rights|test.*|.*/analysts)"
)


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [] if OTHERWISE.fullmatch(value) or value == "A test of sharing" else [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    if dataclasses.is_dataclass(value):
        return [text for f in dataclasses.fields(value) for text in texts(getattr(value, f.name))]
    if isinstance(value, date):
        return [f"{value.day} {value:%B %Y}"]
    return []


@pytest.mark.parametrize("count", [1, 40])
def test_the_summary_is_one_page(count: int) -> None:
    long = "It has a very long text, which nobody who is in a hurry would like to read. " * 8
    risks = [{**MORE["risk"][0], "id": f"r{n}", "text": long} for n in range(20)]
    pages = page_texts(document(county(count, risk=risks)))
    assert "What is new" in pages[0] and "This is the first version." in pages[0]
    assert "Signatures" in pages[1] and "Signatures" not in pages[0]
    if count > 1:
        assert "more, on the pages that follow" in pages[0]


def test_what_looks_like_markup_stays_text() -> None:
    title = '#read("x") *bold* $x$ <a> @b \\ "c" // d'
    assert title in page_texts(document(county(title=title)))[0]


def test_a_letter_without_a_shape_is_spelt_and_the_terms_are_not() -> None:
    made = document(county(title="Falls 🧵 共"))
    assert "Falls [U+1F9F5] [U+5171]" in page_texts(made)[0]
    attached = dict(parsing._attached(PdfFileReader(io.BytesIO(made))))
    assert json.loads(attached[pdf.TERMS_FILE])["title"] == "Falls 🧵 共"


def test_there_is_no_document_of_a_draft_that_is_not_there() -> None:
    made = county()
    with pytest.raises(BadInput, match="No draft"):
        pdf.paper(made.standing, REFERENCE, made.at, draft=True)


def test_a_party_that_has_withdrawn_is_named() -> None:
    made = county()
    made.withdraw(REFERENCE, "wychshire")
    pages = page_texts(document(made))
    assert "Not in force." in pages[0] and "Wychshire has withdrawn, on " in pages[1]


# The seal.


def read(content: bytes, who: seal.Identity, roots: tuple[x509.Certificate, ...] = ()) -> Any:
    """As the child reads it, and as the trusted side takes its answer."""
    trusted = parsing.Trusted(certificates([who.root]), certificates([who.certificate]),
                              certificates(roots))  # fmt: skip
    return reading._read(json.loads(json.dumps(parsing.read(content, trusted))))


def certificates(given: Any) -> list[Any]:
    return [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in given]


def test_a_sealed_document_holds(sealed: bytes, identity: seal.Identity) -> None:
    found = read(sealed, identity)
    assert found.seal == reading.Seal(holds=True, ours=True)
    assert set(found.files) == {pdf.TERMS_FILE, pdf.ABOUT_FILE}


def test_a_document_is_sealed_where_a_loop_runs(plain: bytes, identity: seal.Identity) -> None:
    async def looping() -> bytes:
        return seal.seal(plain, identity).content

    with ThreadPoolExecutor(max_workers=1) as apart:
        content = apart.submit(lambda: asyncio.run(looping())).result()
    assert read(content, identity).seal == reading.Seal(holds=True, ours=True)


def test_a_seal_by_somebody_else_is_not_ours(sealed: bytes) -> None:
    assert read(sealed, new_identity()).seal == reading.Seal(holds=False, ours=False)


def test_our_name_without_our_key_is_not_ours(plain: bytes, identity: seal.Identity) -> None:
    forged = seal.seal(plain, new_identity()).content
    assert read(forged, identity).seal == reading.Seal(holds=False, ours=False)


# In what pages say, in the attached terms, in the seal's own bytes, at the very start and end.
PLACES = [0.02, 0.3, 0.6, 0.8, 0.95, 0.999]


@pytest.mark.parametrize("part", PLACES)
def test_one_bit_flipped_breaks_it(sealed: bytes, identity: seal.Identity, part: float) -> None:
    place = int(len(sealed) * part)
    changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    found = read(changed, identity)
    assert found.problem == "damaged" or found.seal is None or not found.seal.holds


def added_text(content: bytes) -> bytes:
    """One more line on the first page, as an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Rotate"] = pdf_name("/90")
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def another_signature(content: bytes, field: str = "Other") -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(content))
    meta = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256")
    out = io.BytesIO()
    own = seal._signer(new_identity())
    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(signers.sign_pdf, writer, meta, own, output=out).result()
    return out.getvalue()


def bytes_after_the_end(content: bytes) -> bytes:
    return content + b"\n% more\n"


def copied_without_the_seal(content: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(content)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "change",
    [added_text, bytes_after_the_end, copied_without_the_seal],
    ids=lambda change: change.__name__,
)
def test_what_is_added_after_sealing_breaks_it(
    sealed: bytes, identity: seal.Identity, change: Callable[[bytes], bytes]
) -> None:
    found = read(change(sealed), identity)
    assert found.problem == "damaged" or found.seal is None or not found.seal.holds


def test_the_seal_permits_no_other_signature(sealed: bytes) -> None:
    with pytest.raises(Exception, match=r"forbids all changes"):
        another_signature(sealed)


def test_other_terms_attached_to_an_unsealed_document_have_no_seal(plain: bytes) -> None:
    found = read(plain, new_identity())
    assert found.seals == 0 and found.seal is None


# The time stamp.


@pytest.fixture(scope="module")
def authority() -> tuple[DummyTimeStamper, x509.Certificate]:
    return stamp_authority()


@pytest.fixture(scope="module")
def stamped(
    plain: bytes, identity: seal.Identity, authority: tuple[DummyTimeStamper, Any]
) -> seal.Sealed:
    return seal.seal(plain, identity, authority[0])


def test_a_stamp_that_is_vouched_for(
    stamped: seal.Sealed, identity: seal.Identity, authority: tuple[Any, x509.Certificate]
) -> None:
    found = read(stamped.content, identity, (authority[1],)).seal
    assert stamped.stamped and found.holds and found.stamp.vouched
    assert "A stamp authority" in found.stamp.by
    assert abs(found.stamp.at - datetime.now(UTC)) < timedelta(hours=1)


def test_a_stamp_that_nobody_here_vouches_for(
    stamped: seal.Sealed, identity: seal.Identity
) -> None:
    found = read(stamped.content, identity).seal
    assert found.holds and found.stamp is not None and not found.stamp.vouched


def test_a_stamp_of_another_authority_than_those_trusted_does_not_hold(
    stamped: seal.Sealed, identity: seal.Identity
) -> None:
    assert not read(stamped.content, identity, (stamp_authority()[1],)).seal.holds


class Silent(TimeStamper):
    """An authority that is down."""

    async def async_request_tsa_response(self, req: Any) -> Any:
        raise OSError("no route")


def test_an_authority_that_is_down_stops_nothing(
    plain: bytes, identity: seal.Identity, caplog: pytest.LogCaptureFixture
) -> None:
    made = seal.seal(plain, identity, Silent())
    assert not made.stamped and read(made.content, identity).seal.holds
    assert "gave no stamp" in caplog.text and "no route" not in caplog.text


@pytest.mark.parametrize("address", ["ftp://stamps.example/", "file:///etc/passwd", "stamps"])
def test_an_authority_has_an_address_of_the_web(address: str) -> None:
    with pytest.raises(ValueError, match="http"):
        seal.Authority(address)


def test_what_are_no_certificates_is_said(tmp_path: Any) -> None:
    assert seal.stamp_roots("") == ()
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            seal.stamp_roots(str(path))
    good = tmp_path / "roots.pem"
    good.write_bytes(new_identity().root_pem())
    assert len(seal.stamp_roots(str(good))) == 1


# What else somebody may hand in.


def encrypted(plain: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain)))
    writer.encrypt(owner_pass="o", user_pass="u")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_locked_document_is_called_so(plain: bytes, identity: seal.Identity) -> None:
    assert read(encrypted(plain), identity).problem == "encrypted"


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_document_cut_off_is_called_damaged(
    sealed: bytes, identity: seal.Identity, part: float
) -> None:
    found = read(sealed[: int(len(sealed) * part)], identity)
    assert found.problem == "damaged"


def bomb(plain: bytes, size: int) -> bytes:
    """The document with its attached terms made into a stream that unpacks to `size` bytes."""
    writer = IncrementalPdfFileWriter(io.BytesIO(plain))
    names = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
    place = next(n for n in range(1, len(names), 2) if names[n]["/UF"] == pdf.TERMS_FILE)
    stream = names[place]["/EF"]["/F"]
    stream._data, stream._encoded_data = None, zlib.compress(bytes(size), 9)
    stream[pdf_name("/Filter")] = pdf_name("/FlateDecode")
    writer.update_container(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_stream_that_grows_is_not_taken(plain: bytes, identity: seal.Identity) -> None:
    found = read(bomb(plain, 64 * 1024 * 1024), identity)
    assert found.problem == "damaged" and not found.files


TEXTS = {
    "nothing known": b"hello",
    "not text": b"\xff\xfe\x00",
    "deep json": b"{" + b'"a":{' * 5_000 + b"}" * 5_001,
    "deep toml": b"a = " + b"[" * 5_000 + b"]" * 5_000,
    "a list": b"[1, 2]",
    "no agreement": b'[charter]\nreference = "C"\n',
    "agreement is text": b'agreement = "x"\n',
    "twice": b'{"reference":"A","reference":"B","grant":[]}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_no_terms(identity: seal.Identity, name: str) -> None:
    found = read(TEXTS[name], identity)
    assert (found.kind, found.problem) == ("none", "unknown")


@pytest.mark.parametrize("value", ["nan", "inf", "07:32:00"])
def test_values_that_no_terms_have(value: str) -> None:
    text = f'[agreement]\nreference = "ISA-1"\ngrant = []\ntitle = {value}\n'.encode()
    answer = io.BytesIO()
    question = json.dumps({name: [] for name in parsing.TRUSTED}).encode() + b"\n" + text
    parsing.serve(io.BytesIO(question), answer, {})
    assert json.loads(answer.getvalue())["problem"] == "unknown"


def test_terms_as_text_are_read(identity: seal.Identity) -> None:
    text = canonical_bytes({"reference": "ISA-1", "grant": []})
    assert read(text, identity).table == {"reference": "ISA-1", "grant": []}


# Verdicts: what a person is told.


@dataclasses.dataclass
class Trust:
    """As much of a broker as a verdict asks for, over a county of real signed facts."""

    made: County
    key: str = "test.home+00000000+AAAA"

    @property
    def ledger(self) -> Trust:
        return self

    def standing(self) -> Any:
        return self.made.standing

    def key_text(self) -> str:
        return self.key


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, identity: seal.Identity
) -> Callable[[County, bytes], check.Verdict]:
    """The verdict of a trust, its child's reading done in this process."""

    def ask(content: bytes, trusted: reading.Trusted) -> bytes:
        given = [[asn1_x509.Certificate.load(one) for one in getattr(trusted, name)]
                 for name in parsing.TRUSTED]  # fmt: skip
        return json.dumps(parsing.read(content, parsing.Trusted(*given)), default=str).encode()

    monkeypatch.setattr(reading, "_ask", ask)
    monkeypatch.setattr(check, "identity", lambda _: identity)
    return lambda made, content: check.check_document(content, Trust(made), at=made.at)  # type: ignore[arg-type]


Told = Callable[[County, bytes], check.Verdict]


def test_a_document_in_force(told: Told, identity: seal.Identity) -> None:
    made = county(demo=True)
    found = told(made, seal.seal(document(made), identity).content)
    assert found.good and found.says == f"This is version 1 of {REFERENCE}, in force."
    assert "nobody is bound by it" in " ".join(found.notes)
    assert "no independent time stamp" in " ".join(found.notes)


def test_a_document_that_a_newer_version_superseded(told: Told, identity: seal.Identity) -> None:
    made = county()
    old = seal.seal(document(made), identity).content
    assert "Version 2, a draft, waits for signatures." in told(with_draft(made), old).notes
    made.sign_all(REFERENCE)
    found = told(made, old)
    assert found.code == check.SUPERSEDED and not found.good
    assert found.says.startswith(f"This is version 1 of {REFERENCE}, superseded by version 2 on ")


def test_a_document_of_a_draft(told: Told, identity: seal.Identity) -> None:
    made = with_draft(county())
    waits = seal.seal(document(made, draft=True), identity).content
    found = told(made, waits)
    assert found.code == check.DRAFT
    assert found.says.endswith(
        "a draft that waits for the signatures of Severn Acute and Wychshire."
    )
    made.sign_all(REFERENCE)
    found = told(made, waits)
    assert found.good and "It is marked as a draft" in " ".join(found.notes)


def test_a_document_of_a_draft_that_another_followed(told: Told, identity: seal.Identity) -> None:
    made = with_draft(county())
    waits = seal.seal(document(made, draft=True), identity).content
    made.propose(agreement(grants(), **MORE, version=3, ends="2032-12-31"))
    assert told(made, waits).code == check.OLD_DRAFT


@pytest.mark.parametrize(("act", "code"), [("withdraw", "withdrawn"), ("suspend", "suspended")])
def test_a_party_that_left_or_suspended(
    told: Told, identity: seal.Identity, act: str, code: str
) -> None:
    made = county()
    content = seal.seal(document(made), identity).content
    getattr(made, act)(REFERENCE, "wychshire")
    found = told(made, content)
    assert found.code == code and f", {code} by Wychshire on " in found.says


def test_a_party_that_left_others_who_go_on(told: Told, identity: seal.Identity) -> None:
    third = {"partner": "third", "role": "controller", "lawful_basis": "public-task",
             "legal_power": "x"}  # fmt: skip
    made = home_standing()
    made.add_partner("third")
    made.add_member("sign.third", "third", roles=["signatory"])
    parties = [{**third, "partner": name} for name in ("wychshire", "severn-acute", "third")]
    made = signed([CALLS], grants(), county=made, parties=parties,
                  on_withdrawal="continue-without", **MORE)  # fmt: skip
    made.accede("third")
    content = seal.seal(document(made), identity).content
    made.withdraw(REFERENCE, "third")
    found = told(made, content)
    assert found.good and "the others go on without it" in " ".join(found.notes)


def test_a_document_past_its_last_day(told: Told, identity: seal.Identity) -> None:
    made = county()
    content = seal.seal(document(made), identity).content
    late = datetime(2035, 2, 1, tzinfo=UTC)
    found = check.check_document(content, Trust(made), at=late)  # type: ignore[arg-type]
    assert found.code == check.NOT_IN_FORCE and found.notes


def test_a_document_without_a_seal_vouches_for_nothing(told: Told) -> None:
    made = county()
    found = told(made, document(made))
    assert found.code == check.UNSEALED and not found.good
    assert f"This is version 1 of {REFERENCE}, in force." in found.notes[0]


def test_a_stranger_s_document(told: Told, plain: bytes) -> None:
    other = county(title="Another trust’s")
    assert told(other, plain).code == check.FOREIGN
    assert told(other, seal.seal(plain, new_identity()).content).code == check.FOREIGN


def test_a_sealed_document_of_terms_that_nobody_knows(told: Told, sealed: bytes) -> None:
    found = told(county(title="Another"), sealed)
    assert found.code == check.FOREIGN and "knows no such terms" in found.says


def test_a_document_changed_after_it_was_sealed(told: Told, sealed: bytes) -> None:
    found = told(county(), bytes_after_the_end(sealed))
    assert found.code == check.CHANGED
    assert found.says == "This document was changed after it was sealed."


def test_a_document_that_others_signed(told: Told, plain: bytes) -> None:
    twice = another_signature(another_signature(plain), "More")
    found = told(county(), twice)
    assert found.code == check.CHANGED and "more than one signature" in found.says


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_document_cut_off_gets_a_verdict(told: Told, sealed: bytes, part: float) -> None:
    found = told(county(), sealed[: int(len(sealed) * part)])
    assert found.code == check.UNREADABLE and "damaged" in found.says


def test_a_locked_document_gets_a_verdict(told: Told, plain: bytes) -> None:
    assert "password" in told(county(), encrypted(plain)).says


@pytest.mark.parametrize("content", [*TEXTS.values(), b"", bytes(20_000_000)])
def test_any_other_file_gets_a_verdict(told: Told, content: bytes) -> None:
    assert told(county(), content).code == check.UNREADABLE


def test_a_pack_of_another_trust(told: Told) -> None:
    found = told(county(), pack.pack({"ledger/key.vkey": b"other+00000000+AAAA\n"}))
    assert found.code == check.FOREIGN


def test_a_pack_with_nothing_in_it_does_not_hold(told: Told) -> None:
    made = county()
    key = key_text("test.home", ed25519.Ed25519PrivateKey.generate().public_key())
    found = check.check_document(
        pack.pack({"ledger/key.vkey": key.encode()}),
        Trust(made, key),
        at=made.at,  # type: ignore[arg-type]
    )
    assert found.code == check.CHANGED and found.notes


def test_terms_that_were_changed(told: Told) -> None:
    made = county()
    version = made.standing.governing(REFERENCE)
    assert version is not None
    table = version.terms.to_plain()
    assert told(made, canonical_bytes(table)).good
    changed = told(made, canonical_bytes({**table, "title": "Other"}))
    assert changed.code == check.CHANGED and REFERENCE in changed.says
    unknown = told(made, canonical_bytes({**table, "reference": "ISA-2026-777"}))
    assert unknown.code == check.FOREIGN


def test_a_draft_that_nobody_signed_is_not_found_out(told: Told) -> None:
    made = county()
    table = agreement(grants(), reference="ISA-2026-555", **MORE)
    made.propose(table)
    found = told(made, canonical_bytes({**table, "title": "A guess"}))
    assert found.code == check.FOREIGN and "ISA-2026-555" not in found.says


def test_terms_without_the_digests_that_applying_fills_in(told: Told) -> None:
    made = county()
    version = made.standing.governing(REFERENCE)
    assert version is not None
    table = version.terms.to_plain()
    written = [{**one, "contract": ""} for one in table["grant"]]
    assert told(made, canonical_bytes({**table, "grant": written})).good
    odd = [*written, "no table"]
    assert told(made, canonical_bytes({**table, "grant": odd})).code == check.CHANGED


# Packs.


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_pack_is_the_same_bytes_in_any_order_and_comes_back() -> None:
    files = {"b/c.json": b"{}", "a.txt": b"x"}
    made = pack.pack(files)
    assert made == pack.pack(dict(reversed(files.items())))
    assert pack.unpack(made) == files


WRONG_PACKS = {
    "packed": zipped({"a.txt": bytes(1_000)}, zipfile.ZIP_DEFLATED),
    "bomb": zipped({"a.txt": bytes(40_000_000)}, zipfile.ZIP_DEFLATED),
    "other times": zipped({"a.txt": b"x"}),
    "out of the folder": zipped({"../a.txt": b"x"}),
    "absolute": zipped({"/a.txt": b"x"}),
    "cut off": pack.pack({"a.txt": b"x" * 100})[:-30],
    "something before": b"PK\x03\x04" + pack.pack({"a.txt": b"x"}),
    "something after": pack.pack({"a.txt": b"x"}) + b"x",
    "nothing": b"PK\x03\x04",
}


@pytest.mark.parametrize("name", WRONG_PACKS)
def test_what_is_no_pack(identity: seal.Identity, name: str) -> None:
    with pytest.raises(BadInput, match="not an evidence pack"):
        pack.unpack(WRONG_PACKS[name])
    if WRONG_PACKS[name].startswith(pack.ZIP_MARK):
        assert read(WRONG_PACKS[name], identity).problem == "no-pack"


def test_a_pack_of_too_many_bytes_is_not_opened() -> None:
    with pytest.raises(BadInput, match="too large"):
        pack.unpack(bytes(pack.MOST_BYTES + 1))


# The trusted side believes no shape of the child's answer.

ANSWERS: list[Any] = [
    None,
    [],
    {},
    {"kind": "other"},
    {"kind": "pdf", "attached": {"a": "not base64!"}},
    {"kind": "pdf", "attached": [1]},
    {"kind": "pdf", "seal": {"holds": True}},
    {"kind": "pdf", "seal": {"holds": True, "ours": True, "stamp": {"at": "never"}}},
    {"kind": "terms", "table": [1]},
    {"kind": "pdf", "seals": "many"},
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_another_shape_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(reading, "_ask", lambda *_: json.dumps(answer).encode())
    assert reading.read_document(b"x", reading.Trusted()).problem == "stopped"


def test_only_true_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"kind": "pdf", "seals": 1, "seal": {"holds": 1, "ours": "yes", "stamp": None}}
    monkeypatch.setattr(reading, "_ask", lambda *_: json.dumps(answer).encode())
    found = reading.read_document(b"x", reading.Trusted())
    assert found.seal == reading.Seal(holds=False, ours=False)


def test_a_fence_that_is_missing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {"kind": "none", "problem": "unknown", "unfenced": ["network", "secret words"]}
    monkeypatch.setattr(reading, "_ask", lambda *_: json.dumps(answer).encode())
    reading.read_document(b"x", reading.Trusted())
    assert "without these fences: network." in caplog.text


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "empty"), (bytes(reading.LARGEST_DOCUMENT + 1), "too-large")]
)
def test_what_is_not_read_at_all(content: bytes, problem: str) -> None:
    assert reading.read_document(content, reading.Trusted()).problem == problem
