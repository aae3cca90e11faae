"""The assessments of a draft, for the page of the draft's section about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from commonthread.gateway.assessing import assessments, people
from commonthread.gateway.models import APPROVED, Assessment, Draft
from commonthread.web.assessments.pages import STATES

register = template.Library()


@register.inclusion_tag("web/assessments/_of_draft.html", takes_context=True)
def assessments_of(context: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """Those that the one signed in may read, and the approved one that the draft names."""
    own = draft.assessments.select_related("draft").order_by("-changed")
    named = Assessment.objects.exclude(digest="").filter(digest=draft.terms.get("dpia", "")).first()
    return {
        "csrf_token": context.get("csrf_token"),
        "draft": draft,
        "may_write": context.get("may_write"),
        "assessments": [
            (each, STATES[each.state])
            for each in own
            if people.may_read(each, context.get("member"))
        ],
        "outdated": named is not None and named.about != assessments.substance(draft),
        "follows": named
        if named is not None
        and named.state == APPROVED
        and people.may_write(named, context.get("member"))
        else None,
    }
