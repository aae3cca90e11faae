"""How well residents are found on data that nobody here wrote, against its own truth.

The floors lie a little under what `benchmarks/linkage.py` measures. What the pairs are is in
`pairwise`: all pairs within a group found, against all pairs of one true person.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from linkage_truth import febrl, first_county, historical, pairwise

from commonthread.people.linker import link

HISTORICAL_F1 = 0.75


@pytest.fixture(scope="module")
def febrl_figures() -> tuple[float, float, float]:
    sources, truth = febrl()
    return pairwise(truth, link(sources).rows.column("cluster").to_pylist())


def test_febrl_4_pairs(febrl_figures: tuple[float, float, float]) -> None:
    assert febrl_figures[2] >= 0.985


def test_febrl_4_joins_hardly_any_two_people(febrl_figures: tuple[float, float, float]) -> None:
    assert febrl_figures[0] >= 0.998


def test_historical_figures(shared: Path, scale: Callable[[object, object], object]) -> None:
    people = scale(300, None)
    sources, truth = historical(shared, people if isinstance(people, int) else None)
    precision, _, f1 = pairwise(truth, link(sources).rows.column("cluster").to_pylist())
    assert precision >= 0.98
    assert f1 >= HISTORICAL_F1


def test_no_nhs_number_of_the_first_county_is_of_two_residents(shared: Path) -> None:
    sources, _ = first_county(shared)
    rows = link(sources).rows
    visits = sources[1]
    clusters = rows.column("cluster").to_pylist()[sources[0].table.num_rows :]
    by_number: dict[str, set[int]] = {}
    by_cluster: dict[int, set[str]] = {}
    for number, cluster in zip(visits.values("nhs_number"), clusters, strict=False):
        if number:
            by_number.setdefault(number, set()).add(cluster)
            by_cluster.setdefault(cluster, set()).add(number)
    assert max(map(len, by_number.values())) == 1
    assert max(map(len, by_cluster.values())) == 1
