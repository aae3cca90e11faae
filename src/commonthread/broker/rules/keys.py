"""Public keys and signature envelopes (DESIGN §4 rule 11).

An envelope says who does what to which digest, and why. Its message is `commonthread/sign/v1`
followed by SHA-256 of the canonical `{act, subject, member, partner, reason, previous}`.
`previous` is the ledger hash of the last fact on the same reference, so no envelope works twice.
Kinds of key: Ed25519 and ECDSA P-256 with SHA-256; `kind` leaves room for WebAuthn.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .canonical import canonical_bytes
from .errors import BadInput, Problem
from .fields import Fields, read

LABEL = b"commonthread/sign/v1"
ED25519, P256 = "ed25519", "p256"
KINDS = (ED25519, P256)
# Acts on a charter or an agreement, by a member with the role of signatory.
SIGN, ACCEDE, WITHDRAW, SUSPEND, RESUME = "sign", "accede", "withdraw", "suspend", "resume"
# A partner's own facts: ADMIT and DECLARE under its root key, ATTEST by a member.
ADMIT, DECLARE, ATTEST = "admit", "declare", "attest"
ACTS = (SIGN, ACCEDE, WITHDRAW, SUSPEND, RESUME, ADMIT, DECLARE, ATTEST)
START = "0" * 64
COMPRESSED = 33
# Order of the P-256 group: of the two signatures (r, s) and (r, n-s) only the smaller s is taken.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`ed25519:BASE64` of 32 bytes, or `p256:BASE64` of a compressed point of 33 bytes."""

    kind: str
    material: bytes

    def __str__(self) -> str:
        return f"{self.kind}:{base64.b64encode(self.material).decode()}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` over `message` is by this key and in its one canonical form."""
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.material).verify(signature, message)
                return True
            _, s = decode_dss_signature(signature)
            if s > P256_ORDER // 2:
                return False
            self._point().verify(signature, message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def _point(self) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.material)


def parse_key(text: str, where: str = "key") -> PublicKey:
    """Read the text of a public key; raises `BadInput`."""
    kind, _, rest = text.partition(":")
    try:
        key = PublicKey(kind, base64.b64decode(rest, validate=True))
        if kind == ED25519:
            Ed25519PublicKey.from_public_bytes(key.material)
        elif kind == P256:
            # A point has more spellings than one; only the compressed is a key's name.
            if len(key.material) != COMPRESSED:
                raise ValueError(kind)
            key._point()
        if kind in KINDS and str(key) == text:
            return key
    except (ValueError, binascii.Error):
        pass
    problem = Problem(where, "this is not a public key", "it reads ed25519:BASE64 or p256:BASE64")
    raise BadInput("A key cannot be taken.", [problem])


def public_key(private: PrivateKey) -> PublicKey:
    """The public half of a private key."""
    if isinstance(private, Ed25519PrivateKey):
        return PublicKey(ED25519, private.public_key().public_bytes_raw())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return PublicKey(P256, point)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed act. Making one checks its form; `holds` checks the signature."""

    act: str
    subject: str
    member: str
    partner: str
    reason: str
    previous: str
    kind: str = ED25519
    key: str = ""
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed."""
        names = ("act", "subject", "member", "partner", "reason", "previous")
        said = {name: getattr(self, name) for name in names}
        return LABEL + sha256(canonical_bytes(said)).digest()

    def holds(self, key: str) -> bool:
        """Whether `key`, and no other, signed exactly this."""
        if self.key != key or self.kind != key.partition(":")[0]:
            return False
        try:
            signature = base64.b64decode(self.signature, validate=True)
            return parse_key(key).verifies(signature, self.message())
        except (BadInput, ValueError, binascii.Error):
            return False

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def parse_envelope(table: Any, where: str = "envelope") -> Envelope:
    """Read an envelope; raises `BadInput` with every fault and its path."""
    envelope: Envelope = read(table, where, _envelope, "The signature")
    return envelope


def _envelope(fields: Fields) -> Any:
    return fields.make(
        Envelope,
        act=fields.choice("act", ACTS),
        subject=fields.text("subject"),
        member=fields.text("member"),
        partner=fields.text("partner"),
        reason=fields.text("reason", ""),
        previous=fields.text("previous"),
        kind=fields.choice("kind", KINDS),
        key=fields.text("key"),
        signature=fields.text("signature"),
    )


def sign(unsigned: Envelope, private: PrivateKey) -> Envelope:
    """The envelope with its signature, for whoever holds the private key."""
    key = public_key(private)
    if isinstance(private, Ed25519PrivateKey):
        signature = private.sign(unsigned.message())
    else:
        r, s = decode_dss_signature(private.sign(unsigned.message(), ec.ECDSA(SHA256())))
        signature = encode_dss_signature(r, min(s, P256_ORDER - s))
    return replace(
        unsigned,
        kind=key.kind,
        key=str(key),
        signature=base64.b64encode(signature).decode(),
    )
