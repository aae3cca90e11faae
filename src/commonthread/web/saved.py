"""Saved views: a member's own filters of the list of agreements, each under a name."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from commonthread.broker.access import BadInput
from commonthread.gateway.models import SavedView
from commonthread.web import listing
from commonthread.web.pages import Visit, page

MOST_VIEWS, LONGEST_NAME = 50, 80


@page("GET", "POST")
def views(visit: Visit) -> HttpResponse:
    """The member's views; a new one is made of the filter that stands in the address."""
    wanted = listing.read(visit.request.GET)
    failure = ""
    if visit.request.method == "POST":
        try:
            _save(visit, visit.sent("name"), listing.read(visit.request.POST).query(page=1))
            return redirect("views")
        except BadInput as error:
            failure = str(error)
            wanted = listing.read(visit.request.POST)
    return visit.show(
        "web/views.html",
        code=400 if failure else 200,
        nav="agreements",
        saved=[
            (one, f"{reverse('agreements')}{f'?{one.query}' if one.query else ''}")
            for one in SavedView.objects.filter(member=visit.who).order_by("name")
        ],
        wanted=wanted,
        parts=[(name, getattr(wanted, name)) for name in listing.NAMES if getattr(wanted, name)],
        name=visit.sent("name"),
        failure=failure,
    )


def _save(visit: Visit, name: str, query: str) -> None:
    """Save under a name, over a view of the same name."""
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(f"Enter a name of 1 to {LONGEST_NAME} characters.")
    with transaction.atomic():
        mine = SavedView.objects.select_for_update().filter(member=visit.who)
        if mine.exclude(name=name).count() >= MOST_VIEWS:
            raise BadInput(f"You have {MOST_VIEWS} views.", mend="Delete one first.")
        values = {"query": query, "at": timezone.now()}
        SavedView.objects.update_or_create(member=visit.who, name=name, defaults=values)


@page("POST")
def delete(visit: Visit, number: int) -> HttpResponse:
    """Only one's own: another member's view is not found."""
    if not SavedView.objects.filter(id=number, member=visit.who).delete()[0]:
        raise Http404
    return redirect("views")
