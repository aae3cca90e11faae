"""What is worth trying first on the synthetic county: each as somebody who can."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Try:
    """One thing to try: the persona to be, what to do, and the page where it begins."""

    id: str
    member: str
    agreement: str
    title: str
    says: str
    page: str
    parts: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        asked = f"?{urlencode(self.query)}" if self.query else ""
        return reverse(self.page, kwargs=dict(self.parts)) + asked


TRIES = (
    Try(
        "count",
        "a.reed",
        "ISA-2026-014",
        "Count without seeing anybody",
        "As the council’s analyst, run an example about telecare. The answer is drawn, small "
        "groups are left out, and no row can be asked for.",
        "query",
        query=(("under", "ISA-2026-014/falls-prevention"), ("example", "1")),
    ),
    Try(
        "withdraw",
        "t.vale",
        "ISA-2026-020",
        "End a query while it runs",
        "As the telecare team lead, choose the example that runs long and press Run. Then withdraw "
        "the hospital from below it: the query ends within a second.",
        "query",
        query=(("under", "ISA-2026-020/direct-care"),),
    ),
    Try(
        "refused",
        "c.lowe",
        "ISA-2026-061",
        "Be refused, and told why",
        "As the social worker on the duty desk, try to look somebody up in the police’s notices. "
        "Training comes first, and the page names the clause that says so.",
        "look-up",
    ),
    Try(
        "quality",
        "e.wren",
        "CHARTER-2026",
        "See how good a dataset is",
        "As the council’s data engineer, see what was deposited of telecare, and how many values "
        "are missing or badly formed. Only the owner’s engineer sees that.",
        "dataset",
        parts=(("owner", "wychshire"), ("dataset", "telecare")),
    ),
    Try(
        "sign",
        "n.wade",
        "ISA-2026-070",
        "Sign what waits",
        "As the power company’s signatory, read what would be opened to whom, and sign. It is the "
        "last signature, so what was closed opens.",
        "agreement",
        parts=(("reference", "ISA-2026-070"),),
    ),
    Try(
        "negotiate",
        "g.penn",
        "ISA-2026-014",
        "Negotiate an agreement",
        "As the council’s governance officer, open the draft for the coming winter. The hospital "
        "suggests a change: accept it, see both versions side by side, and look at the preview.",
        "drafts",
    ),
)


def tries(members: Collection[str], references: Collection[str]) -> list[Try]:
    """Those that this home has the persona and the agreement for."""
    return [one for one in TRIES if one.member in members and one.agreement in references]
