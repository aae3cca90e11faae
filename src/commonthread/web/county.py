"""The page about the synthetic county that a home may hold, and the pictures on it."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from commonthread.web.pages import Visit, page
from commonthread.web.report import (
    PICTURES,
    REPORT,
    errors,
    kinds,
    parsed,
    picture_of,
    text_of,
)

# The picture alone: no script, no file beside it, and no say over the page that shows it.
POLICY = "default-src 'none'; sandbox"


@page("GET", open_to_all=True)
def explained(visit: Visit) -> HttpResponse:
    report = text_of(REPORT)
    if report is None:
        raise Http404("This home holds no county.")
    title, intro, sections = parsed(report)
    return visit.show(
        "web/county.html",
        nav="county",
        title=title,
        intro=intro,
        sections=sections,
        pictures=[found for name in PICTURES if (found := picture_of(name))],
        errors=list(errors(sections)),
        kinds=kinds(sections, report),
    )


@page("GET", open_to_all=True)
def picture(visit: Visit, name: str) -> HttpResponse:
    text = text_of(f"{name}.svg") if name in PICTURES else None
    if text is None:
        raise Http404
    answer = HttpResponse(text, content_type="image/svg+xml; charset=utf-8")
    answer["Content-Security-Policy"] = POLICY
    return answer
