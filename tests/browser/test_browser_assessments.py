"""Every page of an assessment in a real browser: by axe, at 320 px, without script.

Each leaves a picture in build/screenshots, so that people can look at them.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.assessed import (
    AT,
    LEAD,
    AssessedBroker,
    advise,
    approve,
    complete,
    decide,
    member,
    terms,
    world,
)
from tests.browser.looking import SIZES, Open, faults, overflow

from commonthread.gateway.assessing import advice
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import Assessment
from commonthread.web import pages

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AssessedBroker:
    made = world()
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture
def written(broker: AssessedBroker) -> Assessment:
    """Complete, and of a draft with care data."""
    officer = member(broker, "g.penn")
    return complete(broker, drafts.start(officer, terms(care=True), "blank", AT))


@pytest.fixture
def asked(broker: AssessedBroker, written: Assessment) -> Assessment:
    return advice.ask(written.id, broker.standing(), by=member(broker, "g.penn"), at=AT)


@pytest.fixture
def advised(broker: AssessedBroker, asked: Assessment) -> Assessment:
    for who in ("d.lane", "c.lowe"):
        advise(broker, asked, who, "supports-with-conditions")
    return asked


@pytest.fixture
def approved(broker: AssessedBroker, advised: Assessment) -> Assessment:
    decide(broker, advised)
    return approve(broker, advised)


def enter(page: Page, who: str) -> None:
    page.goto("/")
    page.get_by_role("button", name=f"Sign in as {who},").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements")


def sound(page: Page, axe: str, name: str) -> None:
    """Nothing for axe to say and nothing too wide at either size, with a picture of each."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=PICTURES / f"assessment-{name}-{size}.png", full_page=True)
        assert faults(page, axe) == []
        assert overflow(page) <= 0


@pytest.mark.parametrize("step", ["", "need", "consultation", "risks", "measures", "outcome"])
def test_what_its_authors_see(visit: Open, axe: str, written: Assessment, step: str) -> None:
    page = visit()
    enter(page, "g.penn")
    page.goto(f"/assessments/{written.id}/{step}{'/' if step else ''}")
    sound(page, axe, step or "tasks")


@pytest.mark.parametrize(
    ("who", "address"),
    [("c.lowe", "advice"), ("d.ashe", "decision"), ("g.penn", "ico"), ("n.crane", "counts")],
)
def test_what_the_others_see(
    visit: Open, axe: str, advised: Assessment, who: str, address: str
) -> None:
    page = visit()
    enter(page, who)
    page.goto(f"/assessments/{advised.id}/{address}/")
    sound(page, axe, address)


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_it_is_found_advised_on_and_approved_without_script(
    visit: Open, broker: AssessedBroker, asked: Assessment, size: str
) -> None:
    for who in ("d.lane", "c.lowe"):
        adviser = visit(size, script=False)
        enter(adviser, who)
        adviser.goto("/assessments/")
        adviser.get_by_role("link", name="Calls for planning").click()
        adviser.get_by_role("button", name="Read the whole and advise").click()
        adviser.get_by_label("Your advice").select_option(label="I support it")
        adviser.get_by_label("What it rests on").fill("We looked.")
        adviser.get_by_role("button", name="Advise", exact=True).click()
        expect(adviser.get_by_text("Supports it").first).to_be_visible()
    director = visit(size, script=False)
    enter(director, "d.ashe")
    director.goto(f"/assessments/{asked.id}/")
    director.get_by_role("button", name="Read the whole, decide and approve").click()
    director.get_by_label("Data protection officers’ advice").select_option(
        label="The advice is accepted"
    )
    director.get_by_role("button", name="Record the decision").click()
    director.get_by_role("button", name=f"Approve it for {LEAD.title()}").click()
    expect(director.get_by_text("Approved", exact=True).first).to_be_visible()
    assert broker.standing().dpias


def list_page(page: Page, approved: Assessment) -> None:
    page.goto("/assessments/")


def approved_page(page: Page, approved: Assessment) -> None:
    page.goto(f"/assessments/{approved.id}/")
    expect(page.get_by_role("button", name="Copy its risks into the draft")).to_be_visible()


def of_the_draft(page: Page, approved: Assessment) -> None:
    page.goto(f"/drafts/{approved.draft_id}/assessment/")
    expect(page.get_by_role("button", name="Assess it anew from DPIA-2027-001")).to_be_visible()


@pytest.mark.parametrize(
    "place", [list_page, approved_page, of_the_draft], ids=lambda place: place.__name__
)
def test_an_approved_one(
    visit: Open, axe: str, approved: Assessment, place: Callable[[Page, Assessment], None]
) -> None:
    page = visit()
    enter(page, "g.penn")
    place(page, approved)
    sound(page, axe, place.__name__)


def test_one_drawing_of_the_matrix_is_seen_and_can_be_read(
    visit: Open, written: Assessment
) -> None:
    for size in SIZES:
        page = visit(size, script=False)
        enter(page, "g.penn")
        page.goto(f"/assessments/{written.id}/measures/")
        drawings = page.get_by_role("img", name="Risk matrix")
        expect(drawings).to_have_count(1)
        expect(drawings).to_have_class(f"ct-drawing ct-drawing--{size}")
        cut = drawings.evaluate(
            """svg => { const room = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
              const it = text.getBoundingClientRect();
              return it.left < room.left - 1 || it.right > room.right + 1 || it.height < 10;
            }).map(text => text.textContent); }"""
        )
        assert cut == []
