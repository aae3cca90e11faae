"""Pseudonyms: keyed numbers that say nothing outside one agreement (DESIGN §4 rule 8).

HMAC-SHA-256 under a key of the agreement's reference, so that its versions continue and no two
agreements join. The key stays in this process: DuckDB is given the numbers as a table, and never
the key. Here too is the text that says whose a record is, from which `person` is computed.
"""

from __future__ import annotations

import array
import hashlib
import hmac
import sys
from collections.abc import Sequence

from commonthread.broker.keyring import Keyring
from commonthread.broker.rules.treatments import value_text

BITS = 63
TAKEN_BYTES = 8


def mapped_resident(reference: str, resident: str) -> str:
    """A resident of the person index made under a linkage agreement."""
    return f"resident:{reference}:{resident}"


def own_resident(dataset: str, own_id: object) -> str:
    """Whoever an owner's own number stands for."""
    return f"own:{dataset}:{value_text(own_id)}"


def lone_resident(dataset: str, record: str) -> str:
    """The resident of a record that nothing links: alone."""
    return f"record:{dataset}:{record}"


class Pseudonyms:
    """The pseudonyms of one agreement."""

    def __init__(self, keyring: Keyring, reference: str, *, bits: int = BITS) -> None:
        key = hmac.digest(keyring.derive("pseudonyms"), reference.encode(), "sha256")
        # HMAC's two hashes (RFC 2104) with the key taken in: copied for each text, which is 2.5
        # times as fast as hmac.digest, and there are millions.
        self._inner = hashlib.sha256(_padded(key, 0x36))
        self._outer = hashlib.sha256(_padded(key, 0x5C))
        self._shift = TAKEN_BYTES * 8 - bits
        self._most = (1 << bits) - 1

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """One number for each of the texts, which are distinct; no two share a number.

        Where two would, the later by its UTF-8 bytes is counted up to the next number that is free.
        """
        words = array.array("Q", b"".join([self._hashed(text) for text in texts]))
        if sys.byteorder == "little":
            words.byteswap()
        numbers = [word >> self._shift for word in words]
        if len(set(numbers)) == len(numbers):
            return numbers
        return self._apart(texts, numbers)

    def of(self, texts: Sequence[str]) -> dict[str, int]:
        """Text → number, for texts that may repeat."""
        distinct = list(dict.fromkeys(texts))
        return dict(zip(distinct, self.numbers(distinct), strict=True))

    def _hashed(self, text: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.digest()[:TAKEN_BYTES]

    def _apart(self, texts: Sequence[str], numbers: list[int]) -> list[int]:
        if len(texts) > self._most + 1:
            raise ValueError("there are fewer numbers than texts")
        taken: set[int] = set()
        for index in sorted(range(len(texts)), key=lambda index: texts[index].encode()):
            while numbers[index] in taken:
                numbers[index] = (numbers[index] + 1) & self._most
            taken.add(numbers[index])
        return numbers


def _padded(key: bytes, pad: int) -> bytes:
    return bytes(byte ^ pad for byte in key.ljust(hashlib.sha256().block_size, b"\0"))
