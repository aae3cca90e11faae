"""One draft on a page: found, if whoever asks may read it, and what every page of it shows."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404

from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import OPEN, Draft
from commonthread.web.pages import Visit, partner_names


def found(visit: Visit, draft_id: uuid.UUID) -> Draft:
    """The draft, if the one signed in may read it; a page about none is not found."""
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None or not drafts.may_read(draft, visit.member):
        raise Http404
    return draft


def base(visit: Visit, draft: Draft) -> dict[str, Any]:
    """What every page of one draft shows."""
    return {
        "nav": "drafts",
        "draft": draft,
        "title": title(draft),
        "may_write": drafts.may_write(draft, visit.member) and draft.state in OPEN,
        "names": partner_names(visit.broker),
    }


def title(draft: Draft) -> str:
    return str(draft.terms.get("title") or draft.terms.get("reference") or "Without a title yet")
