"""What is compared, how finely, and what is believed before the data teach better.

Plain values in Splink's settings format; only the linker hands them to Splink. Each level has a
default m (how often records of one person agree so) and u (how often those of two people do), used
where a small or one-sided input cannot train it. The defaults of m are of the size that Splink
finds on FEBRL and on the historical set; those of u on names of a county of some 100,000.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Level:
    sql: str
    m: float
    u: float
    rare: str = ""  # the column whose rare values weigh more


@dataclass(frozen=True, slots=True)
class Comparison:
    """Levels from the closest to none; a pair takes the first that holds."""

    name: str  # also the column without which there is nothing to compare
    missing: str
    levels: tuple[Level, ...]
    learns: bool = True


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


def _alike(column: str, least: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {least}"


def _slips(column: str, most: int) -> str:
    return f"damerau_levenshtein({column}_l, {column}_r) <= {most}"


SWAPPED = "given_l = family_r AND family_l = given_r"
INITIAL = (
    "(length(given_l) = 1 OR length(given_r) = 1) AND substr(given_l, 1, 1) = substr(given_r, 1, 1)"
)
# 12 March and 3 December: written the other way about.
DAY_MONTH = (
    "substr(born_l, 1, 4) = substr(born_r, 1, 4) AND substr(born_l, 5, 2) = substr(born_r, 7, 2) "
    "AND substr(born_l, 7, 2) = substr(born_r, 5, 2)"
)
ELSE = "ELSE"
# A model in which one person hardly ever writes the same thing twice has learnt noise.
LEAST_SAME = 0.2
LEAST_M = 0.0005
LEAST_U = 0.000001

COMPARISONS = (
    Comparison(
        "given",
        _missing("given"),
        (
            Level(_same("given"), 0.75, 0.004, rare="given"),
            Level(SWAPPED, 0.01, 0.00002),
            Level(_alike("given", 0.9), 0.1, 0.004),
            Level(INITIAL, 0.02, 0.005),
            Level(_alike("given", 0.75), 0.04, 0.02),
            Level(ELSE, 0.08, 0.967),
        ),
    ),
    Comparison(
        "family",
        # Swapped names are told by the given name; the family name would count them twice.
        f"({_missing('family')}) OR ({SWAPPED})",
        (
            Level(_same("family"), 0.8, 0.002, rare="family"),
            Level(_alike("family", 0.9), 0.1, 0.003),
            Level(_alike("family", 0.75), 0.04, 0.02),
            Level(ELSE, 0.06, 0.975),
        ),
    ),
    Comparison(
        "born",
        _missing("born"),
        (
            Level(_same("born"), 0.85, 0.0001, rare="born"),
            Level(_slips("born", 1), 0.07, 0.001),
            Level(DAY_MONTH, 0.01, 0.0003),
            Level("substr(born_l, 5, 4) = substr(born_r, 5, 4)", 0.01, 0.003),
            Level("substr(born_l, 1, 4) = substr(born_r, 1, 4)", 0.02, 0.012),
            Level(_slips("born", 2), 0.02, 0.02),
            Level(ELSE, 0.02, 0.9636),
        ),
    ),
    Comparison(
        "sex",
        _missing("sex"),
        (Level(_same("sex"), 0.97, 0.5), Level(ELSE, 0.03, 0.5)),
    ),
    Comparison(
        "postcode",
        _missing("postcode"),
        (
            Level(_same("postcode"), 0.7, 0.0004, rare="postcode"),
            Level(_slips("postcode", 1), 0.08, 0.002),
            Level(_same("sector"), 0.03, 0.01),
            Level(_same("outward"), 0.04, 0.03),
            Level(ELSE, 0.15, 0.9576),
        ),
    ),
    Comparison(
        "area",
        _missing("area"),
        (
            Level(_same("area"), 0.75, 0.02, rare="area"),
            Level(_alike("area", 0.88), 0.1, 0.01),
            Level(ELSE, 0.15, 0.97),
        ),
    ),
    Comparison(
        "address",
        _missing("address"),
        (
            Level(_same("address"), 0.65, 0.0005, rare="address"),
            Level(_alike("address", 0.9), 0.15, 0.002),
            Level(_alike("address", 0.75), 0.05, 0.02),
            Level(ELSE, 0.15, 0.9775),
        ),
    ),
    Comparison(
        # Never learnt: in a small file of many visits, two random rows are too often one person's.
        "nhs",
        _missing("nhs"),
        (
            Level(_same("nhs"), 0.98, 0.000001),
            Level(_slips("nhs", 1), 0.01, 0.0001),
            Level(ELSE, 0.01, 0.999899),
        ),
        learns=False,
    ),
)

# One key per blocking rule, as SQL over the cleaned columns. Tight keys first; the loose ones bring
# recall (measured on the historical set: .58 with tight keys alone, .83 with loose ones).
KEYS: Mapping[str, str] = {
    "k_nhs": "nhs",
    "k_names": "least(given, family) || '|' || greatest(given, family)",
    "k_born_family": "born || '|' || family_sound",
    "k_born_given": "born || '|' || given_sound",
    "k_post_family": "postcode || '|' || substr(family, 1, 2)",
    "k_post_given": "postcode || '|' || substr(given, 1, 2)",
    "k_post_year": "postcode || '|' || substr(born, 1, 4)",
    "k_sounds_year": "family_sound || '|' || given_sound || '|' || substr(born, 1, 4)",
    "k_sounds_day": "family_sound || '|' || substr(given, 1, 1) || '|' || substr(born, 5, 4)",
    "k_swap_born": "born || '|' || substr(least(given, family), 1, 3)",
    "k_address_given": "address || '|' || given_sound",
    "k_address_born": "address || '|' || born",
    "k_names_area": "area || '|' || family_sound || '|' || substr(given, 1, 1)",
    "k_given_out": "given || '|' || coalesce(outward, substr(postcode, 1, 3)) || '|' "
    "|| substr(family, 1, 1)",
    "k_postcode": "postcode",
    "k_born": "born",
    "k_family_born3": "substr(family, 1, 4) || '|' || substr(born, 1, 4)",
    "k_given_born3": "given || '|' || substr(born, 1, 6)",
    "k_family_given3": "family || '|' || substr(given, 1, 3)",
    "k_sounds": "family_sound || '|' || given_sound",
}
# Training needs blocks that leave other columns free to differ.
# Beside each capped key stand the columns that it is of, by which Splink sees what not to learn.
TRAINING = (
    ("k_born", "born"),
    ("k_names", "given", "family"),
    ("k_postcode", "postcode"),
    ("k_nhs", "nhs"),
)


def settings(present: Collection[str]) -> Settings:
    """Splink's settings over the cleaned columns that hold anything."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "node",
        "comparisons": [
            _comparison(comparison) for comparison in COMPARISONS if comparison.name in present
        ],
        "blocking_rules_to_generate_predictions": [equal(key) for key in KEYS],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "max_iterations": 20,
    }


def equal(*columns: str) -> str:
    """The rule that proposes pairs whose columns are all equal."""
    return " AND ".join(f"l.{column} = r.{column}" for column in columns)


def _comparison(comparison: Comparison) -> Settings:
    null = {"sql_condition": comparison.missing, "label_for_charts": "missing"}
    return {
        "output_column_name": comparison.name,
        "comparison_levels": [
            {**null, "is_null_level": True},
            *(_level(level, comparison.learns) for level in comparison.levels),
        ],
    }


def _level(level: Level, learns: bool) -> Settings:
    found: Settings = {
        "sql_condition": level.sql,
        "label_for_charts": level.sql,
        "m_probability": level.m,
        "u_probability": level.u,
    }
    if level.rare:
        found |= {"tf_adjustment_column": level.rare, "tf_adjustment_weight": 1.0}
    if not learns:
        found |= {"fix_m_probability": True, "fix_u_probability": True}
    return found


# Pairs that agree on these are taken to be one person when the prior is set; about this share of
# all pairs of one person do.
SURE = ("born", "given_sound", "family_sound")
SURE_RECALL = 0.6

# Field by field, twins and namesakes in one household look like one person written badly. Twins in
# one dataset, or of two sexes, are never joined; across datasets only much further evidence joins
# such a pair (an address, say, beside the postcode). An equal NHS number overrules.
_NO_NUMBER = "coalesce(nhs_l <> nhs_r, true)"
_OTHER_GIVEN = (
    "length(given_l) > 1 AND length(given_r) > 1 AND given_l <> family_r AND given_r <> family_l "
    "AND jaro_winkler_similarity(given_l, given_r) < 0.75 "
    "AND NOT starts_with(given_l, given_r) AND NOT starts_with(given_r, given_l)"
)
_TWINS = f"{_NO_NUMBER} AND family_l = family_r AND born_l = born_r AND {_OTHER_GIVEN}"
_NAMESAKES = (
    f"{_NO_NUMBER} AND substr(born_l, 1, 4) <> substr(born_r, 1, 4) "
    "AND substr(born_l, 5, 4) <> substr(born_r, 5, 4) AND damerau_levenshtein(born_l, born_r) > 2"
)
TWO_PEOPLE = f"({_TWINS}) AND (dataset_l = dataset_r OR coalesce(sex_l <> sex_r, false))"
DOUBT = 15.0
DOUBTED = f"coalesce({_TWINS}, false) OR coalesce({_NAMESAKES}, false)"
WEIGHT = (
    f"CASE WHEN coalesce({TWO_PEOPLE}, false) THEN '-inf'::DOUBLE "
    f"WHEN {DOUBTED} THEN match_weight - {DOUBT} ELSE match_weight END"
)
# At this many nodes what was learnt weighs as much as the defaults; a small file teaches little.
TRUST_SIZE = 2_000


# Fewer nodes teach nothing: how rare a name is among forty records says nothing of how rare it is.
LEAST_TO_LEARN = 500
COUNTY_PRIOR = 0.00001


def untaught(defaults: Settings) -> Settings:
    """The defaults as they are, with the prior of the county whose u they are."""
    comparisons = [
        {**part, "comparison_levels": [_plain(level) for level in part["comparison_levels"]]}
        for part in defaults["comparisons"]
    ]
    prior = {"probability_two_random_records_match": COUNTY_PRIOR}
    return {**defaults, **prior, "comparisons": comparisons}


def _plain(level: Settings) -> Settings:
    return {name: value for name, value in level.items() if not name.startswith("tf_")}


def sane(
    defaults: Settings, strangers: Settings, lessons: Sequence[Settings], count: int
) -> Settings:
    """The model of `count` nodes: u of `strangers`, m as the mean of the `lessons` about it.

    A comparison stays at its defaults where what was learnt of it is absurd.
    """
    prior = float(defaults["probability_two_random_records_match"])
    trust = count / (count + TRUST_SIZE)
    u = _learnt([strangers], "u_probability")
    m = _learnt(lessons, "m_probability")
    comparisons = [_sane(known, m, u, prior, trust) for known in defaults["comparisons"]]
    return {**defaults, "comparisons": comparisons}


def _learnt(lessons: Sequence[Settings], what: str) -> dict[tuple[str, str], float]:
    """The mean of what was learnt of each level, by its comparison and its condition."""
    found: dict[tuple[str, str], list[float]] = {}
    for lesson in lessons:
        for comparison in lesson["comparisons"]:
            for level in comparison["comparison_levels"]:
                if isinstance(value := level.get(what), int | float):
                    key = comparison["output_column_name"], level["sql_condition"]
                    found.setdefault(key, []).append(float(value))
    return {key: sum(values) / len(values) for key, values in found.items()}


Learnt = Mapping[tuple[str, str], float]


def _sane(known: Settings, m: Learnt, u: Learnt, prior: float, trust: float) -> Settings:
    name = known["output_column_name"]
    levels = [
        _merged(
            level,
            m.get((name, level["sql_condition"])),
            u.get((name, level["sql_condition"])),
            prior,
            trust,
        )
        for level in known["comparison_levels"]
    ]
    same, *_, other = [level for level in levels if not level.get("is_null_level")]
    absurd = (
        same["m_probability"] < max(LEAST_SAME, same["u_probability"])
        or other["m_probability"] > other["u_probability"]
    )
    return known if absurd else {**known, "comparison_levels": levels}


def _merged(
    level: Settings, m: float | None, u: float | None, prior: float, trust: float
) -> Settings:
    if level.get("is_null_level") or level.get("fix_m_probability"):
        return level
    default = level["m_probability"]
    same = default if m is None else trust * m + (1 - trust) * default
    other = level["u_probability"] if u is None else u
    # Of random pairs some are of one person after all, many in a small file of many visits.
    other = max(other - prior * same, other / 20, LEAST_U)
    same = min(max(same, LEAST_M), 0.9999)
    return {**level, "m_probability": same, "u_probability": min(other, 0.9999)}
