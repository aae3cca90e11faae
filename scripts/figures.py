"""Condense the public tables beside the checkout into the figures that the county is made from.

    python scripts/figures.py [--check]

Only shares are kept, rounded; no table is copied. Sources, all under the Open Government Licence
v3.0: Office for National Statistics (population mid-2020, Census 2021, baby names), Ministry of
Housing, Communities and Local Government (English Indices of Deprivation 2025); surnames from the
package sdglinkage (MIT).
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src" / "commonthread" / "county" / "figures.json"
# The six districts of the tables, in the order in which the county's six invented ones take them.
DISTRICTS = tuple(f"E0700023{number}" for number in range(4, 10))
TENURES = {
    "Owned: Owns outright": "owns-outright",
    "Owned: Owns with a mortgage or loan": "mortgage",
    "Shared ownership: Shared ownership": "shared-ownership",
    "Social rented: Rents from council or Local Authority": "council",
    "Social rented: Other social rented": "housing-association",
    "Private rented: Private landlord or letting agency": "private-landlord",
    "Private rented: Other private rented": "private-other",
    "Lives rent free": "rent-free",
}
DWELLINGS = {
    "Detached": "detached",
    "Semi-detached": "semi-detached",
    "Terraced": "terraced",
    "In a purpose-built block of flats or tenement": "flat",
    "Part of a converted or shared house, including bedsits": "converted",
    "Part of another converted building, for example, former school, church or warehouse": (
        "converted"
    ),
    "In a commercial building, for example, in an office building, hotel or over a shop": (
        "commercial"
    ),
    "A caravan or other mobile or temporary structure": "caravan",
}
ETHNIC_GROUPS = {
    "White": "white",
    "Asian, Asian British or Asian Welsh": "asian",
    "Mixed or Multiple ethnic groups": "mixed",
    "Black, Black British, Black Welsh, Caribbean or African": "black",
    "Other ethnic group": "other",
}
FIRST_NAMES, SURNAMES = 120, 1_500


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shares(counts: Sequence[float], digits: int = 5) -> list[float]:
    whole = sum(counts)
    return [round(count / whole, digits) for count in counts]


def by_district(
    table: Iterable[Mapping[str, str]], column: str, names: Mapping[str, str]
) -> list[list[float]]:
    """Shares of each kind in each district, in the order of `names`' values."""
    kinds = list(dict.fromkeys(names.values()))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in table:
        counts[row["ltla_code"]][names[row[column]]] += int(row["n"])
    return [shares([counts[code][kind] for kind in kinds]) for code in DISTRICTS]


def ages() -> dict[str, Any]:
    table = {
        row["ltla_code"]: row
        for row in rows("census_worcestershire/population_by_age_2020_districts.csv")
    }
    names = [f"age_{age}" for age in range(90)] + ["age_90_plus"]
    return {
        "population": shares([int(table[code]["total_population"]) for code in DISTRICTS]),
        "ages": [shares([int(table[code][name]) for name in names]) for code in DISTRICTS],
    }


def sexes_and_sizes() -> dict[str, Any]:
    sexes = {
        row["ltla_code"]: row
        for row in rows("census_worcestershire/population_by_age_band_and_sex_2021_districts.csv")
    }
    homes = {
        row["ltla_code"]: row for row in rows("census_worcestershire/households_2021_districts.csv")
    }

    bands = ("younger", "working_age", "older")

    def female(row: Mapping[str, str]) -> list[float]:
        """The oldest are whom the three published bands leave over of the total."""
        women = [int(row[f"{band}_females"]) for band in bands]
        men = [int(row[f"{band}_males"]) for band in bands]
        women.append(int(row["total_females"]) - sum(women))
        men.append(int(row["total_males"]) - sum(men))
        return [round(w / (w + m), 5) for w, m in zip(women, men, strict=True)]

    return {
        "female": [female(sexes[code]) for code in DISTRICTS],
        "households_per_person": [
            round(int(homes[code]["households"]) / int(sexes[code]["total_population"]), 5)
            for code in DISTRICTS
        ],
    }


def deciles() -> list[list[float]]:
    """The share of each district's small areas in each national decile of IMD 2025."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for row in rows("imd_worcestershire/imd2025_lsoa21.csv"):
        counts[row["ltla_code"]][int(row["imd_decile"])] += 1
    return [shares([counts[code][decile] for decile in range(1, 11)]) for code in DISTRICTS]


def tenure_by_decile() -> list[list[float]]:
    """Shares of tenures among the households of small areas in each decile, all districts."""
    decile = {
        row["lsoa21_code"]: int(row["imd_decile"])
        for row in rows("imd_worcestershire/imd2025_lsoa21.csv")
    }
    kinds = list(TENURES.values())
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows("census_worcestershire/tenure_2021_lsoa21.csv"):
        counts[decile[row["lsoa21_code"]]][TENURES[row["tenure"]]] += int(row["n"])
    return [shares([counts[number][kind] for kind in kinds]) for number in range(1, 11)]


def disabled() -> list[float]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows("census_worcestershire/disability_2021_lsoa21.csv"):
        counts[row["ltla_code"]][row["disability"].startswith("Disabled")] += int(row["n"])
    return [shares([counts[code][True], counts[code][False]])[0] for code in DISTRICTS]


def first_names() -> dict[str, dict[str, dict[str, list[Any]]]]:
    """Sex → decade of birth → names and shares. Before 1996 only ranks are published: the share of
    rank r is taken as 1 / (r + 8), which the later decades with counts follow."""
    found: dict[str, dict[str, dict[str, list[Any]]]] = {"F": {}, "M": {}}
    ranks: dict[tuple[str, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows("names_uk/top100_names_1904_1994.csv"):
        decade = min(int(row["year"]) // 10 * 10, 1990)
        ranks[row["sex"], decade][row["name"].title()] += 1 / (int(row["rank"]) + 8)
    for (sex, decade), counts in sorted(ranks.items()):
        found[sex][str(decade)] = most_common(counts)
    born: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    path = DATA / "names_uk/baby_names_by_decade.parquet"
    for row in pyarrow.parquet.read_table(path).to_pylist():
        name = row["name"].title()
        if row["nation"] == "England & Wales" and name.isalpha() and len(name) > 1:
            born[row["sex"], row["decade"]][name] += row["count"]
    for (sex, decade), births in sorted(born.items()):
        if decade >= 2000:
            found[sex][str(decade)] = most_common(births)
    return found


def most_common(counts: Mapping[str, float], number: int = FIRST_NAMES) -> dict[str, list[Any]]:
    kept = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]
    return {"names": [name for name, _ in kept], "shares": shares([n for _, n in kept])}


def surnames() -> dict[str, list[Any]]:
    table = [row for row in rows("names_uk/surname_frequencies.csv") if row["surname"].isalpha()]
    counts = {row["surname"].title(): float(row["freq"]) for row in table}
    return most_common(counts, SURNAMES)


def figures() -> dict[str, Any]:
    census = "census_worcestershire"
    return {
        "source": " ".join(str(__doc__).split("Sources, ")[1].split()),
        **ages(),
        **sexes_and_sizes(),
        "tenure": by_district(rows(f"{census}/tenure_2021_lsoa21.csv"), "tenure", TENURES),
        "dwellings": by_district(
            rows(f"{census}/dwelling_type_2021_lsoa21.csv"), "type", DWELLINGS
        ),
        "ethnic_groups": by_district(
            rows(f"{census}/ethnic_group_2021_lsoa21.csv"), "ethnic_group", ETHNIC_GROUPS
        ),
        "deciles": deciles(),
        "tenure_by_decile": tenure_by_decile(),
        "disabled": disabled(),
        "first_names": first_names(),
        "surnames": surnames(),
    }


def main(arguments: Sequence[str]) -> int:
    text = (
        json.dumps(figures(), indent=None, separators=(",", ":"))
        .replace('],"', '],\n"')
        .replace('},"', '},\n"')
        + "\n"
    )
    if "--check" in arguments:
        if TARGET.read_text(encoding="utf-8") != text:
            print("figures: figures.json is not what the tables give; run scripts/figures.py")
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    print(f"figures: {len(text) / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
