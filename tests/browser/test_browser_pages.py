"""The pages in a real browser: wide, at 320 px, without script, by keyboard, on paper, by axe."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.looking import SIZES, Open, faults, overflow
from tests.stand_in_broker import CARE, FALLS, StandInBroker, stand_in, write_county

from commonthread.broker.rules.canonical import canonical_bytes
from commonthread.web import documents, pages
from commonthread.web.jobs import Jobs

ANALYST = "Analyst, office of data analytics"
CARER = "Telecare team lead"
DOCTOR = "Medical Director"
DIRECTOR = "Director of Commissioning"
FOREVER = "SELECT count(*) AS forever FROM telecare_over_65"
DEVICES = "SELECT device, count(*) AS records FROM telecare_over_65 GROUP BY device"

# What somebody holds and hands in: the terms of an agreement in force.
HELD: list[bytes] = []


@pytest.fixture
def broker(shared: Path, monkeypatch: pytest.MonkeyPatch) -> StandInBroker:
    made = stand_in(shared / "examples" / "first-county")
    for module in (pages, documents):
        monkeypatch.setattr(module, "open_broker", lambda: made)
    HELD[:] = [canonical_bytes(made.terms(FALLS).to_plain())]
    return made


@pytest.fixture(autouse=True)
def county(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    """A synthetic county in the home that is served."""
    settings.HOME = tmp_path / "with-county"
    write_county(settings.HOME)


@pytest.fixture
def draft(broker: StandInBroker) -> None:
    """A second version of an agreement in force waits for signatures."""
    changed = replace(broker.terms(FALLS), version=2, ends=date(2034, 6, 30))
    broker.county.propose(changed)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made = Jobs()
    monkeypatch.setattr("commonthread.web.queries.JOBS", made)
    yield
    for key in list(made._jobs):
        made.drop(key)


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Sign in as {name}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements")


def run(page: Page, sql: str) -> None:
    page.goto("/query/")
    page.get_by_label("Your query in SQL").fill(sql)
    page.get_by_role("button", name="Run").click()


def start(page: Page) -> None:
    page.goto("/")


def agreements(page: Page) -> None:
    sign_in(page, DOCTOR)


def agreement(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto(f"/agreements/{FALLS}/")


def not_in_force(page: Page) -> None:
    withdraw_form(page)
    page.get_by_label("Reason").fill("The grounds have gone")
    page.get_by_role("button", name="Withdraw for").click()
    expect(page.get_by_text("Not in force").first).to_be_visible()


def charter(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/agreements/CHARTER-2026/")


def withdraw_form(page: Page) -> None:
    sign_in(page, DOCTOR)
    page.goto(f"/agreements/{FALLS}/withdraw/")


def withdraw_without_reason(page: Page) -> None:
    withdraw_form(page)
    page.get_by_role("button", name="Withdraw for").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def query(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/query/")


def empty_query(page: Page) -> None:
    query(page)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def nothing_open(page: Page) -> None:
    sign_in(page, DOCTOR)
    page.goto("/query/")


def look_up(page: Page) -> None:
    sign_in(page, CARER)
    page.goto("/query/lookup/")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def running(page: Page) -> None:
    sign_in(page, ANALYST)
    run(page, FOREVER)
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def answer(page: Page) -> None:
    sign_in(page, ANALYST)
    run(page, DEVICES)
    expect(page.get_by_role("table", name="Answer under")).to_be_visible()


def refused(page: Page) -> None:
    sign_in(page, ANALYST)
    run(page, "SELECT * FROM housing_register")
    expect(page.get_by_role("heading", level=1)).to_have_text("Refused")


def faulty(page: Page) -> None:
    sign_in(page, ANALYST)
    run(page, "SELEC")
    expect(page.get_by_role("heading", level=1)).to_have_text("The query cannot be taken")


def ended(page: Page) -> None:
    running(page)
    page.get_by_role("button", name="Withdraw Severn Acute").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ended", timeout=10_000)


def ledger(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/ledger/")


def cannot(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto(f"/agreements/{FALLS}/withdraw/")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"You cannot withdraw from {FALLS}")


def verified(page: Page) -> None:
    ledger(page)
    page.get_by_role("button", name="Verify the ledger").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The ledger verifies")


def not_found(page: Page) -> None:
    page.goto("/nothing/")


def drawn(page: Page, word: str) -> None:
    sign_in(page, ANALYST)
    run(page, f"SELECT {word} FROM telecare_over_65")
    expect(page.get_by_role("table", name="Answer under")).to_be_visible()
    expect(page.locator(".ct-chart svg")).to_be_visible()


def line_chart(page: Page) -> None:
    drawn(page, "monthly")


def grouped_chart(page: Page) -> None:
    drawn(page, "crossed")


def datasets(page: Page) -> None:
    sign_in(page, ANALYST)
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Datasets")


def dataset(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/datasets/wychshire/telecare/")
    expect(page.get_by_text("Only a data engineer of")).to_be_visible()


def own_dataset(page: Page) -> None:
    sign_in(page, "Data engineer")
    page.goto("/datasets/wychshire/telecare/")
    expect(page.get_by_role("heading", name="Quality of deposit 1")).to_be_visible()


def registers(page: Page) -> None:
    sign_in(page, ANALYST)
    page.get_by_role("link", name="Registers").click()
    expect(page.get_by_role("link", name="terms-schema.json")).to_be_visible()


def public_register(page: Page) -> None:
    """As somebody finds it who has not signed in."""
    page.get_by_role("link", name="Agreements to share data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements to share data")


def the_county(page: Page) -> None:
    page.get_by_role("link", name="See the county").click()
    expect(page.get_by_role("heading", name="The answer key")).to_be_visible()


def check_document(page: Page) -> None:
    page.goto("/check-a-document/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check a document")


def hand_in(page: Page, content: bytes) -> None:
    check_document(page)
    file = {"name": "terms.json", "mimeType": "application/json", "buffer": content}
    page.get_by_label("The document").set_input_files(files=[file])  # type: ignore[list-item]
    page.get_by_role("button", name="Check").click()


def check_nothing(page: Page) -> None:
    check_document(page)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def checked_in_force(page: Page) -> None:
    hand_in(page, HELD[0])
    expect(page.get_by_role("heading", level=1)).to_have_text("In force")


def checked_something_else(page: Page) -> None:
    hand_in(page, b"hello")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not the one in force")


def found_nothing(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/agreements/?q=nonesuch&state=in-force&sort=ends")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def saved_views(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/agreements/views/?q=falls&state=in-force")
    page.get_by_label("Name").fill("Falls")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Falls")).to_be_visible()


def summary(page: Page) -> None:
    sign_in(page, DOCTOR)
    page.goto(f"/agreements/{FALLS}/summary/")


def timeline(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto(f"/agreements/{FALLS}/timeline/")


def duties(page: Page) -> None:
    sign_in(page, DIRECTOR)
    page.goto(f"/agreements/{FALLS}/duties/")
    page.get_by_text("Attest that it is done").first.click()
    page.get_by_role("button", name="Attest for").first.click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def flows(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto("/flows/")


def flows_of_one(page: Page) -> None:
    sign_in(page, ANALYST)
    page.goto(f"/flows/?agreement={FALLS}")
    expect(page.get_by_role("heading", name="The grants one by one")).to_be_visible()


def asking(page: Page) -> None:
    """Recorded on the page itself; the list has it then."""
    sign_in(page, DIRECTOR)
    page.goto("/refusals/new/")
    page.get_by_label("Who asks").select_option("severn-acute")
    page.get_by_label("Who is asked").select_option("wychshire")
    page.get_by_label("What is asked for").fill("Telecare by street")
    page.get_by_label("What it is for").fill("To plan rounds")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("heading", name="Answer")).to_be_visible()


def asking_without_reason(page: Page) -> None:
    asking(page)
    page.get_by_label("Answer", exact=True).select_option("refused")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()


def askings(page: Page) -> None:
    asking(page)
    page.goto("/refusals/")


PLACES = [
    start,
    agreements,
    agreement,
    not_in_force,
    charter,
    withdraw_form,
    withdraw_without_reason,
    query,
    empty_query,
    nothing_open,
    look_up,
    running,
    answer,
    refused,
    faulty,
    ended,
    ledger,
    verified,
    not_found,
    cannot,
    line_chart,
    grouped_chart,
    datasets,
    dataset,
    own_dataset,
    registers,
    public_register,
    the_county,
    check_document,
    check_nothing,
    checked_in_force,
    checked_something_else,
    found_nothing,
    saved_views,
    summary,
    timeline,
    duties,
    flows,
    flows_of_one,
    asking,
    asking_without_reason,
    askings,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_page_has_no_fault_and_fits(visit: Open, axe: str, place: Callable[[Page], None]) -> None:
    page = visit()
    place(page)
    assert page.title().endswith("– commonthread")
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert faults(page, axe) == []
        assert overflow(page) <= 0


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_page_works_without_script(visit: Open, place: Callable[[Page], None]) -> None:
    page = visit("narrow", script=False)
    place(page)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize(
    "address",
    [
        "",
        f"{FALLS}/",
        f"{FALLS}/draft/",
        f"{FALLS}/sign/",
        f"{FALLS}/summary/",
        f"{FALLS}/decline/",
        f"{FALLS}/delegate/",
    ],
)
def test_a_draft_has_no_fault_and_fits(visit: Open, axe: str, address: str) -> None:
    page = visit()
    sign_in(page, DOCTOR)
    page.goto(f"/agreements/{address}")
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert faults(page, axe) == []
        assert overflow(page) <= 0


@pytest.mark.parametrize("address", ["/query/", "/query/lookup/"])
def test_why_nothing_is_open_has_no_fault_and_fits(
    visit: Open, axe: str, broker: StandInBroker, address: str
) -> None:
    broker.county.suspend(CARE, "severn-acute")
    page = visit("narrow")
    sign_in(page, CARER)
    page.goto(address)
    expect(page.get_by_role("region", name=CARE)).to_contain_text("has suspended")
    assert faults(page, axe) == []
    assert overflow(page) <= 0


@pytest.mark.usefixtures("draft")
def test_a_draft_is_signed_without_script_on_a_telephone(visit: Open) -> None:
    page = visit("narrow", script=False)
    sign_in(page, DOCTOR)
    page.get_by_role("button", name=f"Read version 2 of {FALLS}").click()
    page.get_by_role("button", name="Sign version 2").click()
    page.get_by_role("button", name="Sign for Severn Acute").click()
    waits = page.get_by_role("region", name="Version 2 waits for signatures")
    expect(waits).to_contain_text("Still to sign: Wychshire County Council")
    expect(waits.get_by_role("button", name="Sign version 2")).to_have_count(0)


BROKEN = """() => [...document.querySelectorAll('th .ct-code')]
  .filter(name => name.getClientRects().length > 1).map(name => name.textContent)"""


@pytest.mark.parametrize("place", [agreement, query], ids=lambda place: place.__name__)
def test_no_name_of_a_column_is_broken_on_a_telephone(
    visit: Open, place: Callable[[Page], None]
) -> None:
    page = visit("narrow")
    place(page)
    if place is query:
        page.get_by_role("link", name=FALLS).first.click()
    expect(page.locator("th .ct-code").first).to_be_visible()
    assert page.evaluate(BROKEN) == []


def test_a_wide_answer_says_on_a_telephone_that_it_scrolls(visit: Open) -> None:
    page = visit("narrow")
    sign_in(page, CARER)
    run(page, "SELECT surname FROM clients")
    expect(page.get_by_text("scroll the table sideways")).to_be_visible()
    scrolled = page.get_by_role("region", name="The answer as a table")
    shadow = scrolled.evaluate("it => getComputedStyle(it).backgroundAttachment")
    assert shadow == "local, local, scroll, scroll"
    assert scrolled.evaluate("it => it.scrollWidth > it.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.get_by_text("scroll the table sideways")).to_be_hidden()


def test_the_demo_home_is_told_on_the_first_line(visit: Open) -> None:
    page = visit()
    told = page.get_by_role("region", name="Demo home")
    expect(told).to_have_text(
        "Demo home: holds the keys of its personas. Do not put real data in it."
    )


def test_a_running_query_shows_that_it_ends_when_a_partner_withdraws(
    visit: Open, broker: StandInBroker
) -> None:
    page = visit()
    running(page)
    expect(page.locator("#progress")).to_contain_text("so far", timeout=5_000)
    # Somebody else withdraws, elsewhere: the page that is open must show it by itself.
    broker.county.withdraw(FALLS, "severn-acute")
    ended_line = page.get_by_text(
        re.compile(r"Ended at \d\d:\d\d:\d\d: severn-acute has withdrawn")
    )
    expect(ended_line).to_be_visible(timeout=5_000)


def test_an_answer_on_the_screen_goes_when_a_partner_withdraws(
    visit: Open, broker: StandInBroker
) -> None:
    page = visit()
    answer(page)
    broker.county.withdraw(FALLS, "severn-acute")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ended", timeout=5_000)
    assert "falls-detector" not in page.content()


def test_a_query_is_asked_by_keyboard_alone(visit: Open) -> None:
    page = visit()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "Sign in as Analyst")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Agreements")
    tab_to(page, "Query")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask a question")
    tab_to(page, "Your query in SQL")
    page.keyboard.type(DEVICES)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Answer under")).to_be_visible()


NAME = """() => { const it = document.activeElement;
  return (it.labels && it.labels.length ? it.labels[0].textContent : it.textContent).trim(); }"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what begins with this name has the focus, and can be seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if str(page.evaluate(NAME)).startswith(name):
            return
    raise AssertionError(f"no way by keyboard to {name}")


def test_the_error_summary_has_the_focus_and_leads_to_the_field(visit: Open) -> None:
    page = visit()
    empty_query(page)
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_role("link", name="Enter a query").click()
    expect(page.get_by_label("Your query in SQL")).to_be_focused()


def test_an_answer_on_paper_has_its_banner_and_no_buttons(visit: Open) -> None:
    page = visit()
    answer(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("region", name="Demo home")).to_be_visible()
    expect(page.get_by_role("table", name="Answer under")).to_be_visible()
    expect(page.get_by_role("link", name="Download CSV")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_an_answer_is_downloaded(visit: Open) -> None:
    page = visit()
    answer(page)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download CSV").click()
    assert re.fullmatch(rf"{FALLS}-\d+\.csv", coming.value.suggested_filename)


@pytest.mark.parametrize(("size", "seen"), [("wide", "wide"), ("narrow", "narrow")])
def test_one_drawing_of_an_agreement_is_seen_and_fits(visit: Open, size: str, seen: str) -> None:
    page = visit(size, script=False)
    agreement(page)
    drawings = page.get_by_role("img", name=f"What {FALLS} opens")
    expect(drawings).to_have_count(1)
    expect(drawings).to_have_class(f"ct-drawing ct-drawing--{seen}")
    letters = drawings.locator("text").first.evaluate("it => it.getBoundingClientRect().height")
    assert letters >= 13


@pytest.mark.parametrize("word", ["device", "monthly", "crossed"])
def test_no_letter_of_a_chart_is_cut_off_on_a_telephone(visit: Open, word: str) -> None:
    page = visit("narrow")
    drawn(page, word)
    cut = page.locator(".ct-chart svg").evaluate(
        """svg => { const room = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(text => {
          const it = text.getBoundingClientRect();
          return it.left < room.left - 1 || it.right > room.right + 1
            || it.bottom > room.bottom + 1;
        }).map(text => text.textContent); }"""
    )
    assert cut == []


def test_a_picture_of_the_county_runs_nothing_when_it_is_opened(visit: Open) -> None:
    page = visit()
    answer = page.goto("/county/map.svg")
    assert answer is not None and answer.ok
    assert page.evaluate("() => document.title") != "ran"
    the_pictures = visit()
    the_county(the_pictures)
    widths = the_pictures.locator(".ct-picture__image").evaluate_all(
        "all => all.map(it => it.naturalWidth)"
    )
    assert len(widths) == 3 and all(width > 0 for width in widths)


def test_what_to_try_first_is_one_click(visit: Open) -> None:
    page = visit("narrow", script=False)
    page.get_by_role("button", name="See how good a dataset is").click()
    expect(page.get_by_role("heading", name="Quality of deposit 1")).to_be_visible()
