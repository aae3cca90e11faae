"""Text that may stand in canonical bytes, and text that would have two spellings or none."""

import re
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any
from unicodedata import normalize

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis.strategies import booleans, dictionaries, integers, lists, recursive, text

from commonthread.broker.rules.canonical import CONTROL, LARGEST, SURROGATE, canonical_bytes
from commonthread.broker.rules.errors import BadInput

FORBIDDEN = re.compile(f"{CONTROL.pattern}|{SURROGATE.pattern}")
PLAIN_TEXT = text().map(partial(normalize, "NFC")).filter(lambda said: not FORBIDDEN.search(said))
NUMBERS = integers(min_value=-LARGEST, max_value=LARGEST)


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\tand a tab", "caf\u00e9", "\U0001f9f5"])
def test_text_in_one_spelling_is_taken(text: str) -> None:
    assert canonical_bytes({"text": text})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cafe\u0301", "NFC"),
        *((chr(code), "control") for code in (*range(9), *range(11, 32), 127)),
        ("a\x00b", "control"),
        ("\ud800", "surrogate"),
        ("x\udfffy", "surrogate"),
    ],
)
def test_other_text_is_refused_with_its_path(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        canonical_bytes({"list": [{"text": text}]})
    assert refused.value.problems[0].where == "$.list[0].text"
    with pytest.raises(BadInput, match=said):
        canonical_bytes({text: 1})


@given(
    recursive(
        PLAIN_TEXT | NUMBERS | booleans(),
        lambda inner: lists(inner) | dictionaries(PLAIN_TEXT, inner),
        max_leaves=30,
    )
)
@example({"\uffff": 1, "\U0001f9f5": {"\U0001f9f5": [], "\ue000": {}}})
@example({'"': "\\\n\t\u2028/", "": [True, False, LARGEST, -LARGEST], "caf\u00e9": " \u0080\x7e"})
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_text_and_numbers_of_an_enumeration_are_written_as_what_they_are() -> None:
    class Word(StrEnum):
        ONE = 'a "word"'

    class Number(IntEnum):
        TWO = 2

    value = {Word.ONE: [Word.ONE, Number.TWO]}
    assert canonical_bytes(value) == b'{"a \\"word\\"":["a \\"word\\"",2]}' == rfc8785.dumps(value)
