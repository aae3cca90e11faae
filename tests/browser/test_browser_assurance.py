"""The pages of assurance in a real browser: by axe, at 320 px, without script, on paper.

The pictures lie in build/screenshots, for people to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.looking import SIZES, Open, faults, overflow
from tests.stand_in_broker import StandInBroker, stand_in

from commonthread.broker.rules.facts import CHARTER
from commonthread.broker.rules.standing import OFFICER
from commonthread.gateway.post import outbox
from commonthread.web import pages

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
OFFICER_ID, COUNCIL, HOSPITAL = "g.penn", "wychshire", "severn-acute"


@pytest.fixture
def broker(
    shared: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> StandInBroker:
    """One partner's fee has lapsed, another's toolkit ends soon, a new charter waits for two."""
    settings.HOME = tmp_path
    made = stand_in(shared / "examples" / "first-county")
    made.county.add_member(OFFICER_ID, COUNCIL, roles=[OFFICER])
    known = made.county.standing.charters["CHARTER-2026"]
    made.county.add(CHARTER, replace(known, version=2).to_plain())
    made.county.accede(HOSPITAL)
    today = datetime.now(UTC).date()
    soon, gone = today.replace(year=today.year + 1), today.replace(year=today.year - 1)
    partners = made.county.standing.partners
    for id_, last in ((HOSPITAL, gone), ("saltbridge", soon)):
        held = tuple(replace(one, expires=last) for one in partners[id_].credentials)
        partners[id_] = replace(partners[id_], credentials=held)
    outbox.queue("k", OFFICER_ID, "ICO fee: 7 days left", "Renew it.", datetime.now(UTC))
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


def at(address: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.get_by_role("button", name=f"Sign in as {OFFICER_ID}").click()
        page.goto(address)

    return go


def refused_check(page: Page) -> None:
    at(f"/assurance/{COUNCIL}/")(page)
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


PLACES = {
    "grid": at("/assurance/"),
    "filtered": at("/assurance/?state=lapsed"),
    "partner": at(f"/assurance/{COUNCIL}/"),
    "lapsed": at(f"/assurance/{HOSPITAL}/"),
    "refused-check": refused_check,
    "charter": at("/charter/"),
    "outbox": at("/outbox/"),
    "account": at("/account/"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_page_has_no_fault_and_fits(visit: Open, axe: str, name: str) -> None:
    page = visit()
    PLACES[name](page)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=PICTURES / f"assurance-{name}-{size}.png", full_page=True)
        assert faults(page, axe) == []
        assert overflow(page) <= 0


def test_every_page_works_without_script(visit: Open) -> None:
    page = visit("narrow", script=False)
    PLACES["grid"](page)
    for address in ("/assurance/?state=lapsed", f"/assurance/{COUNCIL}/", "/charter/", "/outbox/"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert overflow(page) <= 0
    page.goto("/account/")
    page.get_by_label("E-mail address").fill("me@example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("E-mail address")).to_have_value("me@example.org")


def test_a_check_is_written_down_without_script_on_a_telephone(visit: Open, tmp_path: Path) -> None:
    page = visit("narrow", script=False)
    at(f"/assurance/{COUNCIL}/")(page)
    page.get_by_label("Credential", exact=True).select_option("ico-registration")
    page.get_by_label("What it covers").fill("The whole council")
    certificate = tmp_path / "fee.pdf"
    certificate.write_bytes(b"%PDF-1.7")
    page.get_by_label("Evidence").set_input_files(certificate)
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("link", name="fee.pdf")).to_be_visible()


def test_the_partners_stay_in_sight_when_the_grid_is_scrolled(visit: Open) -> None:
    page = visit("narrow")
    at("/assurance/")(page)
    name = page.get_by_role("rowheader").first
    before = name.bounding_box()
    page.get_by_role("region", name="Partners and their credentials").evaluate(
        "it => it.scrollLeft = 200"
    )
    after = name.bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] == pytest.approx(before["x"], abs=1)
