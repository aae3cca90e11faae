"""Tier 1 and what agreements lean on: the charter, and the assessment whose digest they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from .canonical import digest, sorted_set
from .errors import Problem
from .fields import REFERENCE, Fields, check, read
from .terms import LEVELS


@dataclass(frozen=True, slots=True)
class Charter:
    """The principles every partner accedes to. `own_data` lets a partner see what it deposited."""

    reference: str
    title: str
    version: int
    starts: date
    ends: date
    review: date
    principles: tuple[str, ...]
    own_data: str
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.ends < self.starts:
            check([Problem(".ends", "the charter would end before it starts")], "The charter")
        object.__setattr__(self, "digest", digest(self.to_plain()))

    def to_plain(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "title": self.title,
            "version": self.version,
            "starts": self.starts.isoformat(),
            "ends": self.ends.isoformat(),
            "review": self.review.isoformat(),
            "principles": list(self.principles),
            "own_data": self.own_data,
        }

    def accession(self, root_key: str) -> str:
        """What a partner's accession signs: this charter with the root key that it pins."""
        return _accession(self.digest, root_key)


@cache
def _accession(charter: str, root_key: str) -> str:
    return digest({"charter": charter, "root_key": root_key})


@dataclass(frozen=True, slots=True)
class Dpia:
    """A data protection impact assessment (UK GDPR Art 35), in the ICO's seven steps."""

    reference: str
    title: str
    need: str
    consulted: tuple[str, ...]
    necessity: str
    dpo_advice: str
    dpo_advice_accepted: bool
    residual_risk: str
    approved_by: str
    approved: date
    review: date
    overruled_reason: str = ""
    guardian_advice: str = ""
    ico_consultation: str = ""
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check(self._problems(), "The DPIA")
        object.__setattr__(self, "digest", digest(self.to_plain()))

    def _problems(self) -> Iterator[Problem]:
        if self.review < self.approved:
            yield Problem(".review", "the review would fall before the approval")
        if not self.dpo_advice_accepted and not self.overruled_reason:
            yield Problem(".overruled_reason", "advice that is overruled needs a reason")
        if self.residual_risk == "high" and not self.ico_consultation:
            yield Problem(".ico_consultation", "a high residual risk needs the ICO (Art 36)")

    def to_plain(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "title": self.title,
            "need": self.need,
            "consulted": sorted_set(self.consulted),
            "necessity": self.necessity,
            "dpo_advice": self.dpo_advice,
            "dpo_advice_accepted": self.dpo_advice_accepted,
            "overruled_reason": self.overruled_reason,
            "guardian_advice": self.guardian_advice,
            "ico_consultation": self.ico_consultation,
            "residual_risk": self.residual_risk,
            "approved_by": self.approved_by,
            "approved": self.approved.isoformat(),
            "review": self.review.isoformat(),
        }


def parse_charter(table: Any, where: str = "charter") -> Charter:
    """Read one `[charter]` table; raises `BadInput` with every fault and its path."""
    charter: Charter = read(table, where, _charter, "The charter")
    return charter


def _charter(fields: Fields) -> Charter | None:
    fields.texts("principles")
    principles = fields.raw("principles")
    made: Charter | None = fields.make(
        Charter,
        reference=fields.text("reference", like=REFERENCE),
        title=fields.text("title"),
        version=fields.whole("version", 1, least=1),
        starts=fields.day("starts"),
        ends=fields.day("ends"),
        review=fields.day("review"),
        principles=tuple(principles) if isinstance(principles, list) else (),
        own_data=fields.text("own_data"),
    )
    return made


def parse_dpia(table: Any, where: str = "dpia") -> Dpia:
    """Read one `[dpia]` table; raises `BadInput` with every fault and its path."""
    dpia: Dpia = read(table, where, _dpia, "The DPIA")
    return dpia


def _dpia(fields: Fields) -> Dpia | None:
    made: Dpia | None = fields.make(
        Dpia,
        reference=fields.text("reference", like=REFERENCE),
        title=fields.text("title"),
        need=fields.text("need"),
        consulted=fields.texts("consulted", ()),
        necessity=fields.text("necessity"),
        dpo_advice=fields.text("dpo_advice"),
        dpo_advice_accepted=fields.flag("dpo_advice_accepted", False),
        overruled_reason=fields.text("overruled_reason", ""),
        guardian_advice=fields.text("guardian_advice", ""),
        ico_consultation=fields.text("ico_consultation", ""),
        residual_risk=fields.choice("residual_risk", LEVELS),
        approved_by=fields.text("approved_by"),
        approved=fields.day("approved"),
        review=fields.day("review"),
    )
    return made
