"""Before a signature: the one-page summary, what a version changes, who is waited for."""

from .declines import decline, delegate, take_back_decline, take_back_delegation
from .progress import Declined, Delegated, Progress, Signature, Wait, progress
from .summary import Summary, summarise
from .variation import ADMINISTRATIVE, Change, variation

__all__ = [
    "ADMINISTRATIVE",
    "Change",
    "Declined",
    "Delegated",
    "Progress",
    "Signature",
    "Summary",
    "Wait",
    "decline",
    "delegate",
    "progress",
    "summarise",
    "take_back_decline",
    "take_back_delegation",
    "variation",
]
