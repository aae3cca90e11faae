"""The small parts that `worlds` and `faults` make counties of."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.filters import All, Compare, Filter, Not
from commonthread.broker.rules.keys import Envelope
from commonthread.broker.rules.standing import Act, Deposit, Standing

LONDON = ZoneInfo("Europe/London")
TICK = timedelta(microseconds=1)
ZERO = "0" * 64
OWNERS = ("ash", "birch", "cedar", "elm")
SCHEMES = ("ico", "dspt", "plus")
COLUMNS = ("ref", "born", "place", "score")
FIRST, LAST = date(2026, 1, 5), date(2026, 4, 12)  # what begins, begins here; with 29 March
CORE, CORE_END = date(2026, 4, 20), date(2026, 9, 10)  # between, all is sound
LATE, LATEST = date(2026, 9, 20), date(2026, 12, 20)  # what ends, ends here; with 25 October


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def after(day: date) -> datetime:
    return midnight(day + timedelta(days=1))


def act(kind: str, partner: str, subject: str, at: datetime) -> Act:
    """An act that nobody signed."""
    return Act(Envelope(kind, subject, f"s.{partner}", partner, "because", ZERO), at, ZERO)


def contract(owner: str, id_: str, delivery: str, sources: tuple[str, ...]) -> Contract:
    columns = (
        Column("ref", "text"),
        Column("born", "date"),
        Column("place", "text", optional=True),
        Column("score", "integer"),
    )
    return Contract(
        owner, id_, "Data", "personal", delivery, ("ref",), columns, derived_from=sources
    )


def deposit(dataset: str, number: int, contract: str) -> Deposit:
    at = midnight(date(2026, 1, 2))
    return Deposit(dataset, number, f"{number:064x}", contract, ZERO, 10, 0, "e", at)


def a_filter() -> Filter:
    return All((Compare("score", ">", 3), Not(Compare("place", "=", "here"))))


def lineage(standing: Standing, dataset: str) -> set[str]:
    """The generator's own reading of it: only for who signs, so that sound is sound."""
    contract = standing.contracts[dataset]
    return {dataset}.union(*(lineage(standing, source) for source in contract.derived_from))
