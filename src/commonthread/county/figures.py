"""The public figures that the county is made to match: shares, by district, with their sources.

`figures.json` is condensed from census, deprivation and name tables by `scripts/figures.py`. The
six districts have the figures of six real ones under invented names; the county is none of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

Shares = np.ndarray

DISTRICTS = ("Ashcombe", "Malverley", "Wyrewood", "Saltbridge", "Brookvale", "Temeford")
DWELLINGS = (
    *("detached", "semi-detached", "terraced", "flat", "converted", "commercial", "caravan"),
)
TENURES = (
    *("owns-outright", "mortgage", "shared-ownership", "council", "housing-association"),
    *("private-landlord", "private-other", "rent-free"),
)
ETHNIC_GROUPS = ("white", "asian", "mixed", "black", "other")
OLDEST = 90


@dataclass(frozen=True, slots=True)
class Names:
    """Names and their shares, the commonest first."""

    names: np.ndarray
    shares: Shares


@dataclass(frozen=True, slots=True)
class Figures:
    """Every array's last axis sums to 1, except `female` (share of women) and the two ratios.

    - `population` [district]; `households_per_person` [district]; `disabled` [district]
    - `ages` [district, 0..90], the last is 90 and over
    - `female` [district, under 16 | to 64 | to 74 | 75 and over]
    - `tenure` [district, TENURES]; `dwellings` [district, DWELLINGS]; `ethnic_groups` likewise
    - `deciles` [district, 10]: small areas by national decile of deprivation, 1 is most deprived
    - `tenure_by_decile` [decile, TENURES]
    - `first_names` (sex "F" or "M", decade of birth) → `Names`; `surnames`
    """

    districts: tuple[str, ...]
    population: Shares
    households_per_person: Shares
    disabled: Shares
    ages: Shares
    female: Shares
    tenure: Shares
    dwellings: Shares
    ethnic_groups: Shares
    deciles: Shares
    tenure_by_decile: Shares
    first_names: dict[tuple[str, int], Names]
    surnames: Names
    source: str


@cache
def figures() -> Figures:
    """The figures, read once."""
    said: dict[str, Any] = json.loads(
        files(__package__).joinpath("figures.json").read_text(encoding="utf-8")
    )

    def whole(name: str) -> Shares:
        values = np.asarray(said[name], dtype=float)
        return values / values.sum(axis=-1, keepdims=True)

    return Figures(
        districts=DISTRICTS,
        population=whole("population"),
        households_per_person=np.asarray(said["households_per_person"]),
        disabled=np.asarray(said["disabled"]),
        ages=whole("ages"),
        female=np.asarray(said["female"]),
        tenure=whole("tenure"),
        dwellings=whole("dwellings"),
        ethnic_groups=whole("ethnic_groups"),
        deciles=whole("deciles"),
        tenure_by_decile=whole("tenure_by_decile"),
        first_names={
            (sex, int(decade)): _names(listed)
            for sex, decades in said["first_names"].items()
            for decade, listed in decades.items()
        },
        surnames=_names(said["surnames"]),
        source=said["source"],
    )


def _names(listed: dict[str, Any]) -> Names:
    shares = np.asarray(listed["shares"], dtype=float)
    return Names(np.asarray(listed["names"], dtype=object), shares / shares.sum())


def quota(number: int, shares: Shares) -> np.ndarray:
    """`number` whole things divided by shares, exactly, by largest remainders; ints that add up."""
    exact = np.asarray(shares, dtype=float) * number
    found = np.floor(exact).astype(np.int64)
    left = int(number - found.sum())
    order = np.lexsort((np.arange(len(exact)), -(exact - found)))
    found[order[:left]] += 1
    return found
