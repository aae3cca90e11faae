"""Every hostile question, put to the county through the whole broker: no canary comes out.

The corpus and the grammar speak of `person`, `hidden_src` and `nhs_no`; here those are a granted
table of births, a dataset that the member has no grant over, and the column that nobody has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.hostile import CANARY, Grammar

from commonthread.broker.access import BadInput, Broker, Refused, Request, Sql, create_home
from commonthread.broker.records import close_ledgers
from commonthread.cli.demo_home import county_files, deposit, take
from commonthread.county import governance
from commonthread.county.build import Built, build
from commonthread.county.settings import Settings

pytestmark = pytest.mark.django_db(transaction=True)
WHO, UNDER, PURPOSE = "v.ross", "ISA-2026-050", "birth-notification"
NAMES = {
    "person": "new_births",
    "hidden_src": "deaths",
    "nhs_no": "note",
    "person_id": "mother_postcode",
    "surname": "child_family_name",
    "district": "mother_family_name",
    "sex": "child_given_names",
    "dob": "born",
    "k": "mother_given_name",
}
WORD = re.compile(rf"\b({'|'.join(NAMES)})\b", re.IGNORECASE)
# A canary's family name, or a note's mark with its row: an attacker's own text has neither.
LEAK = re.compile(rf"{CANARY}-|\bZz[a-z]{{6}}\b")


@pytest.fixture
def county(tmp_path: Path) -> Built:
    """With so many canaries that births are among them."""
    return build(Settings(residents=2_000, weeks=0, canaries=400), tmp_path / "county")


@pytest.fixture
def broker(county: Built, tmp_path: Path) -> Iterator[Broker]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    made = create_home(home, demo=True, origin="test.example/ledger")
    take(made, county.folder / "governance", governance.signatures())
    wanted = ("registration/births", "registration/deaths")
    deposit(made, [each for each in county_files(county.folder) if each[0] in wanted])
    yield made
    made.close()
    close_ledgers()


def said(broker: Broker, sql: str) -> tuple[str, bool]:
    """All that the member gets to see of a question, and whether it was answered."""
    try:
        with broker.read(Request(WHO, Sql(sql), UNDER, PURPOSE)) as answer:
            return repr(answer.rows()) + repr(answer.columns), True
    except (Refused, BadInput) as error:
        return str(error), False


def questions(shared: Path, folder: Path, generated: int) -> Iterator[str]:
    for attack in json.loads((shared / "attacks" / "queries.json").read_text()):
        yield attack["sql"].replace("{D}", str(folder))
    for seed in range(generated):
        yield Grammar(seed).statement()


def test_no_canary_comes_out_of_the_county(
    broker: Broker,
    county: Built,
    shared: Path,
    tmp_path: Path,
    scale: Callable[[int, int], int],
) -> None:
    births = (county.folder / "datasets" / "registration" / "births.csv").read_text()
    assert LEAK.search(births)
    assert "Zz" in births
    (tmp_path / "secret.txt").write_text(f"{CANARY}-file")
    answered = 0
    for question in questions(shared, tmp_path, scale(150, 100_000)):
        sql = WORD.sub(lambda found: NAMES[found.group().lower()], question)
        seen, passed = said(broker, sql)
        answered += passed
        assert not LEAK.search(seen), sql
    # A broker that refuses everything would pass as well.
    assert answered
    ordinary, passed = said(broker, "select * from new_births order by born")
    assert passed
    assert "mother_postcode" in ordinary
    assert not LEAK.search(ordinary)
