"""A real browser for the tests of the pages, and axe to look at what it shows."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.looking import SIZES, Open

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    # Playwright runs its loop in the tests' thread, and Django would take that for asynchronous
    # code of ours when it empties the database after a test.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        yield play.chromium.launch(executable_path=str(chromium), args=arguments)
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's own text: evaluated in a page, past no security policy."""
    return AXE.read_text(encoding="utf-8")


@pytest.fixture
def visit(browser: Browser, live_server, broker: object) -> Iterator[Open]:  # type: ignore[no-untyped-def]
    """Opens the start page at a size, with script or without; no page may log an error."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def start(size: str = "wide", script: bool = True) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
        )
        page.goto("/")
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []
