"""The platform's seal on a document: PAdES B-B, or B-T where a timestamp authority answers.

- The keys are P-256 and derived from the home key; the two certificates are made anew from them
  each time, the same bytes: nothing is stored, and a restored home seals as before.
- The seal certifies the whole file and permits no change at all (DocMDP level 1).
- An authority that does not answer does not stop a document: it is sealed without the stamp, and
  `Sealed.stamped` says so.

Its limits. A key that the server holds, under a certificate of the trust's own making, is an
advanced seal at best and no qualified one (UK eIDAS Art 3(26)–(27)); without the stamp its time is
this machine's own clock. The parties' signatures are those in the ledger, not this.
"""

from __future__ import annotations

import io
import logging
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from asn1crypto import keys, tsp, x509  # type: ignore[import-untyped]
from cryptography import x509 as certificates
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.extensions import DeveloperExtension
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from commonthread.broker.rules.errors import BadInput

if TYPE_CHECKING:
    from commonthread.broker.access import Broker

FIELD = "Seal"
ALGORITHM = "sha256"
# RFC 5280 §4.1.2.5: a certificate without a known end. Its key lasts as long as the home's.
WITHOUT_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
STAMP_SECONDS = 8.0
LARGEST_STAMP = 256 * 1024
ATTEMPTS_FAIL = (SigningError, OSError, ValueError)
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who seals: the root that a checker trusts, and the key and certificate that seal."""

    root: certificates.Certificate
    certificate: certificates.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root's bytes, as people compare it."""
        return sha256(self.root.public_bytes(Encoding.DER)).hexdigest()

    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed document; `stamped` says whether an independent authority stamped its time."""

    content: bytes
    stamped: bool


def identity(broker: Broker) -> Identity:
    """The identity of this home's trust, the same each time."""
    ledger = broker.ledger
    starts = datetime.fromisoformat(ledger.entries(0, 1)[0].at)
    return made_identity(
        ledger.document_key("root"), ledger.document_key("seal"), broker.origin, starts
    )


def made_identity(
    root_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    origin: str,
    starts: datetime,
) -> Identity:
    """Two certificates over given keys: a root, and one that may seal and nothing else."""
    issuer = _name(f"{origin[:40]} documents root")
    root = _builder(issuer, issuer, root_key, root_key, starts, authority=True)
    certificate = _builder(_name(f"{origin[:50]} documents"), issuer, key, root_key, starts)
    return Identity(_signed(root, root_key), _signed(certificate, root_key), key)


def stamp_roots(file: str) -> tuple[certificates.Certificate, ...]:
    """The certificates of the authorities whose stamps this trust vouches for, from a PEM file.

    Raises `BadInput` for a file that cannot be read as one; no name of a file, no authorities.
    """
    if not file:
        return ()
    try:
        return tuple(certificates.load_pem_x509_certificates(Path(file).read_bytes()))
    except (OSError, ValueError):
        raise BadInput(
            "The certificates of the timestamp authorities cannot be read.",
            mend="COMMONTHREAD_TIMESTAMP_ROOTS names a file of certificates in PEM form.",
        ) from None


def _name(common: str) -> certificates.Name:
    return certificates.Name([certificates.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: certificates.Name,
    issuer: certificates.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    starts: datetime,
    *,
    authority: bool = False,
) -> certificates.CertificateBuilder:
    identifier = certificates.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = certificates.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        certificates.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(identifier.digest[:16]) >> 1)
        .not_valid_before(starts)
        .not_valid_after(WITHOUT_END)
        .add_extension(identifier, critical=False)
        .add_extension(above, critical=False)
    )
    basic = certificates.BasicConstraints(ca=authority, path_length=0 if authority else None)
    builder = builder.add_extension(basic, critical=True)
    return builder.add_extension(_usage(authority), critical=True)


def _usage(authority: bool) -> certificates.KeyUsage:
    return certificates.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: certificates.CertificateBuilder, key: ec.EllipticCurvePrivateKey
) -> certificates.Certificate:
    # Deterministic (RFC 6979): the same certificate each time it is made.
    return builder.sign(key, SHA256(), ecdsa_deterministic=True)


def seal(document: bytes, who: Identity, authority: str | TimeStamper = "") -> Sealed:
    """The document under the seal; `authority` is an address (RFC 3161 over HTTP), or empty."""
    stamper = Authority(authority) if isinstance(authority, str) and authority else authority
    if isinstance(stamper, TimeStamper):
        try:
            return Sealed(_sealed(document, who, stamper), True)
        except ATTEMPTS_FAIL as error:
            # Its text may hold what the authority wrote.
            LOG.warning("The timestamp authority gave no stamp: %s.", type(error).__name__)
    return Sealed(_sealed(document, who, None), False)


def _sealed(document: bytes, who: Identity, stamper: TimeStamper | None) -> bytes:
    writer = Addition(io.BytesIO(document))
    fields.append_signature_field(writer, _field())
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm=ALGORITHM,
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        reason="Made by the trust from the terms attached",
    )
    out = io.BytesIO()
    signer = signers.PdfSigner(metadata, _signer(who), timestamper=stamper)
    # pyHanko runs an event loop, which a thread that runs one already would refuse.
    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(signer.sign_pdf, writer, existing_fields_only=True, output=out).result()
    return out.getvalue()


class Addition(IncrementalPdfFileWriter):
    """Adds the seal and leaves alone what the document says of itself: PDF 1.7, PDF/A, PDF/UA.

    pyHanko would write the metadata anew in another spelling, and call the file PDF 2.0, which
    neither standard knows.
    """

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        pass

    def register_extension(self, ext: DeveloperExtension) -> None:
        if ext.base_version == "/1.7":
            super().register_extension(ext)

    def _update_meta(self) -> None:
        pass


def _field() -> fields.SigFieldSpec:
    # Not drawn, so not tagged: PDF/UA asks that it then lies off the page, PDF/A that it prints.
    unseen = fields.InvisSigSettings(set_print_flag=True, box_out_of_bounds=True)
    return fields.SigFieldSpec(FIELD, invis_sig_settings=unseen, readable_field_name="Seal")


def _signer(who: Identity) -> signers.SimpleSigner:
    private = who.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    own, root = (
        x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (who.certificate, who.root)
    )
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(root)
    return signers.SimpleSigner(
        signing_cert=own, signing_key=keys.PrivateKeyInfo.load(private), cert_registry=store
    )


class Authority(TimeStamper):
    """A timestamp authority at an address, by the standard library: bounded in time and size."""

    def __init__(self, address: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError("a timestamp authority has an address that begins with http")
        self._address = address

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        asked = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            self._address,
            data=req.dump(),
            headers={"Content-Type": "application/timestamp-query"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=STAMP_SECONDS) as answer:  # noqa: S310
                content = answer.read(LARGEST_STAMP + 1)
        except HTTPError as error:
            error.close()  # it is the answer, and holds the connection
            raise OSError("the authority refuses") from None
        except URLError:
            raise OSError("the authority cannot be reached") from None
        if len(content) > LARGEST_STAMP:
            raise OSError("the authority's answer is too long")
        return tsp.TimeStampResp.load(content)
