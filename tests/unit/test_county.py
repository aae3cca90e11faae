"""The synthetic county: the same from a seed, near its figures, true to its answer key."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.binding import binding_problems
from commonthread.broker.rules.charter import parse_charter, parse_dpia
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.filters import columns_of
from commonthread.county import governance
from commonthread.county.build import Built, build, built
from commonthread.county.causes import size
from commonthread.county.figures import figures, quota
from commonthread.county.marginals import WITHIN, marginals
from commonthread.county.names import NhsNumbers, check_digit
from commonthread.county.records import PLANS
from commonthread.county.settings import NEVER, Settings
from commonthread.county.simulation import make_world, months_of
from commonthread.county.world import World

ROOT = Path(__file__).resolve().parents[2]
# Small areas are whole: a county of this many has thirty-six.
OF_AREAS = "people by deprivation decile"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(Settings(residents=20_000))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("county") / "made"
    return build(Settings(residents=2_000, weeks=2), folder)


# Figures and quotas


def test_a_quota_adds_up_and_is_near_every_share() -> None:
    shares = figures().ages[0]
    for number in (1, 7, 1_001, 33_333):
        found = quota(number, shares)
        assert found.sum() == number
        assert np.abs(found - shares * number).max() < 1


def test_the_figures_are_what_the_public_tables_give(shared: Path) -> None:
    assert shared.is_dir()
    script = [sys.executable, str(ROOT / "scripts" / "figures.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_county_is_as_the_census_says(world: World) -> None:
    far = {each.name: each.farthest for each in marginals(world) if each.name != OF_AREAS}
    assert len(far) == 8
    assert {name: share for name, share in far.items() if share > WITHIN} == {}


def test_deprivation_is_as_near_as_whole_areas_can_be(world: World) -> None:
    (found,) = (each for each in marginals(world) if each.name == OF_AREAS)
    assert found.farthest <= 2 / len(world.place.areas)


def test_nhs_numbers_are_sound_and_given_once() -> None:
    numbers = NhsNumbers()
    given = np.concatenate([numbers.take(5_000), numbers.take(1), numbers.take(5_000)])
    assert len(np.unique(given)) == 10_001
    assert (check_digit(given // 10) == given % 10).all()


# Lives


def test_months_cover_the_events_without_a_gap() -> None:
    settings = Settings()
    months = months_of(settings)
    assert months[0][0] == settings.start
    assert months[-1][0] + months[-1][1] - 1 == settings.end
    assert all(first + days == after for (first, days), (after, _) in pairwise(months))


def test_nobody_lives_in_two_homes_or_outside_a_life(world: World) -> None:
    home, who = world.residence, world.people
    same = home.person[1:] == home.person[:-1]
    assert (home.until[:-1][same] <= home.since[1:][same]).all()
    assert (home.since < home.until).all()
    assert (home.until <= who.died[home.person]).all()
    assert (home.until <= who.left[home.person]).all()
    assert (home.since >= who.born[home.person])[home.since > -1_000_000].all()


def test_the_county_stays_as_large_as_it_was(world: World) -> None:
    first, last = (len(world.here_at(day)) for day in (world.settings.start, world.settings.end))
    assert abs(last - first) < 0.04 * first


def test_what_happens_happens_to_the_living(world: World) -> None:
    for kind in ("attendance", "alarm", "fall", "stay", "fire-visit", "notice"):
        event = world.events[kind]
        assert world.alive_at(event["person"], event["day"]).all(), kind


def test_mothers_are_of_an_age_and_babies_live_with_them(world: World) -> None:
    birth = world.events["birth"]
    age = world.age_at(birth["mother"], birth["day"])
    assert age.min() >= 15
    assert age.max() <= 46
    at_birth = world.address_at(birth["person"], birth["day"])
    assert (at_birth == world.address_at(birth["mother"], birth["day"])).mean() > 0.9


def test_winters_are_worse(world: World) -> None:
    days = world.events["death"]["day"].astype("datetime64[D]")
    month = days.astype("datetime64[M]").astype(int) % 12
    winter, summer = np.isin(month, (11, 0, 1)).sum(), np.isin(month, (5, 6, 7)).sum()
    assert winter > summer


# The answer key


def rate(exposed: np.ndarray, happened: np.ndarray) -> float:
    return float(happened[exposed].mean() / happened[~exposed].mean())


def test_damp_homes_raise_attendances_for_breathing(world: World) -> None:
    start = world.settings.start
    here = world.here_at(start)
    damp = world.place.addresses.damp[world.address_at(here, np.full(len(here), start))]
    attended = world.events["attendance"]
    breathing = attended["person"][attended["reason"] == "breathing"]
    counts = np.bincount(breathing, minlength=len(world.people))[here].astype(float)
    assert 1.2 < rate(damp, counts) < 1.4 * size("damp-breathing")


def test_alarms_come_before_the_attendances_of_a_spell(world: World) -> None:
    spell, alarm = world.events["spell"], world.events["alarm"]
    signs = alarm["kind"] != "false"
    order = np.lexsort((alarm["day"][signs], alarm["person"][signs]))
    person, day = alarm["person"][signs][order], alarm["day"][signs][order]
    key = person.astype(np.int64) * 100_000 + day
    wears = np.isin(spell["person"], person)
    begins = spell["person"].astype(np.int64) * 100_000 + spell["day"]
    found = np.searchsorted(key, begins + 30) > np.searchsorted(key, begins)
    assert found[wears].mean() > 0.5
    assert abs(spell["attends"].mean() - size("spell-alarms")) < 0.05


def test_badge_holders_attend_more_though_the_badge_does_nothing(world: World) -> None:
    attended = np.bincount(world.events["attendance"]["person"], minlength=len(world.people))
    holds = np.zeros(len(world.people), bool)
    holds[world.events["badge"]["person"]] = True
    assert rate(holds, attended.astype(float)) > 1.3
    assert size("badge-attendance") == 1.0


# Files


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    county: Built, tmp_path: Path
) -> None:
    again = build(Settings(residents=2_000, weeks=2), tmp_path / "again")
    other = build(Settings(residents=2_000, weeks=2, seed=2), tmp_path / "other")
    assert again.digest == county.digest != other.digest


def test_the_manifest_names_every_file(county: Built) -> None:
    said = json.loads((county.folder / "county.json").read_text())
    there = {p.relative_to(county.folder).as_posix() for p in county.folder.rglob("*.*")}
    assert {name for name in said["files"]} == {
        name for name in there if (county.folder / name).is_file() and name != "county.json"
    }
    assert built(county.folder) == Settings(residents=2_000, weeks=2)


def test_every_row_has_its_person_in_the_truth_and_not_in_the_file(county: Built) -> None:
    for plan in PLANS:
        truth = pyarrow.parquet.read_table(
            county.folder / "truth" / "records" / plan.owner / f"{plan.id}.parquet"
        )
        assert truth.num_rows == county.rows[f"{plan.owner}/{plan.id}"]
        assert "person" not in {column.name for column in plan.columns}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="not a county"):
        build(Settings(residents=2_000), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_build_that_fails_leaves_the_county_that_was_there(
    county: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("commonthread.county.build._write_report", fail)
    with pytest.raises(OSError, match="full"):
        build(Settings(residents=2_000, weeks=2, seed=3), county.folder)
    assert built(county.folder) == Settings(residents=2_000, weeks=2)
    assert [path.name for path in county.folder.parent.iterdir()] == [county.folder.name]


@pytest.mark.parametrize(
    "wrong", [{"residents": 10}, {"years": 0}, {"weeks": 99}, {"seed": -1}, {"residents": 10**8}]
)
def test_a_county_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        Settings(**wrong)


# Governance


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    tables = governance.documents()["county.toml"]["dataset"]
    return {made.name: made for made in map(parse_contract, tables)}


def agreements() -> dict[str, dict[str, object]]:
    return {
        name: {**document["agreement"], "dpia": "0" * 64}
        for name, document in governance.documents().items()
        if "agreement" in document
    }


def test_a_dozen_agreements_bind_their_datasets(contracts: dict[str, Contract]) -> None:
    assert len(agreements()) >= 12
    for name, table in agreements().items():
        assert list(binding_problems(parse_terms(table), contracts)) == [], name


def test_the_other_documents_are_sound() -> None:
    for name, document in governance.documents().items():
        if "dpia" in document:
            parse_dpia(document["dpia"])
        if "charter" in document:
            parse_charter(document["charter"])
        assert name.endswith(".toml")


def test_no_agreement_covers_a_canary(contracts: dict[str, Contract]) -> None:
    canaries = {f"{p.owner}/{p.id}": p.canary_columns for p in PLANS}
    for table in agreements().values():
        for grant in parse_terms(table).grants:
            shown = {column.name for column in grant.columns}
            assert not shown & set(canaries[grant.dataset]), grant.id
            if contracts[grant.dataset].column("protected"):
                assert "protected" in columns_of(grant.rows), grant.id


def test_every_dataset_is_part_of_some_agreement() -> None:
    named = {f"{plan.owner}/{plan.id}" for plan in PLANS if plan.identity}
    assert named <= governance.covered()


def test_what_never_ends_is_said_in_one_way(world: World) -> None:
    assert (world.people.died[world.people.died > world.settings.end] == NEVER).all()
