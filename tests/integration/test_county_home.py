"""The county as its partners would use it: built, signed, deposited, asked; no canary comes out."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.processes import Run

from commonthread.broker.access import Broker, Request, Sql, create_home
from commonthread.broker.records import close_ledgers
from commonthread.cli.demo_drafts import negotiate
from commonthread.cli.demo_home import county_files, deposit, take
from commonthread.county import governance
from commonthread.county.build import Built, build
from commonthread.county.records import PLANS
from commonthread.county.settings import Settings
from commonthread.gateway.drafting import comments
from commonthread.gateway.drafting.sections import read
from commonthread.gateway.models import NEGOTIATING

SIZE = Settings(residents=2_000, weeks=2)
SCHOOLS = ("ISA-2026-060", "school-planning", "a.reed")
BIRTHS = ("ISA-2026-050", "birth-notification", "v.ross")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(SIZE, tmp_path_factory.mktemp("county") / "made")


@pytest.fixture
def broker(county: Built, tmp_path: Path) -> Iterator[Broker]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = create_home(home, demo=True, origin="test.example/ledger")
    take(made, county.folder / "governance", governance.signatures())
    yield made
    made.close()
    close_ledgers()


@pytest.mark.django_db(transaction=True)
def test_a_county_is_taken_deposited_and_asked(broker: Broker, county: Built) -> None:
    deposit(broker, county_files(county.folder))
    deposits = broker.standing().deposits
    for plan in PLANS:
        name = f"{plan.owner}/{plan.id}"
        newest = deposits[name][-1]
        assert (newest.rows, newest.quarantined) == (county.rows[name], 0), name
        assert len(deposits[name]) == (1 + SIZE.weeks if plan.delivery == "changes" else 1)
    counted = ask(broker, SCHOOLS, "select year_group, count(*) n from pupils group by 1")
    assert sum(int(row["n"]) for row in counted) == pytest.approx(280, abs=140)
    babies = ask(broker, BIRTHS, "select * from new_births")
    assert babies
    assert "CANARY" not in repr(babies)
    assert "Zz" not in repr(babies)
    in_force = {each.reference for each in broker.agreements() if each.in_force}
    assert {"ISA-2026-014", "ISA-2026-080", governance.CHARTER} <= in_force
    assert not {"ISA-2026-041", "ISA-2026-070"} & in_force


@pytest.mark.django_db(transaction=True)
def test_a_negotiation_is_under_way(broker: Broker) -> None:
    draft = negotiate(broker)
    reading = read(draft.terms)
    assert draft.state == NEGOTIATING
    assert reading.terms is not None
    assert {party.partner for party in reading.terms.parties} > {"hereward-fire", "severn-acute"}
    kinds = sorted(draft.comments.values_list("kind", flat=True))
    assert kinds == ["comment", "comment", "suggestion"]
    says = {one.partner: one.says for one in comments.waiting(draft)}
    assert says["hereward-fire"] == "content"
    assert says["severn-acute"] == ""
    assert "ISA-2027-003" not in broker.standing().agreements


def ask(broker: Broker, who: tuple[str, str, str], sql: str) -> list[dict[str, object]]:
    reference, purpose, member = who
    with broker.read(Request(member, Sql(sql), reference, purpose)) as answer:
        return answer.rows()


def test_a_county_is_built_by_the_command(commands: Callable[[Path], Run], tmp_path: Path) -> None:
    run = commands(tmp_path)
    made = run("county", "build", "--residents", "2000", "--weeks", "0", "--out", "made", "--json")
    rows = made.json()["rows"]
    with (tmp_path / "made/datasets/wychshire/telecare.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rows["wychshire/telecare"]
    assert "--residents" in run(*["county", "build", "--residents", "7", "--out", "x"], code=2).err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    refused = run(*["county", "build", "--residents", "2000", "--out", "other"], code=2).err
    assert "not a county" in refused
