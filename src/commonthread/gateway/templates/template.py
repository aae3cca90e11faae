"""One template: read from TOML, checked, and made into the table that a draft begins with."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.errors import BadInput, Problem
from commonthread.broker.rules.fields import IDENTIFIER, check
from commonthread.broker.rules.terms import CONTROLLING, PLATFORM
from commonthread.gateway.clauses import PERIOD, after
from commonthread.gateway.law import CLASSES, KINDS, PUBLIC, is_one_of

AFTER = "after"
# What a grant of a template says to authors and not to the machine.
HINTS = ("owner", "by_role")
TEMPLATE_FIELDS = ("id", "title", "when", "lasts", "reviewed", "place", "agreement")


@dataclass(frozen=True, slots=True)
class Place:
    """The part that a partner plays: what it is called, and the classes of bodies that may."""

    id: str
    title: str
    bodies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self._problems(), "A place of a template")

    def _problems(self) -> Iterator[Problem]:
        if not IDENTIFIER.fullmatch(self.id) or self.id in (PLATFORM, PUBLIC):
            yield Problem(".id", "a place is named by a word that is no partner’s")
        if unknown := set(self.bodies) - set(CLASSES):
            yield Problem(".bodies", f"no class of bodies is called {', '.join(sorted(unknown))}")

    def takes(self, kind: str) -> bool:
        """Whether a partner of this kind may stand here; one of an unknown kind may."""
        return is_one_of(kind, self.bodies) is not False

    @property
    def example(self) -> str:
        """A kind that may stand here."""
        return next(kind for kind in KINDS if self.takes(kind))


@dataclass(frozen=True, slots=True)
class Ask:
    """What a template leaves to its authors: where it belongs, and what to put there."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """A draft’s beginning. `agreement` is an authored table in which places stand for partners.

    A day in it is `{after = "P1Y"}`, counted from the start. A grant names the `owner` of the
    dataset to choose, and may say `by_role` how a column of an identity role is usually shown.
    """

    id: str
    title: str
    when: str
    lasts: str
    reviewed: str
    places: tuple[Place, ...]
    agreement: Mapping[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        check(self._problems(), f"The template {self.id}")

    def _problems(self) -> Iterator[Problem]:
        for name in ("lasts", "reviewed"):
            if not PERIOD.fullmatch(getattr(self, name)):
                yield Problem(f".{name}", "a period such as P2Y is needed here")
        named = {place.id for place in self.places}
        if len(named) != len(self.places):
            yield Problem(".place", "two places have the same name")
        parties = {party["partner"] for party in self.agreement.get("party", [])}
        if unknown := parties - named - {PLATFORM, PUBLIC}:
            yield Problem(".agreement.party", f"no place is called {', '.join(sorted(unknown))}")
        for grant in self.agreement.get("grant", []):
            if grant.get("owner") not in named:
                yield Problem(f".agreement.grant[{grant['id']}].owner", "it names no place")
        if clashing := named & set(self._ids()):
            yield Problem(".place", f"an id of the agreement is called {min(clashing)} as well")
        if unused := named - parties:
            yield Problem(".place", f"no party stands in {', '.join(sorted(unused))}")

    def _ids(self) -> Iterator[str]:
        """The ids that the agreement gives to its own parts: a partner must not replace one."""
        for name in ("purpose", "grant", "duty", "risk"):
            yield from (each["id"] for each in self.agreement.get(name, []))

    def draft(
        self, partners: Mapping[str, str], *, reference: str, charter: str, starts: date
    ) -> dict[str, Any]:
        """The table of `[agreement]` with a partner in each place; raises `BadInput` if one lacks.

        Dates are ISO text, so that the table can be stored. Fields of `asks` are not in it.
        """
        missing = [place for place in self.places if not partners.get(place.id)]
        check(
            (Problem(f"place[{each.id}]", f"name a partner: {each.title}") for each in missing),
            "The draft",
        )
        taken = [partners[place.id] for place in self.places]
        if len(set(taken)) != len(taken):
            raise BadInput("One partner cannot stand in two places of a template.")
        filled = _put({name: partners[name] for name in (p.id for p in self.places)}, starts)
        table = filled(self.agreement)
        grants = [{k: v for k, v in each.items() if k not in HINTS} for each in table["grant"]]
        return {
            "reference": reference,
            "version": 1,
            "charter": charter,
            "starts": starts.isoformat(),
            "ends": after(starts, self.lasts).isoformat(),
            "review": after(starts, self.reviewed).isoformat(),
            **table,
            "grant": grants,
        }

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What is left to its authors."""
        return tuple(self._asks())

    def _asks(self) -> Iterator[Ask]:
        titles = {place.id: place.title for place in self.places}
        for grant in self.agreement["grant"]:
            owner = titles[grant["owner"]]
            yield Ask(f"grant[{grant['id']}].dataset", f"Choose a dataset. Its owner: {owner}.")
            yield Ask(f"grant[{grant['id']}].columns", "Choose the columns that the purpose needs.")
        for party in self.agreement["party"]:
            if party["role"] in CONTROLLING and "legal_power" not in party:
                yield Ask(f"party[{party['partner']}].legal_power", "Choose its legal power.")
        if any(grant.get("person") for grant in self.agreement["grant"]):
            yield Ask("rests_on", "Name the linkage agreement.")
        if any("condition" in party for party in self.agreement["party"]):
            yield Ask("dpia", "Attach the data protection impact assessment.")

    def columns_for(self, grant: str, contract: Contract, starts: date) -> list[dict[str, Any]]:
        """How the template would show this dataset’s identity columns; the rest is for authors.

        An identity column whose role the template does not name is left out.
        """
        asked = next(each for each in self.agreement["grant"] if each["id"] == grant)
        found = []
        for role, treatment in asked.get("by_role", {}).items():
            if name := contract.role(role):
                as_at = {"as_at": starts.isoformat()} if treatment == "age-band" else {}
                found.append({"name": name, "treatment": treatment, **as_at})
        return found


def _put(partners: Mapping[str, str], starts: date) -> Any:
    """A function that copies a table with partners for places and days for `after`."""

    def filled(value: Any) -> Any:
        if isinstance(value, Mapping):
            if set(value) == {AFTER}:
                return after(starts, value[AFTER]).isoformat()
            return {name: filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return placed(value) if isinstance(value, str) else value

    def placed(text: str) -> str:
        # A place stands alone (an owner) or before a slash (a group, a dataset): never in prose.
        place, slash, rest = text.partition("/")
        return f"{partners[place]}{slash}{rest}" if place in partners and " " not in text else text

    return filled


@cache
def templates() -> tuple[Template, ...]:
    """All templates, by title."""
    folder = resources.files(__package__)
    texts = (
        file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".toml")
    )
    found = [read_template(tomllib.loads(text)) for text in texts]
    return tuple(sorted(found, key=lambda each: each.title))


def template(id_: str) -> Template:
    """The template of this id; raises `BadInput` when there is none."""
    found = next((each for each in templates() if each.id == id_), None)
    if found is None:
        raise BadInput("There is no such template.", mend="Choose one of the list.")
    return found


def read_template(document: Mapping[str, Any]) -> Template:
    """A template of its document; a field that nobody reads is a fault."""
    unknown = sorted(set(document) - set(TEMPLATE_FIELDS))
    lacking = sorted(set(TEMPLATE_FIELDS) - set(document))
    check(
        [
            *(Problem(f".{name}", "no such field is known") for name in unknown),
            *(Problem(f".{name}", "this field is missing") for name in lacking),
        ],
        "A template",
    )
    return Template(
        id=document["id"],
        title=document["title"],
        when=document["when"],
        lasts=document["lasts"],
        reviewed=document["reviewed"],
        places=tuple(
            Place(each["id"], each["title"], tuple(each.get("bodies", ())))
            for each in document["place"]
        ),
        agreement=document["agreement"],
    )
