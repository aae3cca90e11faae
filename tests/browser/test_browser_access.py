"""Every page of personal access in a real browser: by axe, at 320 px, without script.

Each leaves a picture in build/screenshots, so that people can look at them.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.asked_access import (
    ASKER,
    GRANTER,
    JUDGE,
    MANAGER,
    REFERENCE,
    REVIEWER,
    TRAINER,
    AskedBroker,
    approve,
    asked,
    confirm,
    grant,
    ready,
    world,
)
from tests.browser.looking import SIZES, Open, faults, overflow

from commonthread.gateway.models import AccessRequest
from commonthread.web import pages
from commonthread.web.access import pages as access_pages

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AskedBroker:
    made = world()
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    monkeypatch.setattr(access_pages, "now", lambda: made.at)
    return made


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
        page.screenshot(path=PICTURES / f"access-{name}-{size}.png", full_page=True)
        assert faults(page, axe) == []
        assert overflow(page) <= 0


def test_asking(visit: Open, axe: str, broker: AskedBroker) -> None:
    page = visit()
    enter(page, ASKER)
    page.goto(f"/agreements/{REFERENCE}/")
    page.get_by_text("Why it is not open to you").first.click()
    page.get_by_role("link", name="Ask for access").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask for access")
    sound(page, axe, "new")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Enter until when you need it")
    sound(page, axe, "new-wrong")


@pytest.mark.parametrize(
    ("who", "act"), [(MANAGER, "approve"), (TRAINER, "training"), (GRANTER, "refuse")]
)
def test_the_first_steps(visit: Open, axe: str, broker: AskedBroker, who: str, act: str) -> None:
    made, page = asked(broker), visit()
    enter(page, who)
    page.goto(f"/access/{made.id}/{act}/")
    sound(page, axe, act)


@pytest.mark.parametrize(("who", "act"), [(JUDGE, "judge"), (GRANTER, "grant")])
def test_the_owners_steps(visit: Open, axe: str, broker: AskedBroker, who: str, act: str) -> None:
    made, page = ready(broker), visit()
    enter(page, who)
    page.goto(f"/access/{made.id}/{act}/")
    sound(page, axe, act)


def test_the_list_and_one_request(visit: Open, axe: str, broker: AskedBroker) -> None:
    made, page = ready(broker), visit()
    approve(broker, asked(broker, "trained"))
    enter(page, JUDGE)
    page.goto("/access/")
    expect(page.get_by_role("heading", name="Waits for you")).to_be_visible()
    sound(page, axe, "all")
    page.goto(f"/access/{made.id}/")
    sound(page, axe, "request")


def test_a_review(visit: Open, axe: str, broker: AskedBroker) -> None:
    made, page = ready(broker), visit()
    grant(broker, made)
    ended = confirm(broker, made)
    assert ended.ends
    broker.county.at = ended.ends
    enter(page, REVIEWER)
    page.goto(f"/access/{made.id}/review/")
    sound(page, axe, "review")


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_it_is_granted_and_opened_without_script(
    visit: Open, broker: AskedBroker, size: str
) -> None:
    made = ready(broker)
    for who, title in ((GRANTER, "Grant it"), (TRAINER, "Sign the training")):
        page = visit(size, script=False)
        enter(page, who)
        page.goto("/access/")
        page.get_by_role("link", name=f"{ASKER}: both of {REFERENCE}").first.click()
        page.get_by_role("button", name=title).click()
        page.get_by_role("button", name=title).click()
        expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    assert AccessRequest.objects.get(id=made.id).state == "granted"
    assert broker.opens(ASKER, "both")
