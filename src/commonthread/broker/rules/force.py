"""Is an agreement in force? Rule 2 of the design, whole, with every reason why it is not.

In force is until `expires`: the earliest instant at which anything it rests on could end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .dates import begins, ends, london_day
from .errors import Reason
from .standing import Standing, Version
from .terms import PLATFORM, Demand, Terms, required_parties

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
# How deep agreements may rest on one another: a circle ends here at the latest.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Force:
    """Whether an agreement is in force: reasons why not, until when it is, what to warn of."""

    version: Version | None
    reasons: tuple[Reason, ...]
    expires: datetime
    warnings: tuple[Reason, ...] = ()


def in_force(reference: str, standing: Standing, at: datetime, depth: int = 0) -> Force:
    """Rule 2, whole: signatures, dates, acts, charter, credentials, DPIA, what it rests on."""
    version = standing.governing(reference)
    if version is None or depth > DEEPEST:
        code = "agreement-unknown" if version is None else "rests-on-depth"
        message = "No agreement of this reference is known."
        if version is not None:
            message = "Agreements rest on one another in a circle, or too deep."
        return Force(None, (Reason(code, "agreement", message),), at)
    terms = version.terms
    reasons: list[Reason] = []
    boundaries = [FOREVER]
    reasons += signature_reasons(version, standing)
    reasons += _date_reasons(terms, at, boundaries)
    reasons += _act_reasons(version, standing)
    reasons += _charter_reasons(version, standing, at, boundaries)
    warnings: list[Reason] = []
    reasons += _credential_reasons(version, standing, at, boundaries, warnings)
    reasons += _dpia_reasons(terms, standing, at, boundaries)
    for other in terms.rests_on:
        below = in_force(other, standing, at, depth + 1)
        boundaries.append(below.expires)
        if below.reasons:
            inner = " ".join(reason.message for reason in below.reasons[:3])
            message = f"{other}, on which it rests, is not in force. {inner}"
            reasons.append(Reason("rests-on", f"rests_on[{other}]", message))
    if at >= ends(terms.review):
        warnings.append(Reason("review-passed", "review", "The review date has passed."))
    return Force(version, distinct(reasons), min(boundaries), distinct(warnings))


def signature_reasons(version: Version, standing: Standing) -> Iterator[Reason]:
    for partner in standing.outstanding(version):
        yield Reason(
            "unsigned",
            f"party[{partner}]",
            f"{partner} has not signed {version.terms.reference}.",
            "The platform signs last, by itself."
            if partner == PLATFORM
            else f"A signatory of {partner} signs it.",
        )


def _date_reasons(terms: Terms, at: datetime, boundaries: list[datetime]) -> Iterator[Reason]:
    boundaries.append(ends(terms.ends))
    if at < begins(terms.starts):
        yield Reason("not-started", "starts", "The agreement has not started.")
    if at >= ends(terms.ends):
        yield Reason("ended", "ends", "The agreement has ended.", "The parties sign a new version.")


def _act_reasons(version: Version, standing: Standing) -> Iterator[Reason]:
    needed = required_parties(version.terms, standing.contracts)
    for partner in sorted(version.withdrawals):
        # Before all have signed there is nothing yet that could go on without somebody.
        ended = version.terms.on_withdrawal != "continue-without" or version.completed is None
        left = set(needed) - set(version.withdrawals)
        if ended or len(left) < 2:
            yield Reason(
                "withdrawn",
                f"party[{partner}]",
                f"{partner} has withdrawn from {version.terms.reference}.",
                "The parties sign a new version.",
            )
    for partner in sorted(version.suspensions):
        yield Reason(
            "suspended",
            f"party[{partner}]",
            f"{partner} has suspended {version.terms.reference}.",
            f"A signatory of {partner} resumes it.",
        )


def parties_left(version: Version, standing: Standing) -> tuple[str, ...]:
    """The required parties that have not withdrawn."""
    needed = required_parties(version.terms, standing.contracts)
    return tuple(party for party in needed if party not in version.withdrawals)


def _charter_reasons(
    version: Version, standing: Standing, at: datetime, boundaries: list[datetime]
) -> Iterator[Reason]:
    reference = version.terms.charter
    for partner in parties_left(version, standing):
        yield from charter_reasons(partner, reference, standing, at, boundaries)


def charter_reasons(
    partner: str,
    reference: str,
    standing: Standing,
    at: datetime,
    boundaries: list[datetime],
) -> Iterator[Reason]:
    """Whether the charter is in force for one partner, under the root key that it pins."""
    charter = standing.charters.get(reference)
    if charter is None:
        yield Reason("charter-unknown", "charter", f"No charter {reference} is known.")
        return
    boundaries.append(ends(charter.ends))
    if not begins(charter.starts) <= at < ends(charter.ends):
        yield Reason("charter-dates", "charter", f"The charter {reference} is outside its dates.")
    act = standing.accessions.get((reference, partner))
    known = standing.partners.get(partner)
    root_key = known.root_key if known else ""
    if act is None or act.envelope.subject != charter.accession(root_key):
        yield Reason(
            "not-acceded",
            f"charter[{partner}]",
            f"{partner} has not acceded to {reference}.",
            "The platform accedes by itself, last."
            if partner == PLATFORM
            else f"A signatory of {partner} signs {reference}.",
        )


def _credential_reasons(
    version: Version,
    standing: Standing,
    at: datetime,
    boundaries: list[datetime],
    warnings: list[Reason],
) -> Iterator[Reason]:
    left = set(parties_left(version, standing))
    for party in version.terms.parties:
        if party.role == "processor" or party.partner not in left:
            continue
        for demand in version.terms.demands:
            state, until = credential_state(demand, party.partner, version, standing, at)
            reason = Reason(
                f"credential-{state}",
                f"requires_credentials[{demand.scheme}][{party.partner}]",
                f"{party.partner} has no {demand.scheme} in date.",
                f"{party.partner} renews it.",
            )
            if demand.on_lapse == "warn":
                warnings.extend([] if state == "held" else [reason])
                continue
            boundaries.append(until)
            if state != "held":
                yield reason


def credential_state(
    demand: Demand, partner: str, version: Version, standing: Standing, at: datetime
) -> tuple[str, datetime]:
    """`held`, `missing` or `ended`, and until when it is held.

    With `on_lapse = "end"` a gap after the agreement came into force ends it for good: renewing the
    credential later does not bring it back.
    """
    known = standing.partners.get(partner)
    spans = sorted(
        (item.recorded, ends(item.expires))
        for item in (known.credentials if known else ())
        if item.scheme == demand.scheme and demand.level in ("", item.level)
    )
    until = _covered(spans, at)
    if demand.on_lapse == "end" and version.completed is not None:
        since = max(version.completed, begins(version.terms.starts))
        first = _covered(spans, since) if since <= at else None
        if first is not None and first <= at:
            return "ended", at
    return ("missing", at) if until is None else ("held", until)


def _covered(spans: list[tuple[datetime, datetime]], since: datetime) -> datetime | None:
    """Until when the spans cover every instant from `since` on; None if not even `since`."""
    until: datetime | None = None
    for start, end in spans:
        if start <= (since if until is None else until) and since < end:
            until = end if until is None else max(until, end)
    return until


def _dpia_reasons(
    terms: Terms, standing: Standing, at: datetime, boundaries: list[datetime]
) -> Iterator[Reason]:
    if not terms.dpia:
        return
    dpia = standing.dpias.get(terms.dpia)
    if dpia is None:
        yield Reason("dpia-unknown", "dpia", "The DPIA of this digest is not known.")
        return
    boundaries.append(ends(dpia.review))
    if london_day(at) < dpia.approved:
        yield Reason("dpia-not-approved", "dpia", f"{dpia.reference} is not approved yet.")
    if at >= ends(dpia.review):
        yield Reason(
            "dpia-review", "dpia", f"{dpia.reference} is past its review date.", "Review it."
        )


def distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(reasons))
