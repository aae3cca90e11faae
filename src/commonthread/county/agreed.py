"""What an agreement of the county is made of, in short."""

from __future__ import annotations

from dataclasses import dataclass

LINKAGE = "ISA-2026-001"
Columns = tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One grant. `columns`: a name, or (name, treatment[, as at]); `rows` all hold."""

    id: str
    dataset: str
    to: tuple[str, ...]
    mode: str
    columns: Columns
    rows: tuple[tuple[str, str, object], ...] = ()
    person: bool = False
    persons: str = ""
    by: str = "person"
    per_day: int = 40
    needs: tuple[str, ...] = ()
    export: bool = False
    retention: str = "P90D"


@dataclass(frozen=True, slots=True)
class Agreed:
    """One agreement with what its DPIA says. `unsigned`: who has still to sign in the demo.

    `schedule`: the condition of DPA 2018 that substantial public interest needs beside it.
    """

    reference: str
    file: str
    title: str
    lead: str
    purpose: str
    purpose_text: str
    grants: tuple[Given, ...]
    need: str
    necessity: str
    risk: str
    mitigation: str
    consulted: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = (LINKAGE,)
    on_withdrawal: str = "end"
    single_out: bool = False
    lawful_basis: str = "public-task"
    condition: str = "health-or-social-care"
    confidentiality: str = "section-251-support"
    opt_out: str = "national-data-opt-out"
    schedule: str = "DPA 2018 Sch 1 para 18"
    unsigned: tuple[str, ...] = ()
