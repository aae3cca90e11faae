"""Pictures as SVG, made by the server: no script in them, and every text escaped.

The security policy of the pages lets no style attribute through, so marks have presentation
attributes only, and the font comes from pages.css.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

INK, QUIET, PALE, BRAND, WHITE = "#0b0c0c", "#484949", "#b1b4b6", "#0b4a5c", "#ffffff"
# Each is at least 3:1 on white, and told from the one before it by lightness too.
SERIES = (BRAND, "#b8570d", "#5694ca", "#5a2a7a", "#6f9a3c", "#a02413")
# The mean width of a letter, in parts of the size of the type; bold ones are wider.
LETTER, BOLD_LETTER = 0.5, 0.55
CAMEL = {"view_box": "viewBox"}


def element(name: str, inside: Iterable[str] = (), **attributes: object) -> SafeString:
    """One element. `stroke_width=2` becomes `stroke-width="2"`; numbers have one decimal place."""
    said = format_html_join(
        "",
        ' {}="{}"',
        (
            (CAMEL.get(key, key.replace("_", "-")), _short(value))
            for key, value in attributes.items()
        ),
    )
    held = format_html_join("", "{}", ((part,) for part in inside))
    return format_html("<{}{}>{}</{}>", name, said, held, name)


def _short(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def picture(
    id_: str, title: str, said: str, parts: Iterable[str], **attributes: object
) -> SafeString:
    """The whole drawing: named by its title, described in words for who does not see it."""
    head = [
        element("title", [title], id=f"{id_}-title"),
        element("desc", [said], id=f"{id_}-said"),
    ]
    named = {"aria_labelledby": f"{id_}-title", "aria_describedby": f"{id_}-said"}
    return element("svg", [*head, *parts], role="img", focusable="false", **named, **attributes)


def writing(x: object, y: object, text: str, **attributes: object) -> SafeString:
    return element("text", [text], x=x, y=y, **({"fill": INK, "font_size": 15} | attributes))


def wrapped(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines that fit a width, by the mean width of letters."""
    most = max(int(width / (size * (BOLD_LETTER if bold else LETTER))), 1)
    return textwrap.wrap(text, most)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
