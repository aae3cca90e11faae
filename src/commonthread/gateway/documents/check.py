"""Whether a document is the one in force: one plain verdict for any file that is handed in.

- A PDF counts by its seal: sealed by this trust, the whole file as it was sealed. Then the terms
  in it are known by the digest of their bytes, and the ledger says how they stand now.
- An evidence pack counts by its proofs under this ledger's key; terms as text count by their
  digest alone, and prove nothing about who sent them.
- A hostile or damaged file gets a verdict like any other. Nothing of it is kept, and no verdict
  repeats what it says beyond a reference that this trust knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from commonthread.broker.access import BadInput
from commonthread.broker.access.status import agreement_status
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.canonical import parse_instant, parse_json
from commonthread.broker.rules.standing import Act, Standing, Version
from commonthread.broker.rules.terms import PLATFORM
from commonthread.gateway import words

from .evidence import KEY_FILE, verify_files
from .pdf import ABOUT_FILE, TERMS_FILE
from .reading import LARGEST_DOCUMENT, Read, Stamp, Trusted, is_pdf, read_document
from .seal import identity
from .wording import moment

if TYPE_CHECKING:
    from commonthread.broker.access import Broker

IN_FORCE, NOT_IN_FORCE, WITHDRAWN, SUSPENDED = "in-force", "not-in-force", "withdrawn", "suspended"
SUPERSEDED, DRAFT, OLD_DRAFT = "superseded", "draft", "old-draft"
CHANGED, UNSEALED, FOREIGN, UNREADABLE = "changed", "unsealed", "foreign", "unreadable"
LARGEST = f"{LARGEST_DOCUMENT // (1024 * 1024)} MB"
PROBLEMS = {
    "too-large": f"This file is too large to be checked: {LARGEST} at most.",
    "empty": "This file is empty.",
    "encrypted": "This PDF is locked by a password, so it cannot be checked. Documents of this "
    "trust are not locked.",
    "damaged": "This PDF cannot be read: it is damaged, cut off, or was changed.",
    "stopped": "This file could not be read: reading it took too much memory or time.",
    "unknown": "This is no PDF, no evidence pack and no terms of an agreement.",
    "no-pack": "This is not an evidence pack of this trust.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a document is. `says` is the answer, `notes` what else there is to know.

    `good` is true of one code only: the document is the one in force.
    """

    code: str
    says: str
    notes: tuple[str, ...] = ()
    reference: str = ""
    version: int = 0
    digest: str = ""

    @property
    def good(self) -> bool:
        return self.code == IN_FORCE

    def noting(self, *notes: str) -> Verdict:
        return replace(self, notes=(*self.notes, *filter(None, notes)))


def check_document(
    content: bytes,
    broker: Broker,
    *,
    at: datetime | None = None,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> Verdict:
    """The verdict on a file, as of now. Raises `BadInput` only where too many are being checked."""
    read = read_document(content, _trusted(content, broker, stamp_roots))
    standing, at = broker.standing(), at or datetime.now(UTC)
    if read.problem:
        return Verdict(UNREADABLE, PROBLEMS.get(read.problem, PROBLEMS["unknown"]))
    match read.kind:
        case "pdf":
            return _of_pdf(read, standing, at)
        case "pack":
            return _of_pack(read.files, broker, standing, at)
        case "terms":
            return _of_terms(read.table, standing, at)
    return Verdict(UNREADABLE, PROBLEMS["unknown"])


def _trusted(content: bytes, broker: Broker, stamp_roots: Sequence[x509.Certificate]) -> Trusted:
    if not is_pdf(content):
        return Trusted()
    who = identity(broker)
    root, own = (one.public_bytes(Encoding.DER) for one in (who.root, who.certificate))
    return Trusted((root,), (own,), tuple(one.public_bytes(Encoding.DER) for one in stamp_roots))


# One verdict for each kind of document.


def _of_pdf(read: Read, standing: Standing, at: datetime) -> Verdict:
    attached = read.files.get(TERMS_FILE, b"")
    found = _known(standing, sha256(attached).hexdigest()) if attached else None
    if read.seals > 1:
        return Verdict(
            CHANGED,
            "This PDF has more than one signature. A document of this trust has one seal, and "
            "nothing is added to it.",
        )
    if read.seal is None:
        return _unsealed(found, standing, at)
    if not read.seal.ours:
        return Verdict(FOREIGN, "This PDF is not from this trust: somebody else signed it.")
    if not read.seal.holds:
        return Verdict(CHANGED, "This document was changed after it was sealed.")
    if found is None:
        return Verdict(
            FOREIGN, "This trust sealed this document, but its ledger knows no such terms."
        )
    return _stands(found, standing, at).noting(*_made(read.files), _stamped(read.seal.stamp))


def _unsealed(found: Version | None, standing: Standing, at: datetime) -> Verdict:
    if found is None:
        return Verdict(FOREIGN, "This PDF is not from this trust: it has no seal of it.")
    stands = _stands(found, standing, at)
    return replace(
        stands,
        code=UNSEALED,
        says="This PDF has no seal, so nothing vouches for what its pages say.",
        notes=(f"The terms that are attached to it are known here. {stands.says}", *stands.notes),
    )


def _made(files: Mapping[str, bytes]) -> Iterator[str]:
    """What the document says of itself, once its seal holds."""
    try:
        about = parse_json(files[ABOUT_FILE])
        yield f"It was made on {moment(parse_instant(about['at']))}, and shows how things stood."
        if about["draft"]:
            yield "It is marked as a draft: not all had signed when it was made."
        if about["demo"]:
            yield "It was made in a demo home: nobody is bound by it."
    except (BadInput, KeyError, TypeError, ValueError):
        return


def _stamped(stamp: Stamp | None) -> str:
    if stamp is None:
        return "Its seal has no independent time stamp: its time is this trust’s own word."
    when = moment(stamp.at)
    if stamp.vouched:
        return f"An independent authority, {stamp.by}, stamped it on {when}."
    return (
        f"A time stamp says {when}, by {stamp.by}. This trust was not told which authorities to "
        "trust, so it does not vouch for that."
    )


def _of_pack(
    files: Mapping[str, bytes], broker: Broker, standing: Standing, at: datetime
) -> Verdict:
    key = broker.ledger.key_text()
    if files.get(KEY_FILE, b"").strip() != key.encode():
        return Verdict(FOREIGN, "This evidence pack is not from this trust.")
    findings = verify_files(files, key)
    if not findings.holds:
        return Verdict(CHANGED, "This evidence pack does not hold.", findings.failures[:5])
    found = _known(standing, findings.digest)
    if found is None:
        return Verdict(FOREIGN, "The ledger of this trust knows no such terms.")
    signed = words.joined([_name(standing, one.partner) for one in findings.signatures])
    missing = words.joined([_name(standing, partner) for partner in findings.missing])
    return _stands(found, standing, at).noting(
        f"The pack proves the signatures of {signed}." if signed else "",
        f"It holds no signature of {missing}." if missing else "",
        f"It was made when the ledger had {findings.entries} entries.",
    )


def _of_terms(table: Mapping[str, Any], standing: Standing, at: datetime) -> Verdict:
    found = next((v for v in _named(table, standing) if _same(table, v)), None)
    if found is not None:
        plain = "Terms as text bear no seal: they are known by their digest alone."
        return _stands(found, standing, at).noting(plain)
    # That there is a draft which nobody signed yet is not for everybody to find out.
    if any(version.completed for version in _named(table, standing)):
        return Verdict(
            CHANGED,
            f"These terms are of no version of {table['reference']} that this trust knows. They "
            "were changed, or were never put forward.",
        )
    return Verdict(FOREIGN, "This trust knows no agreement with these terms.")


def _named(table: Mapping[str, Any], standing: Standing) -> tuple[Version, ...]:
    reference = table.get("reference")
    return standing.agreements.get(reference, ()) if isinstance(reference, str) else ()


def _same(table: Mapping[str, Any], version: Version) -> bool:
    """Whether the terms are this version's.

    People leave out of what they write the digests of the DPIA and of the contracts, which
    applying fills in: these are then the version's own.
    """
    known = {grant.id: grant.contract for grant in version.terms.grants}
    written = dict(table)
    if len(str(table.get("dpia", ""))) != 2 * sha256().digest_size and version.terms.dpia:
        written["dpia"] = version.terms.dpia
    try:
        written["grant"] = [
            {**grant, "contract": grant.get("contract") or known.get(grant.get("id"), "")}
            for grant in table["grant"]
        ]
        return parse_terms(written).digest == version.terms.digest
    except (BadInput, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return False


# How a version stands.


def _known(standing: Standing, digest: str) -> Version | None:
    return next(
        (
            version
            for versions in standing.agreements.values()
            for version in versions
            if version.terms.digest == digest
        ),
        None,
    )


def _stands(version: Version, standing: Standing, at: datetime) -> Verdict:
    """How one version of an agreement stands now, in words."""
    terms = version.terms
    versions = standing.agreements[terms.reference]
    place = versions.index(version)
    later = next((v for v in versions[place + 1 :] if v.completed), None)
    made = Verdict("", "", (), terms.reference, terms.version, terms.digest)
    this = f"This is version {terms.version} of {terms.reference}"
    if version.completed is not None and later is not None:
        when = moment(later.completed) if later.completed else ""
        said = f"{this}, superseded by version {later.terms.version} on {when}."
        return replace(made, code=SUPERSEDED, says=said)
    if version.completed is not None:
        return _governs(made, this, version, standing, at)
    if version is versions[-1]:
        waiting = [_name(standing, partner) for partner in standing.outstanding(version)]
        said = f"{this}, a draft that waits for the signatures of {words.joined(waiting)}."
        return replace(made, code=DRAFT, says=said).noting("It opens nothing yet.")
    said = f"{this}, a draft that not all signed. Version {versions[-1].terms.version} is newer."
    return replace(made, code=OLD_DRAFT, says=said)


def _governs(
    made: Verdict, this: str, version: Version, standing: Standing, at: datetime
) -> Verdict:
    """The version that all signed last: in force, or why not."""
    status = agreement_status(version.terms.reference, standing, at)
    left = [_did(standing, "withdrew", act) for act in version.withdrawals.values()]
    if status.in_force:
        newer = status.draft
        said = replace(made, code=IN_FORCE, says=f"{this}, in force.")
        waits = f"Version {newer.version}, a draft, waits for signatures." if newer else ""
        return said.noting(*left, waits)
    codes = {reason.code for reason in status.reasons}
    if "withdrawn" in codes:
        acts = sorted(version.withdrawals.values(), key=lambda act: act.at)
        return replace(made, code=WITHDRAWN, says=_ended(this, "withdrawn", acts[0], standing))
    if "suspended" in codes:
        acts = sorted(version.suspensions.values(), key=lambda act: act.at)
        return replace(made, code=SUSPENDED, says=_ended(this, "suspended", acts[0], standing))
    reasons = tuple(reason.message for reason in status.reasons)
    return replace(made, code=NOT_IN_FORCE, says=f"{this}, which is not in force.", notes=reasons)


def _ended(this: str, what: str, act: Act, standing: Standing) -> str:
    who = _name(standing, act.envelope.partner)
    return f"{this}, {what} by {who} on {moment(act.at)}."


def _did(standing: Standing, what: str, act: Act) -> str:
    who = _name(standing, act.envelope.partner)
    return f"{who} {what} on {moment(act.at)}; the others go on without it."


def _name(standing: Standing, partner: str) -> str:
    known = standing.partners.get(partner)
    return "the platform" if partner == PLATFORM else known.name if known else partner
