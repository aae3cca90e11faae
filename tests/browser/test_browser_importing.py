"""An old agreement beside a draft in a real browser: by axe, at 320 px, without script.

Each page leaves a picture in build/screenshots, so that people can look at them.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests import old_agreements as old
from tests.assessed import AT, AssessedBroker, member, terms, world
from tests.browser.looking import SIZES, Open, faults, overflow

from commonthread.gateway.drafting import drafts
from commonthread.gateway.importing import imports
from commonthread.gateway.models import LEFT_OUT, Draft, ImportedText
from commonthread.web import pages

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AssessedBroker:
    made = world()
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture
def draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(), "blank", AT)


@pytest.fixture
def text(broker: AssessedBroker, draft: Draft) -> ImportedText:
    """One clause mapped and copied, one left out, the others as they came."""
    officer = member(broker, "g.penn")
    name = "Old agreement.txt"
    made = imports.bring_in(draft.id, name, old.old_text(), by=officer, at=AT)
    for number, section, reason in ((5, "statement-breach", ""), (6, LEFT_OUT, "No costs.")):
        word = imports.seen_word(made.clauses.get(number=number))
        chosen = {number: imports.Choice(section, reason, word)}
        assert imports.map_clauses(made.pk, chosen, by=officer, at=AT) == {}
    imports.copy(made.pk, 5, by=officer, at=AT)
    return made


def enter(page: Page, who: str) -> None:
    page.goto("/")
    page.get_by_role("button", name=f"Sign in as {who},").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements")


def sound(page: Page, axe: str, name: str) -> None:
    """Nothing for axe to say and nothing too wide at either size, with a picture of each."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=PICTURES / f"importing-{name}-{size}.png", full_page=True)
        assert faults(page, axe) == []
        assert overflow(page) <= 0


def test_the_pages_have_no_fault_and_fit(
    visit: Open, axe: str, draft: Draft, text: ImportedText
) -> None:
    page = visit()
    enter(page, "g.penn")
    page.goto(f"/drafts/{draft.id}/")
    page.get_by_role("link", name="Bring in an existing agreement").click()
    sound(page, axe, "1-bring")
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a file")
    sound(page, axe, "2-missing")
    page.get_by_role("link", name="Old agreement.txt").click()
    sound(page, axe, "3-beside")
    page.get_by_text("Rights, security and other clauses (1)").click()
    page.get_by_text("About this text").click()
    sound(page, axe, "4-opened")
    page.get_by_label("Where it belongs (clause 4)").select_option(label="Left out, because …")
    page.get_by_role("button", name="Save where they belong").click()
    expect(page.get_by_role("alert")).to_contain_text("Clause 4: Say why")
    sound(page, axe, "5-asked")


def test_a_reader_sees_the_clauses(visit: Open, axe: str, draft: Draft, text: ImportedText) -> None:
    page = visit("narrow")
    enter(page, "d.ashe")
    page.goto(f"/drafts/{draft.id}/existing/{text.pk}/")
    expect(page.get_by_role("heading", name="Its clauses")).to_be_visible()
    sound(page, axe, "6-read")


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_an_agreement_is_brought_in_mapped_and_copied_without_script(
    visit: Open, draft: Draft, size: str, tmp_path: Path
) -> None:
    file = tmp_path / "In the drawer.docx"
    file.write_bytes(old.old_word())
    page = visit(size, script=False)
    enter(page, "g.penn")
    page.goto(f"/drafts/{draft.id}/existing/")
    page.get_by_label("The agreement").set_input_files(file)
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("In the drawer.docx")
    expect(page.get_by_text("6 of 6 clauses are not mapped yet.")).to_be_visible()
    where = page.get_by_label("Where it belongs (clause 5)")
    where.focus()
    where.select_option(label="Breaches")
    page.get_by_role("button", name=re.compile(r"copy its text.*clause 5")).press("Enter")
    expect(page.get_by_text("5 of 6 clauses are not mapped yet.")).to_be_visible()
    draft.refresh_from_db()
    held: Any = draft.terms["statement"]
    assert held == [{"section": "breach", "text": f"{old.OLD[8]}\n{old.OLD[9]}"}]
    page.get_by_role("button", name=re.compile(r"Take out.*clause 5")).click()
    draft.refresh_from_db()
    assert "statement" not in draft.terms
