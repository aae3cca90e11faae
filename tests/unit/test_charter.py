"""The charter and the DPIA: what their digests cover, and what an accession pins."""

from typing import Any

import pytest

from commonthread.broker.rules.charter import parse_charter, parse_dpia
from commonthread.broker.rules.errors import BadInput

CHARTER: dict[str, Any] = {
    "reference": "CHARTER-1",
    "title": "Charter",
    "version": 1,
    "starts": "2026-01-01",
    "ends": "2030-12-31",
    "review": "2028-01-01",
    "principles": ["Share well.", "Protect well."],
    "own_data": "A partner may see what it deposited.",
}
DPIA: dict[str, Any] = {
    "reference": "DPIA-1",
    "title": "Falls",
    "need": "Many people are matched.",
    "consulted": ["Residents", "Carers"],
    "necessity": "Counts suffice.",
    "dpo_advice": "Wait.",
    "dpo_advice_accepted": False,
    "overruled_reason": "Winter comes.",
    "guardian_advice": "Agreed.",
    "ico_consultation": "Asked.",
    "residual_risk": "high",
    "approved_by": "d.ashe",
    "approved": "2026-01-01",
    "review": "2027-01-01",
}
# Computed once: what was signed carries these numbers.
CHARTER_DIGEST = "c0a953a688cbf26c946a9674d963129c404d31bae4e4b808503f2c41a9686cf8"
ACCESSION = "d808b1f3ba7cbd02f2f59ebcbb1422e645b209e4e9c48dc1e1387f8b732e3be5"
DPIA_DIGEST = "9fe77d07220d88db975596ccc3408013b0525f65a43bfab6a84e3c58c0d6a0dc"


def faults(parse: Any, table: Any) -> list[str]:
    with pytest.raises(BadInput) as raised:
        parse(table)
    return [problem.where for problem in raised.value.problems]


def test_digests_are_those_that_were_pinned() -> None:
    assert parse_charter(CHARTER).digest == CHARTER_DIGEST
    assert parse_charter(CHARTER).accession("ed25519:root") == ACCESSION
    assert parse_dpia(DPIA).digest == DPIA_DIGEST


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "CHARTER-2"},
        {"title": "Another"},
        {"version": 2},
        {"starts": "2026-01-02"},
        {"ends": "2030-12-30"},
        {"review": "2028-01-02"},
        {"principles": ["Share well."]},
        {"principles": ["Protect well.", "Share well."]},
        {"own_data": "Nothing."},
    ],
)
def test_each_field_of_a_charter_is_under_its_digest(change: dict[str, Any]) -> None:
    """The principles stand in an order that means something."""
    assert parse_charter(CHARTER | change).digest != CHARTER_DIGEST
    assert parse_charter(CHARTER | change).accession("ed25519:root") != ACCESSION


def test_an_accession_pins_the_root_key() -> None:
    assert parse_charter(CHARTER).accession("ed25519:other") != ACCESSION


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "DPIA-2"},
        {"title": "Another"},
        {"need": "None."},
        {"consulted": ["Residents"]},
        {"necessity": "None."},
        {"dpo_advice": "Go."},
        {"dpo_advice_accepted": True},
        {"overruled_reason": "None."},
        {"guardian_advice": "None."},
        {"ico_consultation": "Told."},
        {"residual_risk": "low"},
        {"approved_by": "m.dove"},
        {"approved": "2026-01-02"},
        {"review": "2027-01-02"},
    ],
)
def test_each_field_of_a_dpia_is_under_its_digest(change: dict[str, Any]) -> None:
    assert parse_dpia(DPIA | change).digest != DPIA_DIGEST


def test_who_was_consulted_has_no_order() -> None:
    assert parse_dpia(DPIA | {"consulted": ["Carers", "Residents"]}).digest == DPIA_DIGEST


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ends": "2025-12-31"}, ".ends"),
        ({"starts": "soon"}, ".starts"),
        ({"version": 0}, ".version"),
        ({"principles": "Share."}, ".principles"),
        ({"principles": [7]}, ".principles[0]"),
        ({"reference": "charter"}, ".reference"),
        ({"exceptions": "none"}, ".exceptions"),
    ],
)
def test_a_charter_refuses(change: dict[str, Any], fault: str) -> None:
    assert faults(parse_charter, CHARTER | change) == [f"charter{fault}"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"review": "2025-12-31"}, ".review"),
        ({"overruled_reason": ""}, ".overruled_reason"),
        ({"ico_consultation": ""}, ".ico_consultation"),
        ({"residual_risk": "none"}, ".residual_risk"),
        ({"approved": "yes"}, ".approved"),
        ({"approved_by": " "}, ".approved_by"),
        ({"dpo_advice_accepted": "yes"}, ".dpo_advice_accepted"),
        ({"conditions": "none"}, ".conditions"),
    ],
)
def test_a_dpia_refuses(change: dict[str, Any], fault: str) -> None:
    assert faults(parse_dpia, DPIA | change) == [f"dpia{fault}"]


def test_all_faults_are_named_at_once() -> None:
    table = {name: value for name, value in DPIA.items() if name != "need"}
    change = {"residual_risk": "none", "approved": "never", "extra": 1}
    assert sorted(faults(parse_dpia, table | change)) == [
        "dpia.approved",
        "dpia.extra",
        "dpia.need",
        "dpia.residual_risk",
    ]
