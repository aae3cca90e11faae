"""An agreement from a blank page to its last signature, in a real browser, by two partners.

Each step leaves a picture in build/screenshots, so that people can look at the story.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.looking import Open, faults, overflow
from tests.homes import OTHER_SIGNATORY, OWNER, READER, REFERENCE, SIGNATORY, small_home

from commonthread.broker.access import Broker, Document
from commonthread.broker.records import close_ledgers

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
NAMES = {
    "g.penn": "Officer of the county",
    "p.crewe": "Officer of the district",
    SIGNATORY: "S",
    OTHER_SIGNATORY: "O",
}


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=40)
    officers = [
        {"id": id_, "name": NAMES[id_], "partner": partner, "roles": ["governance-officer"]}
        for id_, partner in (("g.penn", OWNER), ("p.crewe", READER))
    ]
    made.apply([Document("officers.toml", {"member": officers})])
    yield made
    made.close()
    close_ledgers()


def enter(page: Page, member: str) -> None:
    page.goto("/")
    page.locator(f'button[name="member"][value="{member}"]').click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements")


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"drafts-{name}.png", full_page=True)


def sound(page: Page, axe: str, name: str) -> None:
    """Nothing for axe to say, nothing wider than the window, and a picture of it."""
    picture(page, name)
    assert faults(page, axe) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_an_agreement_is_written_negotiated_and_signed(
    broker: Broker, visit: Open, axe: str, size: str
) -> None:
    lead = visit(size)
    enter(lead, "g.penn")
    lead.get_by_role("link", name="Drafts").click()
    sound(lead, axe, f"{size}-1-none")
    lead.get_by_role("button", name="Start a draft").click()
    sound(lead, axe, f"{size}-2-start")
    lead.get_by_label(f"Like {REFERENCE}").check()
    lead.get_by_role("button", name="Start").click()
    sound(lead, axe, f"{size}-3-tasks")

    lead.get_by_role("link", name="About the agreement").click()
    lead.get_by_label("Reference").fill("ISA-2027-010")
    lead.get_by_label("Title").fill("Calls, to plan the winter")
    expect(lead.get_by_role("status")).to_have_text(re.compile("Saved at"))
    sound(lead, axe, f"{size}-4-about")
    lead.get_by_role("button", name="Save and go back").click()
    lead.get_by_role("link", name="What is shared").click()
    sound(lead, axe, f"{size}-5-data")
    lead.get_by_role("link", name="counted", exact=True).click()
    expect(lead.get_by_text("Every value below is invented")).to_be_visible()
    sound(lead, axe, f"{size}-6-grant")
    lead.get_by_role("button", name="Save and go back").click()
    lead.get_by_role("link", name="Back").or_(lead.locator(".govuk-back-link")).first.click()
    lead.get_by_role("button", name="Let the parties read it").click()

    other = visit("narrow")
    enter(other, "p.crewe")
    other.get_by_role("link", name="Drafts").click()
    other.get_by_role("link", name="Calls, to plan the winter").click()
    other.get_by_role("link", name="Purposes").click()
    other.get_by_label("What the data is used for").fill("Plan the winter, and nothing else.")
    other.get_by_label("Why you suggest these changes").fill("Plan. is too wide for us.")
    other.get_by_role("button", name="Suggest what stands above").click()
    sound(other, axe, f"{size}-7-suggested")

    lead.reload()
    lead.get_by_role("link", name="Purposes").click()
    expect(lead.get_by_text("Plan. is too wide for us.")).to_be_visible()
    lead.get_by_role("button", name="Accept the suggestion").click()
    expect(lead.get_by_label("What the data is used for")).to_have_value(
        "Plan the winter, and nothing else."
    )
    other.get_by_role("link", name="Calls, to plan the winter").click()
    other.get_by_role("button", name=f"{READER} is content with it as it stands").click()
    sound(other, axe, f"{size}-8-content")

    lead.locator(".govuk-back-link").click()
    lead.get_by_role("link", name="Compare versions").click()
    sound(lead, axe, f"{size}-9-compare")
    lead.locator(".govuk-back-link").click()
    lead.get_by_role("link", name="Read the whole").click()
    sound(lead, axe, f"{size}-10-check")
    lead.get_by_label("Offer it although not everybody is content").check()
    lead.get_by_role("button", name="Offer it for signature").click()
    expect(lead.get_by_role("heading", level=1)).to_contain_text("Calls, to plan the winter")
    assert set(broker.status("ISA-2027-010").unsigned) == {OWNER, READER}


def test_a_draft_is_written_without_script(broker: Broker, visit: Open) -> None:
    page = visit("narrow", script=False)
    enter(page, "g.penn")
    page.goto("/drafts/new/")
    page.get_by_label("A blank agreement").check()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="Purposes").click()
    page.get_by_label("Short name").fill("planning")
    page.get_by_role("button", name="Add another purpose").click()
    expect(page.get_by_role("group", name="Purpose 2")).to_be_visible()
    page.get_by_role("button", name="Save and go back").click()
    expect(page.locator("#done")).to_contain_text("0 of 9 sections completed")
    page.get_by_role("link", name="Purposes").click()
    expect(page.get_by_label("Short name")).to_have_value("planning")
