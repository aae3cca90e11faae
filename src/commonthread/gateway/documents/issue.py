"""Documents as they are handed out: made, sealed and named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from commonthread.broker.access import BadInput
from commonthread.broker.rules.standing import Standing

from .evidence import evidence_pack
from .pdf import agreement_pdf, paper
from .seal import identity, seal

if TYPE_CHECKING:
    from commonthread.broker.access import Broker


@dataclass(frozen=True, slots=True)
class Issued:
    """One file. `stamped` says of a sealed document whether an authority stamped its time."""

    name: str
    content: bytes
    stamped: bool = False


def issue_document(
    broker: Broker, reference: str, *, draft: bool = False, authority: str = ""
) -> Issued:
    """The sealed PDF of the version that governs, or of the draft that waits beside it, as of now.

    Raises `BadInput` where there is none. An authority that does not answer stops nothing: the
    name of the file then says that it has no time stamp.
    """
    standing = broker.standing()
    _demand_agreement(standing, reference)
    made = paper(standing, reference, datetime.now(UTC), draft=draft)
    sealed = seal(agreement_pdf(made), identity(broker), authority)
    marks = ["draft"] if made.draft else []
    marks += ["no-time-stamp"] if authority and not sealed.stamped else []
    name = _name(broker, reference, made.terms.version, marks, "pdf")
    return Issued(name, sealed.content, sealed.stamped)


def issue_evidence(broker: Broker, reference: str, *, draft: bool = False) -> Issued:
    """The evidence pack of the same version. Raises `BadInput` where there is none."""
    standing = broker.standing()
    _demand_agreement(standing, reference)
    version = standing.newest(reference) if draft else standing.governing(reference)
    if version is None or (draft and version is standing.governing(reference)):
        raise BadInput(f"No draft of {reference} waits for signatures.")
    marks = ["draft"] if version.completed is None else []
    name = _name(broker, reference, version.terms.version, [*marks, "evidence"], "zip")
    return Issued(name, evidence_pack(broker, version))


def _demand_agreement(standing: Standing, reference: str) -> None:
    if reference not in standing.agreements:
        raise BadInput(
            "No agreement of this reference is known.",
            mend="Documents are made of agreements, not of charters.",
        )


def _name(broker: Broker, reference: str, version: int, marks: list[str], ending: str) -> str:
    demo = ["demo-home"] if broker.demo else []
    return "-".join([*demo, reference, f"v{version}", *marks]) + f".{ending}"
