"""Looking at a page as the tests do: its faults by axe, and by how much it is too wide."""

from collections.abc import Callable

from playwright.sync_api import Page

RULES = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"
SIZES = {"wide": (1280, 900), "narrow": (320, 640)}

Open = Callable[..., Page]


def faults(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(f"() => axe.run(document, {{runOnly: {RULES}}})")
    return [
        f"{fault['id']}: {node['target']} {node['html'][:120]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
