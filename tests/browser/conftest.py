"""A real browser for the tests of the pages, and axe to look at what it shows."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

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
