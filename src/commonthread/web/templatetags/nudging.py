"""Whether the one signed in may nudge those who hold a draft up, as its task list asks."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from commonthread.broker.access.leases import now
from commonthread.broker.rules.standing import Member
from commonthread.gateway.models import Draft
from commonthread.gateway.post import nudges

register = template.Library()
NO, MAY, DONE = "", "may", "done"


@register.simple_tag(takes_context=True)
def nudging(context: Context) -> str:
    """`may`: somebody is left to nudge today; `done`: all have been; empty: not for them."""
    draft: Any = context.get("draft")
    member: Any = context.get("member")
    if not isinstance(draft, Draft) or not isinstance(member, Member):
        return NO
    if not nudges.may_nudge(draft, member):
        return NO
    held_up = nudges.held_up_by(draft, member)
    left = [one for one in held_up if not nudges.nudged_today(draft, one.partner, now())]
    return MAY if left else DONE if held_up else NO
