"""The door of the broker: facts go in, questions are decided, answers come out under a lease.

Everything above the broker imports this package and nothing beside it. In this order, for every
read: decide → view → run → record; nothing leaves before its opening entry is durable, and nothing
leaves once the lease has ended.
"""

from commonthread.broker.rules.decisions import Decision
from commonthread.broker.rules.errors import (
    BadInput,
    IntegrityFailure,
    Problem,
    Reason,
    Refused,
    UserFacing,
)
from commonthread.broker.rules.requests import Lookup, OwnData, Request, Sql

from .broker import Broker, create_home, open_broker
from .documents import Change, Document
from .leases import LeaseEnded
from .reading import Answer
from .status import AgreementStatus

__all__ = [
    "AgreementStatus",
    "Answer",
    "BadInput",
    "Broker",
    "Change",
    "Decision",
    "Document",
    "IntegrityFailure",
    "LeaseEnded",
    "Lookup",
    "OwnData",
    "Problem",
    "Reason",
    "Refused",
    "Request",
    "Sql",
    "UserFacing",
    "create_home",
    "open_broker",
]
