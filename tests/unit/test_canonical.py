"""Text that may stand in canonical bytes, and text that would have two spellings or none."""

import pytest

from commonthread.broker.rules.canonical import canonical_bytes
from commonthread.broker.rules.errors import BadInput


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
