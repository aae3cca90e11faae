"""Signature envelopes: one key, one act, one canonical form, and nothing else holds."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.keys import (
    P256_ORDER,
    Envelope,
    PrivateKey,
    parse_envelope,
    parse_key,
    public_key,
    sign,
)

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(1_234_567, ec.SECP256R1())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KEYS = {"ed25519": ED25519, "p256": P256}
UNSIGNED = Envelope("withdraw", "a" * 64, "d.ashe", "wychshire", "We leave.", "b" * 64)
# Computed once, from the text of the rule: the label, then SHA-256 of the canonical JSON.
SAID = "35af872618f83c64ab02de7e9c0a2e19fcb8550572df7b65f163cc86a574ab91"
SIGNATURE = (
    "p/SRMj5LF87J6mO+dww4U4frckibXRE/aMFXHUmgi0tsYaWoZZcK9vh47pTEiaH/Ay4tdv6PR20/OrshUnpjBg=="
)


@pytest.fixture(params=sorted(KEYS))
def private(request: pytest.FixtureRequest) -> PrivateKey:
    return KEYS[request.param]


def test_the_message_is_the_one_that_was_pinned() -> None:
    assert UNSIGNED.message() == b"commonthread/sign/v1" + bytes.fromhex(SAID)
    assert sign(UNSIGNED, ED25519).signature == SIGNATURE


def test_a_signed_envelope_holds_for_its_key(private: PrivateKey) -> None:
    assert sign(UNSIGNED, private).holds(str(public_key(private)))


def test_an_envelope_outlives_its_text(private: PrivateKey) -> None:
    signed = sign(UNSIGNED, private)
    assert parse_envelope(signed.to_plain()) == signed


@pytest.mark.parametrize(
    "change",
    [
        {"act": "suspend"},
        {"subject": "c" * 64},
        {"member": "h.ode"},
        {"partner": "saltbridge"},
        {"reason": "We leave"},
        {"reason": ""},
        {"previous": "d" * 64},
    ],
)
def test_an_envelope_that_says_something_else_does_not_hold(
    change: dict[str, str], private: PrivateKey
) -> None:
    signed = sign(UNSIGNED, private)
    assert not replace(signed, **change).holds(signed.key)


def test_an_envelope_does_not_hold_for_another_key(private: PrivateKey) -> None:
    assert not sign(UNSIGNED, private).holds(str(public_key(OTHER)))


def test_an_envelope_that_names_another_key_does_not_hold(private: PrivateKey) -> None:
    signed = replace(sign(UNSIGNED, private), key=str(public_key(OTHER)))
    assert not signed.holds(str(public_key(OTHER)))
    assert not signed.holds(str(public_key(private)))


def test_the_kind_must_be_that_of_the_key() -> None:
    signed = sign(UNSIGNED, ED25519)
    assert not replace(signed, kind="p256").holds(signed.key)


@pytest.mark.parametrize("place", [0, 10, 31, 32, 63])
def test_a_signature_with_one_bit_changed_does_not_hold(place: int, private: PrivateKey) -> None:
    signed = sign(UNSIGNED, private)
    raw = bytearray(base64.b64decode(signed.signature))
    raw[place] ^= 1
    assert not replace(signed, signature=base64.b64encode(raw).decode()).holds(signed.key)


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "A" * 86 + "==", "\n"])
def test_what_is_no_signature_does_not_hold(signature: str, private: PrivateKey) -> None:
    signed = sign(UNSIGNED, private)
    assert not replace(signed, signature=signature).holds(signed.key)


def p256_with(change: Any) -> Envelope:
    signed = sign(UNSIGNED, P256)
    r, s = decode_dss_signature(base64.b64decode(signed.signature))
    return replace(signed, signature=base64.b64encode(change(r, s)).decode())


def test_p256_signatures_are_made_with_the_small_s() -> None:
    for number in range(20):
        signed = sign(replace(UNSIGNED, reason=str(number)), P256)
        _, s = decode_dss_signature(base64.b64decode(signed.signature))
        assert s <= P256_ORDER // 2


def test_the_p256_twin_with_the_high_s_is_refused() -> None:
    """(r, n-s) is as good to ECDSA: it would be a second envelope for one act."""
    twin = p256_with(lambda r, s: encode_dss_signature(r, P256_ORDER - s))
    raw = base64.b64decode(twin.signature)
    P256.public_key().verify(raw, UNSIGNED.message(), ec.ECDSA(SHA256()))
    assert not twin.holds(twin.key)


def test_a_p256_signature_with_bytes_after_it_is_refused() -> None:
    assert not (longer := p256_with(lambda r, s: encode_dss_signature(r, s) + b"\0")).holds(
        longer.key
    )


def test_a_p256_signature_in_another_der_form_is_refused() -> None:
    def longer(r: int, s: int) -> bytes:
        """The same two numbers, r behind one more zero byte."""
        first = r.to_bytes((r.bit_length() // 8) + 1, "big")
        second = s.to_bytes((s.bit_length() // 8) + 1, "big")
        body = b"\x02" + bytes([len(first) + 1]) + b"\0" + first
        body += b"\x02" + bytes([len(second)]) + second
        return b"\x30" + bytes([len(body)]) + body

    changed = p256_with(longer)
    assert not changed.holds(changed.key)


def test_keys_read_back_from_their_text(private: PrivateKey) -> None:
    text = str(public_key(private))
    assert str(parse_key(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519",
        "ed25519:",
        "ed25519:AAAA",
        "rsa:AAAA",
        "p256:" + base64.b64encode(bytes(33)).decode(),
        "p256:" + base64.b64encode(b"\x02" + b"\xff" * 32).decode(),
        "ED25519:" + base64.b64encode(bytes(range(32))).decode(),
        "ed25519: " + base64.b64encode(bytes(range(32))).decode(),
        "ed25519:" + base64.b64encode(bytes(range(33))).decode(),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_key(text)


def test_an_uncompressed_point_is_another_spelling_and_refused() -> None:
    point = P256.public_key().public_numbers()
    raw = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    with pytest.raises(BadInput):
        parse_key("p256:" + base64.b64encode(raw).decode())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"act": "approve"}, ".act"),
        ({"kind": "rsa"}, ".kind"),
        ({"subject": ""}, ".subject"),
        ({"member": 7}, ".member"),
        ({"also": "this"}, ".also"),
    ],
)
def test_an_envelope_refuses(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInput) as raised:
        parse_envelope(sign(UNSIGNED, ED25519).to_plain() | change)
    assert [problem.where for problem in raised.value.problems] == [f"envelope{fault}"]


def test_an_envelope_that_lacks_a_field_is_refused() -> None:
    plain = sign(UNSIGNED, ED25519).to_plain()
    del plain["previous"]
    with pytest.raises(BadInput):
        parse_envelope(plain)
