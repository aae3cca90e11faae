"""Partners' records of the synthetic county: contracts, truth, errors, canaries, changes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from county_world import small_world

from commonthread.broker.rules.contracts import DELIVERIES, parse_contract
from commonthread.county import changes, habits
from commonthread.county.habits import DESCRIPTIONS, NICKNAMES, RATES, Rate
from commonthread.county.records import PLANS, Drawn, Plan, contract
from commonthread.county.records.drawing import code_of, homes_at, schema
from commonthread.county.settings import NEVER

BY_ID = {plan.id: plan for plan in PLANS}
PERSONAL = [plan for plan in PLANS if plan.classification != "open"]
CHANGING = [plan for plan in PLANS if plan.delivery == "changes"]
# Luck of the copied records is that of other datasets' records, so their rows are not independent.
COPIES = {"telecare-alarms"}
FAR = 4.5  # standard deviations of a binomial that a rate may be off
NO_RATES: dict[str, float] = {}


def named(plan: Plan) -> str:
    return plan.id


each_plan = pytest.mark.parametrize("plan", PLANS, ids=named)
each_personal = pytest.mark.parametrize("plan", PERSONAL, ids=named)
each_changing = pytest.mark.parametrize("plan", CHANGING, ids=named)


def column(table: pa.Table, name: str) -> list[Any]:
    return list(table[name].to_pylist())


def near(hits: int, of: int, rate: float) -> bool:
    """Whether `hits` lie where a binomial of `rate` almost always does."""
    return abs(hits - rate * of) <= FAR * np.sqrt(rate * (1 - rate) * of) + 1


# Contracts


def test_the_datasets_of_the_design_are_all_here() -> None:
    assert [f"{plan.owner}/{plan.id}" for plan in PLANS] == [
        "wychshire/adult-social-care",
        "wychshire/telecare",
        "wychshire/telecare-alarms",
        "wychshire/blue-badges",
        "vale-schools/school-roll",
        "saltbridge/council-tax",
        "saltbridge/benefits",
        "severn-acute/emergency-attendances",
        "severn-acute/inpatient-stays",
        "vale-gps/gp-register",
        "saltbridge/housing-register",
        "riverside-homes/tenancies",
        "riverside-homes/voids",
        "hereward-fire/home-fire-safety-visits",
        "mercia-police/vulnerability-notices",
        "severn-power/priority-services",
        "registration/births",
        "registration/deaths",
        "registration/marriages",
    ]


@each_plan
def test_a_contract_is_one_that_the_broker_reads(plan: Plan) -> None:
    table = contract(plan)
    if table["delivery"] not in DELIVERIES:
        # A home without change files takes the same dataset whole.
        table["delivery"] = "snapshot"
    parsed = parse_contract(table)
    assert [each.name for each in parsed.columns] == [each.name for each in plan.columns]
    assert dict(parsed.identity) == dict(plan.identity)


def test_partners_do_not_share_one_spelling_of_a_column() -> None:
    spelt = {dict(plan.identity).get("date_of_birth") for plan in PLANS}
    assert len(spelt) >= 8


# Rows


@each_plan
def test_a_file_keeps_its_contract(plan: Plan) -> None:
    table = plan.rows(small_world()).table
    assert table.schema == schema(plan)
    assert table.num_rows > 20
    for each in plan.columns:
        values = column(table, each.name)
        assert each.optional or None not in values, each.name
        assert "" not in values, each.name
        if each.values:
            assert set(values) - {None} <= set(each.values), each.name


@each_plan
def test_keys_are_unique_and_sorted(plan: Plan) -> None:
    keys = column(plan.rows(small_world()).table, plan.key[0])
    assert keys == sorted(set(keys))


@each_plan
def test_the_same_seed_gives_the_same_bytes(plan: Plan) -> None:
    small_world.cache_clear()
    once = written(plan.rows(small_world()).table)
    small_world.cache_clear()
    assert once == written(plan.rows(small_world()).table)


def written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


@each_plan
def test_a_file_of_before_the_events_may_be_empty_and_keeps_its_form(plan: Plan) -> None:
    world = small_world()
    assert plan.rows(world, world.settings.start - 1).table.schema == schema(plan)


def test_another_seed_gives_other_errors() -> None:
    plan = BY_ID["gp-register"]
    assert not plan.rows(small_world(1)).table.equals(plan.rows(small_world(2)).table)


def test_two_datasets_number_the_same_people_differently() -> None:
    numbers = np.arange(1_000)
    codes = [code_of(plan.id, numbers) for plan in PLANS]
    assert all(len(np.unique(each)) == len(numbers) for each in codes)
    assert len({tuple(each[:3].tolist()) for each in codes}) == len(PLANS)


# Truth


def first_name(plan: Plan, drawn: Drawn) -> list[str]:
    return [value.split()[0] for value in column(drawn.table, dict(plan.identity)["given_name"])]


with_given_name = pytest.mark.parametrize(
    "plan", [plan for plan in PERSONAL if "given_name" in dict(plan.identity)], ids=named
)


@with_given_name
def test_without_errors_the_names_are_true(plan: Plan) -> None:
    world = small_world()
    people, drawn = world.people, plan.rows(world, rates=NO_RATES)
    assert first_name(plan, drawn) == people.given[drawn.person].tolist()
    last = column(drawn.table, dict(plan.identity)["family_name"])
    ever = zip(people.family[drawn.person], people.family_now[drawn.person], strict=True)
    assert all(name in names for name, names in zip(last, ever, strict=True))


@with_given_name
def test_without_errors_the_dates_of_birth_are_true(plan: Plan) -> None:
    world = small_world()
    drawn = plan.rows(world, rates=NO_RATES)
    born = drawn.table[dict(plan.identity)["date_of_birth"]].cast(pa.int32()).to_numpy()
    assert (born == world.people.born[drawn.person]).all()


@pytest.mark.parametrize(
    "plan", [plan for plan in PLANS if "nhs_number" in dict(plan.identity)], ids=named
)
def test_without_errors_the_nhs_numbers_are_true(plan: Plan) -> None:
    world = small_world()
    drawn = plan.rows(world, rates=NO_RATES)
    numbers = [value.replace(" ", "") for value in column(drawn.table, "nhs_number")]
    assert numbers == [str(number) for number in world.people.nhs[drawn.person]]


@pytest.mark.parametrize(
    "plan",
    [plan for plan in PERSONAL if plan.id not in ("council-tax", "tenancies")],
    ids=named,
)
def test_without_errors_the_postcodes_are_of_a_home_of_the_person(plan: Plan) -> None:
    world = small_world()
    drawn = plan.rows(world, rates=NO_RATES)
    residence, codes = world.residence, world.place.addresses.postcode
    pairs = zip(residence.person.tolist(), codes[residence.address], strict=True)
    homes = {(person, code) for person, code in pairs}
    written_down = column(drawn.table, dict(plan.identity)["postcode"])
    assert all(pair in homes for pair in zip(drawn.person.tolist(), written_down, strict=True))


@pytest.mark.parametrize(
    "plan", [BY_ID[name] for name in ("gp-register", "council-tax", "blue-badges")], ids=named
)
def test_without_errors_a_record_that_is_kept_up_has_the_address_of_the_day(plan: Plan) -> None:
    world = small_world()
    drawn = plan.rows(world, rates=NO_RATES)
    now = world.address_at(drawn.person, np.full(len(drawn.person), world.settings.end))
    assert (now >= 0).all()
    codes = column(drawn.table, dict(plan.identity)["postcode"])
    assert codes == world.place.addresses.postcode[now].tolist()


def test_without_errors_the_register_has_each_resident_once() -> None:
    world = small_world()
    drawn = BY_ID["gp-register"].rows(world, rates=NO_RATES)
    assert sorted(drawn.person.tolist()) == world.here_at(world.settings.end).tolist()


def test_without_errors_each_home_with_an_adult_has_one_account() -> None:
    world = small_world()
    drawn = BY_ID["council-tax"].rows(world, rates=NO_RATES)
    homes = column(drawn.table, "uprn")
    assert len(homes) == len(set(homes))
    adult = world.people.born <= world.settings.end - 18 * 366
    adults = np.flatnonzero(adult)
    lived = world.address_at(adults, np.full(len(adults), world.settings.end))
    dwellings = set(lived[lived >= 2].tolist())
    assert {home - 990_000_000_000 for home in homes} >= dwellings


def test_tenancies_of_one_home_do_not_overlap() -> None:
    table = BY_ID["tenancies"].rows(small_world(), rates=NO_RATES).table
    lets = sorted(
        zip(column(table, "uprn"), column(table, "since"), column(table, "until"), strict=True),
        key=lambda let: let[:2],
    )
    for one, other in pairwise(lets):
        assert one[0] != other[0] or (one[2] is not None and one[2] <= other[1])


def test_empty_homes_are_empty() -> None:
    world = small_world()
    homes = [home - 990_000_000_000 for home in column(BY_ID["voids"].rows(world).table, "uprn")]
    residence, end = world.residence, world.settings.end
    taken = residence.address[(residence.since <= end) & (residence.until > end)]
    assert not set(homes) & set(taken.tolist())


def test_alarms_name_an_installation_of_the_same_person() -> None:
    world = small_world()
    telecare, alarms = (BY_ID[name].rows(world) for name in ("telecare", "telecare-alarms"))
    who = dict(zip(column(telecare.table, "install_ref"), telecare.person.tolist(), strict=True))
    named_in = column(alarms.table, "install_ref")
    assert [who[install] for install in named_in] == alarms.person.tolist()


def test_deaths_are_registered_some_days_late() -> None:
    table = BY_ID["deaths"].rows(small_world()).table
    delay = (
        table["registered"].cast(pa.int32()).to_numpy() - table["died"].cast(pa.int32()).to_numpy()
    )
    assert delay.min() >= 1
    assert 3 <= np.median(delay) <= 6
    assert 0.6 < (delay <= 7).mean() < 0.9


def test_couples_are_entered_once() -> None:
    world = small_world()
    drawn = BY_ID["marriages"].rows(world)
    assert len(drawn.person) <= len(world.events["marriage"]["day"]) // 2


def test_who_never_lived_here_has_no_home() -> None:
    residence = small_world().residence
    nobody = np.array([10**6], np.int32)
    assert homes_at(residence, nobody, np.array([0], np.int32)).tolist() == [-1]


# Errors


def test_each_rate_has_a_source_and_each_habit_a_description() -> None:
    assert set(RATES) == set(BY_ID)
    for dataset, rates in RATES.items():
        for habit, rate in rates.items():
            assert rate.source and habit in DESCRIPTIONS, dataset


def test_each_habit_is_somebodys() -> None:
    assert {habit for rates in RATES.values() for habit in rates} == set(DESCRIPTIONS)


def test_a_rate_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="names its source"):
        Rate(0.1, "")


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Rate(1.1)


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.id not in COPIES], ids=named)
def test_errors_are_as_frequent_as_the_rates_say(plan: Plan) -> None:
    drawn = plan.rows(small_world())
    for habit, rate in RATES[plan.id].items():
        hits, of = drawn.counts[habit]
        assert near(hits, of, rate.rate), (habit, hits, of)


WRITTEN = tuple(
    habit
    for habit in DESCRIPTIONS
    if habit not in ("late", "lingering", "duplicate", "clock", "old-address", "old-name", "twin")
)


@pytest.mark.parametrize("habit", WRITTEN)
def test_a_habit_alone_spoils_its_share_of_rows_and_no_others(habit: str) -> None:
    plan = next(plan for plan in PLANS if habit in RATES[plan.id] and plan.id not in COPIES)
    world = small_world()
    truth, drawn = plan.rows(world, rates=NO_RATES), plan.rows(world, rates={habit: 0.3})
    spoilt = np.array(
        [one != other for one, other in zip(rows(truth), rows(drawn), strict=True)], bool
    )
    assert (spoilt == drawn.touched[habit]).all()
    hits, of = drawn.counts[habit]
    assert hits == spoilt.sum() and near(hits, of, 0.3)


@pytest.mark.parametrize("habit", ("old-address", "old-name", "twin"))
def test_a_habit_of_another_day_or_twin_spoils_only_the_rows_it_says(habit: str) -> None:
    plan, world = BY_ID["emergency-attendances"], small_world()
    truth, drawn = plan.rows(world, rates=NO_RATES), plan.rows(world, rates={habit: 0.5})
    spoilt = np.array(
        [one != other for one, other in zip(rows(truth), rows(drawn), strict=True)], bool
    )
    # Some moved within a postcode, and some twins have one name.
    assert spoilt.any() and not (spoilt & ~drawn.touched[habit]).any()


def rows(drawn: Drawn) -> list[tuple[Any, ...]]:
    return list(zip(*(column(drawn.table, name) for name in drawn.table.column_names), strict=True))


def test_a_duplicate_is_of_the_same_person_under_another_key() -> None:
    plan, world = BY_ID["housing-register"], small_world()
    truth, drawn = plan.rows(world, rates=NO_RATES), plan.rows(world, rates={"duplicate": 0.2})
    again = drawn.touched["duplicate"]
    assert len(drawn.person) == len(truth.person) + again.sum()
    assert set(drawn.person[again].tolist()) <= set(truth.person.tolist())
    assert drawn.table.filter(pa.array(~again)).equals(truth.table)


def test_who_lingers_on_the_register_has_died_or_left() -> None:
    plan, world = BY_ID["gp-register"], small_world()
    drawn = plan.rows(world, rates={"lingering": 1.0})
    stayed = drawn.touched["lingering"]
    gone = np.minimum(world.people.died, world.people.left)[drawn.person]
    assert stayed.any() and ((gone <= world.settings.end) == stayed).all()


def test_a_clock_that_is_wrong_is_an_hour_wrong() -> None:
    plan, world = BY_ID["telecare-alarms"], small_world()
    truth, drawn = plan.rows(world, rates=NO_RATES), plan.rows(world, rates={"clock": 0.3})
    off = truth.table["raised"].cast(pa.int64()).to_numpy()
    off = off - drawn.table["raised"].cast(pa.int64()).to_numpy()
    assert (off == 3_600 * drawn.touched["clock"]).all()


def test_an_alarm_spells_its_resident_as_the_installation_does() -> None:
    world = small_world()
    telecare, alarms = (BY_ID[name].rows(world).table for name in ("telecare", "telecare-alarms"))
    names = dict(zip(column(telecare, "install_ref"), column(telecare, "forename"), strict=True))
    pairs = zip(column(alarms, "install_ref"), column(alarms, "forename"), strict=True)
    assert all(names[install] == name for install, name in pairs)


# Habits on values


NAMES = ("Thomas", "Ann", "Li", "O'Neill", "Smith-Jones", "Phillips", "Jo", "Wray")


@pytest.mark.parametrize("name", NAMES)
def test_a_slip_of_the_keys_is_one_slip(name: str) -> None:
    for luck in range(500):
        wrong = habits.mistyped(name, luck)
        assert wrong != name and wrong[0] == name[0] and abs(len(wrong) - len(name)) <= 1


@pytest.mark.parametrize("name", [*NAMES, "Hv"])
def test_a_name_that_was_heard_is_spelt_otherwise(name: str) -> None:
    for luck in range(100):
        wrong = habits.at_sound(name, luck)
        assert wrong != name and wrong[0].isupper()


def test_short_forms_are_another_name() -> None:
    assert len(NICKNAMES) >= 120
    for formal, short in NICKNAMES.items():
        assert short and formal not in short
        assert habits.known_for_short(f"{formal} Ann", 7).split()[0] in short


def test_days_and_months_change_places() -> None:
    days = np.array(["1950-12-03", "2001-02-01"], "datetime64[D]").astype(np.int32)
    swapped = habits.day_and_month_swapped(days).astype("datetime64[D]").astype(str)
    assert swapped.tolist() == ["1950-03-12", "2001-01-02"]


def test_a_day_that_no_month_has_is_not_swapped() -> None:
    days = np.array(["1950-12-13", "1950-05-05", "1950-05-06"], "datetime64[D]").astype(np.int32)
    assert habits.can_swap_day_and_month(days).tolist() == [False, False, True]


def test_a_slip_in_the_year_is_no_birth_to_come() -> None:
    days = np.array(["2024-02-29"] * 4, "datetime64[D]").astype(np.int32)
    latest = int(np.datetime64("2024-03-01").astype(np.int64))
    wrong = habits.year_mistyped(days, np.arange(4, dtype=np.uint64), latest)
    years = wrong.astype("datetime64[D]").astype(str).tolist()
    assert years == ["2023-02-28", "2023-02-28", "2014-02-28", "2014-02-28"]


def test_a_placeholder_is_never_the_day_itself() -> None:
    days = np.array(["1950-01-01", "1950-07-01"] * 2, "datetime64[D]").astype(np.int32)
    wrong = habits.placeholder(days, np.array([0, 0, 1, 1], np.uint64))
    texts = wrong.astype("datetime64[D]").astype(str).tolist()
    assert texts == ["1900-01-01", "1900-01-01", "1900-01-01", "1950-01-01"]


def test_a_wrong_digit_is_one_wrong_digit() -> None:
    numbers = np.full(500, 9_434_765_919)
    for wrong in habits.digit_mistyped(numbers, np.arange(500, dtype=np.uint64) * 7919).tolist():
        assert sum(a != b for a, b in zip("9434765919", str(wrong), strict=True)) == 1


def test_luck_hangs_on_the_record_alone() -> None:
    dice = habits.Dice.of(small_world().settings, "telecare")
    numbers = np.arange(1_000)
    assert (dice.roll("typing", numbers)[500:] == dice.roll("typing", numbers[500:])).all()
    assert abs(dice.roll("typing", np.arange(100_000)).mean() - 0.5) < 0.01
    assert abs(np.corrcoef(dice.roll("a", numbers), dice.roll("b", numbers))[0, 1]) < 0.15


# Canaries


@each_personal
def test_protected_people_are_marked_and_called_by_their_name(plan: Plan) -> None:
    world = small_world()
    drawn = plan.rows(world)
    guarded = world.people.canary[drawn.person]
    assert column(drawn.table, "protected") == guarded.tolist()
    roles = dict(plan.identity)
    family = column(drawn.table, roles.get("family_name", roles.get("full_name", "")))
    true = world.people.family[drawn.person]
    for name, known, guard in zip(family, true, guarded, strict=True):
        assert not guard or known.lower() in name.lower()


@each_personal
def test_a_note_says_from_which_row_it_came(plan: Plan) -> None:
    table = plan.rows(small_world()).table
    assert plan.canary_columns == ("note",)
    for key, note in zip(column(table, plan.key[0]), column(table, "note"), strict=True):
        assert note.endswith(f"CANARY-{plan.id}-{key.removeprefix(plan.prefix)}")


# Changes


@each_changing
def test_the_first_file_and_the_weeks_make_the_dataset(plan: Plan) -> None:
    world = small_world()
    deposits = changes.weekly(world, plan, 8)
    held = schema(plan).empty_table()
    for table in (deposits.initial, *deposits.weeks.values()):
        assert table.column_names == ["operation", *schema(plan).names]
        held = changes.apply(plan, held, table)
    assert held.equals(plan.rows(world).table)


@each_changing
def test_weeks_are_named_by_the_calendar(plan: Plan) -> None:
    weeks = changes.weekly(small_world(), plan, 8).weeks
    assert list(weeks) == [f"2026-W{number}" for number in range(33, 41)]


@each_changing
def test_years_of_changes_have_all_three_operations(plan: Plan) -> None:
    world = small_world()
    table = changes.between(world, plan, world.settings.start + 700, world.settings.end)
    assert set(column(table, "operation")) == {"add", "correct", "remove"}


@each_changing
def test_a_removal_has_the_key_only(plan: Plan) -> None:
    world = small_world()
    table = changes.between(world, plan, world.settings.start + 700, world.settings.end)
    removed = table.filter(pa.compute.equal(table["operation"], "remove"))
    assert removed.num_rows > 0
    for name in schema(plan).names:
        empty = removed[name].null_count
        assert empty == (0 if name in plan.key else removed.num_rows)


@each_changing
def test_nothing_changes_between_an_instant_and_itself(plan: Plan) -> None:
    world = small_world()
    assert changes.between(world, plan, world.settings.end, world.settings.end).num_rows == 0


@each_changing
def test_errors_stay_with_a_record_from_week_to_week(plan: Plan) -> None:
    """Who has not moved, been renamed or gone has the same row in both files."""
    world, people = small_world(), small_world().people
    end = world.settings.end
    before, after = plan.rows(world, end - 7), plan.rows(world, end)
    roles = dict(plan.identity)
    given = [roles["given_name"], *plan.key]
    was = set(zip(*(column(before.table, name) for name in given), strict=True))
    now = set(zip(*(column(after.table, name) for name in given), strict=True))
    keys = {key for _, key in was} & {key for _, key in now}
    assert {key for _, key in was ^ now} & keys == set()
    assert len(keys) > 100 and (people.died != NEVER).any()
