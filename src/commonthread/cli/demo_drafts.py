"""A negotiation that is under way when the demo opens: a draft, what partners say of it, an answer.

Everything is done by the gateway's own actions, as the county's officers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from commonthread.broker.access import Broker
from commonthread.broker.rules.standing import Member
from commonthread.gateway.drafting import comments, drafts
from commonthread.gateway.drafting.sections import BY_ID, seen
from commonthread.gateway.models import CONTENT, Draft

LEAD, HOSPITAL, FIRE = "g.penn", "a.quill", "m.tarn"
LIKE = "ISA-2026-014"
REFERENCE = "ISA-2027-003"


def negotiate(broker: Broker) -> Draft:
    """A draft for the next winter, shared with the hospital and the fire service, half-way."""
    standing, at = broker.standing(), datetime.now(UTC)
    lead, hospital, fire = (standing.members[one] for one in (LEAD, HOSPITAL, FIRE))
    version = standing.newest(LIKE)
    if version is None:
        raise AssertionError(f"the county has no {LIKE}")
    started = at - timedelta(days=6)
    draft = drafts.start(lead, drafts.copy_of(version.terms), f"copy:{LIKE}", started)
    draft = _save(draft, "about", lead, started, **_about())
    draft = _save(draft, "parties", lead, started, party=_parties(draft))
    drafts.share(draft.id, by=lead, at=started + timedelta(hours=2))
    _speak(draft, hospital, fire, lead, started)
    return draft


def _about() -> dict[str, Any]:
    return {
        "reference": REFERENCE,
        "title": "Falls in the coming winter",
        "starts": "2027-01-01",
        "ends": "2028-12-31",
        "review": "2027-12-31",
    }


def _parties(draft: Draft) -> list[dict[str, Any]]:
    """The parties of the agreement that it is like, and the fire service, which is new to it."""
    rows: Any = draft.terms["party"]
    new = {"partner": "hereward-fire", "role": "controller", "lawful_basis": "public-task"}
    return [*rows, {**new, "legal_power": "Fire and Rescue Services Act 2004 s.6"}]


def _save(draft: Draft, section: str, by: Member, at: datetime, **values: Any) -> Draft:
    held = {n: v for n, v in draft.terms.items() if n in BY_ID[section].fields}
    word = seen(draft.terms, BY_ID[section])
    return drafts.save(draft.id, section, {**held, **values}, word, by=by, at=at)


def _speak(draft: Draft, hospital: Member, fire: Member, lead: Member, at: datetime) -> None:
    """The hospital suggests a shorter term, the fire service asks, and the lead answers."""
    draft.refresh_from_db()
    held = {n: v for n, v in draft.terms.items() if n in BY_ID["about"].fields}
    comments.comment(
        draft.id,
        "about",
        "One winter is enough to learn from: let us look again before a second.",
        by=hospital,
        at=at + timedelta(days=2),
        proposed={**held, "ends": "2027-12-31", "review": "2027-09-30"},
    )
    asked = comments.comment(
        draft.id,
        "data",
        "Do we need the month of each attendance, or is the year enough?",
        by=fire,
        at=at + timedelta(days=3),
    )
    comments.comment(
        draft.id,
        "data",
        "Falls come with ice, so a year would hide what we look for.",
        by=lead,
        at=at + timedelta(days=3, hours=4),
        answers=asked.id,
    )
    comments.say(draft.id, CONTENT, by=fire, at=at + timedelta(days=4))
