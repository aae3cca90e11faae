"""The evidence of one version of an agreement, for somebody who trusts the ledger's key alone.

A pack holds the ledger's facts that the version rests on, each with its proof under one checkpoint
and with the opening of its sealed body: the agreement, the charter, every act on both, the parties
with their keys and signatories, and the contracts of the datasets. The files that people read are
made of those facts and of nothing else, so `verify_pack` makes them again and compares.

The DPIA is there by its digest only, in the terms: it names people who do not sign.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from commonthread.broker.access import BadInput, IntegrityFailure
from commonthread.broker.rules import keys
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.canonical import (
    canonical_bytes,
    instant_text,
    parse_instant,
    parse_json,
)
from commonthread.broker.rules.charter import Charter, parse_charter
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.facts import (
    ACT,
    AGREEMENT,
    CHARTER,
    DATASET_FACT,
    HOME,
    KEY,
    MEMBER,
    PARTNER,
    Fact,
    text_digest,
)
from commonthread.broker.rules.keys import Envelope, parse_envelope
from commonthread.broker.rules.ledger import (
    Checkpoint,
    leaf_hash,
    open_note,
    read_key,
    verify_inclusion,
)
from commonthread.broker.rules.signed import bare
from commonthread.broker.rules.standing import SERVICE_MEMBER, SIGNATORY, Version
from commonthread.broker.rules.terms import PLATFORM, Terms, required_parties, sources_of

from .pack import pack, unpack
from .readme import readme

if TYPE_CHECKING:
    from commonthread.broker.access import Broker
    from commonthread.broker.access.proofs import Opened

FORMAT = "commonthread-evidence/v1"
PROOFS, NOTE, KEY_FILE = "ledger/", "ledger/checkpoint.note", "ledger/key.vkey"
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature that holds: for whom, by whom, when."""

    partner: str
    member: str
    at: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a pack proves under a trusted key. It holds when there is no failure.

    `missing` are required parties without a signature: a pack of a draft holds, and says so.
    """

    origin: str = ""
    reference: str = ""
    version: int = 0
    digest: str = ""
    entries: int = 0
    signatures: tuple[Signature, ...] = ()
    missing: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.failures


# Making a pack.


def evidence_pack(broker: Broker, version: Version) -> bytes:
    """The pack of one version; the same bytes for the same ledger."""
    ledger = broker.ledger
    disclosed = ledger.disclosed(_facts_of(broker, version))
    facts = [_fact(proof) for proof in disclosed]
    note = disclosed[0]["checkpoint"]
    files = _readable(_Story(facts, version.terms.digest), ledger.key_text())
    files |= {f"{PROOFS}{one['index']:012}.json": _stored(one) for one in disclosed}
    return pack(files | {NOTE: note.encode(), KEY_FILE: ledger.key_text().encode() + b"\n"})


def _facts_of(broker: Broker, version: Version) -> list[Opened]:
    """The facts that the version rests on, oldest first."""
    terms, ledger, standing = version.terms, broker.ledger, broker.standing()
    contracts = standing.contracts
    parties = set(required_parties(terms, contracts))
    datasets = {name for grant in terms.grants for name in sources_of(grant.dataset, contracts)}
    chosen = [
        one
        for one in ledger.facts([AGREEMENT], reference=terms.reference)
        if one.leaf == version.leaf
    ]
    chosen += [
        one
        for one in ledger.facts([ACT], reference=terms.reference)
        if one.body["envelope"]["subject"] == terms.digest
    ]
    chosen += list(ledger.facts([CHARTER], reference=terms.charter))[-1:]
    acceded = {
        act.leaf
        for (charter, who), act in standing.accessions.items()
        if charter == terms.charter and who in parties
    }
    chosen += [one for one in ledger.facts([ACT], reference=terms.charter) if one.leaf in acceded]
    people = {one.body["envelope"]["member"] for one in chosen if one.kind == ACT}
    for one in ledger.facts([HOME, PARTNER, MEMBER, KEY, DATASET_FACT]):
        if _concerns(one, parties, people, datasets):
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.seq)


def _concerns(one: Opened, parties: set[str], people: set[str], datasets: set[str]) -> bool:
    body = one.body
    match one.kind:
        case "partner":
            return body["id"] in parties
        case "member":
            return body["id"] in people
        case "key":
            return body["envelope"]["member"] in people
        case "dataset":
            return f"{body['owner']}/{body['id']}" in datasets
    return True


def _stored(proof: Mapping[str, Any]) -> bytes:
    """A proof without what stands in files of its own."""
    kept = {name: proof[name] for name in ("entry", "index", "size", "leaf", "proof", "opening")}
    return json.dumps(kept, indent=1, sort_keys=True).encode() + b"\n"


def _fact(proof: Mapping[str, Any]) -> Fact:
    entry = parse_json(proof["entry"])
    body = parse_json(base64.b64decode(proof["opening"], validate=True)[SALT_BYTES:])
    return Fact(entry["kind"], body, parse_instant(entry["at"]), proof["leaf"])


@dataclass(slots=True)
class _Story:
    """The facts of a pack, read: raises `BadInput` where one of them is not what it must be."""

    facts: Sequence[Fact]
    digest: str
    terms: Terms = field(init=False)
    charter: Charter = field(init=False)
    origin: str = ""
    roots: dict[str, list[str]] = field(default_factory=dict)
    signatories: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    admitted: list[tuple[Envelope, str]] = field(default_factory=list)
    acts: list[tuple[Fact, Envelope]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for fact in self.facts:
            self._take(fact)
        if not hasattr(self, "terms") or not hasattr(self, "charter"):
            raise BadInput("The agreement or its charter is not among the facts.")

    def _take(self, fact: Fact) -> None:
        body = fact.body
        match fact.kind:
            case "home":
                self.origin = str(body["origin"])
                self.roots[PLATFORM] = [str(body["service_key"])]
                self.signatories[SERVICE_MEMBER] = PLATFORM
            case "partner":
                self.roots.setdefault(str(body["id"]), []).append(str(body["root_key"]))
            case "member" if SIGNATORY in body.get("roles", ()):
                self.signatories[str(body["id"])] = str(body["partner"])
            case "key":
                envelope = parse_envelope(body["envelope"])
                self.admitted.append((envelope, str(body["key"])))
            case "dataset":
                contract = parse_contract(bare(body))
                self.contracts[contract.name] = contract
            case "charter":
                self.charter = parse_charter(body)
            case "agreement":
                terms = parse_terms(body)
                if terms.digest == self.digest:
                    self.terms = terms
            case "act":
                self.acts.append((fact, parse_envelope(body["envelope"])))

    def keys_of(self, envelope: Envelope) -> Iterator[tuple[str, str]]:
        """(key, root key that admitted it) of whoever signed, as a signatory of that partner."""
        if self.signatories.get(envelope.member) != envelope.partner:
            return
        roots = self.roots.get(envelope.partner, [])
        if envelope.member == SERVICE_MEMBER:
            yield from ((root, root) for root in roots)
        for admission, key in self.admitted:
            if admission.member != envelope.member or admission.act != keys.ADMIT:
                continue
            if admission.subject == text_digest(key):
                yield from ((key, root) for root in roots if admission.holds(root))


def _readable(story: _Story, key: str) -> dict[str, bytes]:
    """The files that people read, out of the facts alone."""
    terms = story.terms
    contents = {
        "format": FORMAT,
        "origin": story.origin,
        "reference": terms.reference,
        "version": terms.version,
        "digest": terms.digest,
        "dpia": terms.dpia,
        "key": key,
    }
    files = {
        "README.txt": readme(story.origin, terms).encode(),
        "contents.json": canonical_bytes(contents),
        "terms.json": canonical_bytes(terms.to_plain()),
        "charter.json": canonical_bytes(story.charter.to_plain()),
    }
    for name, contract in story.contracts.items():
        files[f"contracts/{name.replace('/', '.')}.json"] = canonical_bytes(contract.to_plain())
    for number, (_, envelope) in enumerate(story.acts, 1):
        name = f"acts/{number:03}-{envelope.act}-{envelope.partner}.json"
        files[name] = canonical_bytes(envelope.to_plain())
    return files


# Verifying a pack.


def verify_pack(content: bytes, key: str) -> Findings:
    """What a pack proves under the ledger's public key, which must not come out of the pack.

    Never raises for a faulty pack: everything wrong is in `failures`. Raises `BadInput` for a key
    that is none.
    """
    read_key(key)
    try:
        files = unpack(content)
    except BadInput as error:
        return Findings(failures=(error.message,))
    return verify_files(files, key)


def verify_files(files: Mapping[str, bytes], key: str) -> Findings:
    """As `verify_pack`, of files that were unpacked elsewhere."""
    try:
        return _verified(files, key)
    except (BadInput, IntegrityFailure) as error:
        return Findings(failures=(error.message,))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error):
        return Findings(failures=("A file of the pack is missing or is not what it must be.",))


def _verified(files: Mapping[str, bytes], key: str) -> Findings:
    name, public = read_key(key)
    checkpoint = open_note(files[NOTE].decode(), name, public)
    contents = parse_json(files["contents.json"])
    proofs = [
        parse_json(files[file])
        for file in sorted(files)
        if file.startswith(PROOFS) and file not in (NOTE, KEY_FILE)
    ]
    for proof in proofs:
        _check_proof(proof, checkpoint)
    story = _Story([_fact(proof) for proof in proofs], str(contents["digest"]))
    rebuilt = _readable(story, key) | {
        f"{PROOFS}{proof['index']:012}.json": _stored(proof) for proof in proofs
    }
    rebuilt |= {NOTE: files[NOTE], KEY_FILE: key.encode() + b"\n"}
    differing = sorted(name for name in {*rebuilt, *files} if rebuilt.get(name) != files.get(name))
    failures = [f"{name} is not what the proven facts say." for name in differing]
    return _judged(story, checkpoint, failures)


def _check_proof(proof: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    """One entry lies under the checkpoint, and its opening is what it commits to."""
    entry, text = parse_json(proof["entry"]), proof["entry"].encode()
    steps = [base64.b64decode(step, validate=True) for step in proof["proof"]]
    leaf = leaf_hash(text)
    if proof["size"] != checkpoint.size or proof["leaf"] != leaf.hex():
        raise BadInput("A proof is about another entry or another checkpoint.")
    verify_inclusion(leaf, proof["index"], checkpoint.size, steps, checkpoint.root)
    opening = base64.b64decode(proof["opening"], validate=True)
    if entry["seq"] != proof["index"] or sha256(opening).hexdigest() != entry["commitment"]:
        raise BadInput("What an entry keeps is not what its proof says it keeps.")


def _judged(story: _Story, checkpoint: Checkpoint, failures: list[str]) -> Findings:
    terms = story.terms
    required = required_parties(terms, story.contracts)
    signatures = tuple(
        Signature(envelope.partner, envelope.member, instant_text(fact.at))
        for fact, envelope in story.acts
        if envelope.act == keys.SIGN and _signed(story, envelope)
    )
    signed = {one.partner for one in signatures}
    return Findings(
        origin=story.origin,
        reference=terms.reference,
        version=terms.version,
        digest=terms.digest,
        entries=checkpoint.size,
        signatures=signatures,
        missing=tuple(partner for partner in required if partner not in signed),
        failures=(*failures, *_faults(story, checkpoint, signed)),
    )


def _faults(story: _Story, checkpoint: Checkpoint, signed: set[str]) -> Iterator[str]:
    """What the proven facts do not bear out."""
    terms = story.terms
    if story.origin != checkpoint.origin or story.charter.reference != terms.charter:
        yield "The facts are of another trust, or of another charter."
    acceded = {
        envelope.partner
        for _, envelope in story.acts
        if envelope.act == keys.ACCEDE and _acceded(story, envelope)
    }
    for _, envelope in story.acts:
        sound = {keys.ACCEDE: _acceded, keys.SIGN: _signed}.get(envelope.act)
        if sound is not None and not sound(story, envelope):
            yield "A signature does not hold under a key that its partner admitted."
    for partner in sorted(signed - acceded):
        yield f"{partner} signed without having acceded to the charter."
    datasets = {n for grant in terms.grants for n in sources_of(grant.dataset, story.contracts)}
    for name in sorted(datasets - story.contracts.keys()):
        yield f"The contract of {name} is not in the pack, so who must sign is not known."


def _acceded(story: _Story, envelope: Envelope) -> bool:
    return any(
        envelope.subject == story.charter.accession(root) and envelope.holds(key)
        for key, root in story.keys_of(envelope)
    )


def _signed(story: _Story, envelope: Envelope) -> bool:
    about = envelope.subject == story.terms.digest
    return about and any(envelope.holds(key) for key, _ in story.keys_of(envelope))
