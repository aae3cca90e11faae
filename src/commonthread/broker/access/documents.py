"""Authored documents become facts: ordered by kind, checked together, written all or not at all.

A document is one TOML file as a table: `partner`, `member` and `dataset` lists, or one `charter`,
`dpia` or `agreement`. The same bytes change nothing. A reference that anybody has signed changes
only by a higher version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from commonthread.broker.keyring import Keyring, no_home
from commonthread.broker.rules import keys
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.canonical import digest, plain
from commonthread.broker.rules.charter import Dpia, parse_charter, parse_dpia
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput, Problem
from commonthread.broker.rules.facts import (
    AGREEMENT,
    CHARTER,
    DATASET_FACT,
    DPIA,
    KEY,
    MEMBER,
    PARTNER,
    Fact,
    fact_digest,
    text_digest,
)
from commonthread.broker.rules.fields import DIGEST
from commonthread.broker.rules.keys import Envelope, PrivateKey
from commonthread.broker.rules.replay import apply
from commonthread.broker.rules.standing import Standing, partner_reference
from commonthread.broker.rules.terms import PLATFORM, Terms

LISTS = (PARTNER, MEMBER, DATASET_FACT)
SINGLE = (CHARTER, DPIA, AGREEMENT)
ORDER = (PARTNER, MEMBER, DATASET_FACT, CHARTER, DPIA, AGREEMENT)

Body = Mapping[str, Any] | Callable[[Standing], Mapping[str, Any]]
MadeFact = Callable[[Standing], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Document:
    """One file as it was read: `name` is its path as the person wrote it."""

    name: str
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What applying did to one thing: `added`, `changed` or `unchanged`."""

    kind: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing out of one document, on its way to a fact."""

    kind: str
    where: str
    table: Mapping[str, Any]
    document: str


class Plan:
    """Turns documents into facts against a standing, collecting every problem on the way."""

    def __init__(
        self, standing: Standing, keyring: Keyring, partner_keys: Mapping[str, PrivateKey]
    ) -> None:
        self.trial = standing.copy()
        self.keyring = keyring
        self.partner_keys = partner_keys
        self.facts: list[tuple[str, Body]] = []
        self.changes: list[Change] = []
        self.problems: list[Problem] = []
        self._dpias: dict[str, str] = {}
        self._faulty: set[str] = set()

    def add(self, documents: Sequence[Document]) -> None:
        """Plan all documents; raises `BadInput` with all problems of all of them.

        What leans on a thing that cannot be taken is not judged: its problems would be echoes.
        """
        items = [item for document in documents for item in self._items(document)]
        echoes = 0
        for item in sorted(items, key=self._place):
            if self._faulty & set(_leans_on(item)):
                echoes += 1
                self._faulty |= _names(item)
                continue
            try:
                self._take(item)
            except BadInput as error:
                self._faulty |= _names(item)
                self.problems += [_moved(problem, item) for problem in error.problems]
                if not error.problems:
                    self.problems.append(Problem(item.where, error.message, error.mend))
        if self.problems:
            more = f" {echoes} more rest on what is wrong here, and wait for it." if echoes else ""
            raise BadInput(f"Nothing was applied.{more}", self.problems)

    def _place(self, item: Item) -> tuple[int, int, str]:
        """By kind; agreements after those that they rest on."""
        depth = 0
        if item.kind == AGREEMENT:
            rests_on = item.table.get("rests_on")
            depth = len(rests_on) if isinstance(rests_on, list) else 0
        return ORDER.index(item.kind), depth, str(item.table.get("reference", ""))

    def _items(self, document: Document) -> Iterator[Item]:
        unknown = sorted(set(document.table) - set(ORDER))
        if unknown or not document.table:
            known = ", ".join(ORDER)
            self.problems.append(
                Problem(document.name, "this table is not known here", f"one of: {known}")
            )
        for kind, value in document.table.items():
            single = [value] if kind in SINGLE else value
            if kind not in ORDER:
                continue
            if not isinstance(single, list):
                self.problems.append(Problem(document.name, f"write [[{kind}]], a list of tables"))
                continue
            for index, table in enumerate(single):
                mark = "" if kind in SINGLE else f"[{index}]"
                where = f"{document.name}: {kind}{mark}"
                if isinstance(table, Mapping):
                    yield Item(kind, where, table, document.name)
                else:
                    self.problems.append(Problem(where, "a table is needed here"))

    def _take(self, item: Item) -> None:
        match item.kind:
            case "partner":
                self._partner(item)
            case "member":
                self._member(item)
            case "dataset":
                contract = parse_contract(item.table)
                self._own(item, DATASET_FACT, contract.name, contract.to_plain(), contract.owner)
            case "charter":
                charter = parse_charter(item.table)
                self._versioned(item, CHARTER, charter.reference, charter.to_plain())
            case "dpia":
                self._dpia(item, parse_dpia(item.table))
            case "agreement":
                terms = self._terms(item)
                self._versioned(item, AGREEMENT, terms.reference, terms.to_plain())

    def _partner(self, item: Item) -> None:
        body = dict(item.table)
        id_ = str(body.get("id"))
        demo = self.trial.home is not None and self.trial.home.demo
        if demo and "root_key" not in body:
            private = self.keyring.demo_key(f"partner.{id_}", make=True)
            if private is not None:
                body["root_key"] = str(keys.public_key(private))
        if "root_key" not in body:
            raise BadInput("The partner cannot be taken.", [_no_root_key(id_)])
        self._own(item, PARTNER, id_, plain(body), id_)

    def _member(self, item: Item) -> None:
        body = plain(dict(item.table))
        id_, partner = str(body.get("id")), str(body.get("partner"))
        self._own(item, MEMBER, id_, body, partner)
        demo = self.trial.home is not None and self.trial.home.demo
        if demo and not self.trial.key_of(id_):
            root = self._root(partner)
            private = self.keyring.demo_key(f"member.{id_}", make=True)
            if root is not None and private is not None:
                text = str(keys.public_key(private))
                self._fact(KEY, admission(id_, partner, text, root))

    def _dpia(self, item: Item, dpia: Dpia) -> None:
        self._dpias[PurePath(item.document).name] = dpia.digest
        self._dpias[dpia.reference] = dpia.digest
        if dpia.digest in self.trial.dpias:
            self.changes.append(Change(DPIA, dpia.reference, "unchanged"))
            return
        self._fact(DPIA, dpia.to_plain())
        self.changes.append(Change(DPIA, dpia.reference, "added"))

    def _terms(self, item: Item) -> Terms:
        """The terms with what applying fills in: the digests of the DPIA and of the contracts."""
        table = dict(item.table)
        named = table.get("dpia")
        if isinstance(named, str) and named and not DIGEST.fullmatch(named):
            found = self._dpias.get(PurePath(named).name) or self._known_dpia(named)
            if found is None:
                raise BadInput(
                    "The agreement cannot be taken.",
                    [Problem("agreement.dpia", "the DPIA it names is not here", "put it beside")],
                )
            table["dpia"] = found
        terms = parse_terms(table)
        grants = tuple(
            grant
            if grant.contract or (contract := self.trial.contracts.get(grant.dataset)) is None
            else replace(grant, contract=contract.digest_of(grant.used_columns()))
            for grant in terms.grants
        )
        return replace(terms, grants=grants)

    def _known_dpia(self, reference: str) -> str | None:
        known = [d for d in self.trial.dpias.values() if d.reference == reference]
        return known[-1].digest if known else None

    def _versioned(self, item: Item, kind: str, reference: str, body: Mapping[str, Any]) -> None:
        before = self._body_of(kind, reference)
        if before is not None and digest(before) == digest(body):
            self.changes.append(Change(kind, reference, "unchanged"))
            return
        self._fact(kind, body)
        self.changes.append(Change(kind, reference, "added" if before is None else "changed"))

    def _own(self, item: Item, kind: str, name: str, body: Mapping[str, Any], partner: str) -> None:
        """A partner's own fact; after its accession under its root key."""
        before = self._body_of(kind, name)
        if before is not None and _same(kind, before, body):
            self.changes.append(Change(kind, name, "unchanged"))
            return
        root = self._root(partner) if self.trial.acceded(partner) else None
        self._fact(kind, body if root is None else declaration(kind, body, partner, root))
        self.changes.append(Change(kind, name, "added" if before is None else "changed"))

    def _body_of(self, kind: str, name: str) -> Mapping[str, Any] | None:
        match kind:
            case "partner" if name in self.trial.partners:
                known = self.trial.partners[name]
                return {
                    "id": known.id,
                    "name": known.name,
                    "kind": known.kind,
                    "key": known.root_key,
                    "credential": {
                        (c.scheme, c.reference, c.level, c.expires.isoformat())
                        for c in known.credentials
                    },
                }
            case "member" if name in self.trial.members:
                member = self.trial.members[name]
                return {
                    "id": member.id,
                    "name": member.name,
                    "partner": member.partner,
                    "roles": sorted(member.roles),
                    "groups": sorted(member.groups),
                }
            case "dataset" if name in self.trial.contracts:
                return self.trial.contracts[name].to_plain()
            case "charter" if name in self.trial.charters:
                return self.trial.charters[name].to_plain()
            case "agreement":
                newest = self.trial.newest(name)
                return newest.terms.to_plain() if newest else None
        return None

    def _root(self, partner: str) -> PrivateKey | None:
        return self.partner_keys.get(partner) or self.keyring.demo_key(f"partner.{partner}")

    def _fact(self, kind: str, body: Body) -> None:
        """Try the fact; it joins the plan when the standing takes it."""
        said = body(self.trial) if callable(body) else body
        at = self.trial.last_at
        if at is None:
            raise no_home(self.keyring.home)
        # Any leaf will do here: the true one is known when the entry is written.
        apply(self.trial, Fact(kind, said, at, digest({"trial": len(self.facts)})))
        self.facts.append((kind, body))


def _no_root_key(partner: str) -> Problem:
    return Problem(
        "partner.root_key",
        "this field is missing, and no home but a demo holds a partner's key",
        f"the partner makes a key, commonthread key new {partner}.pem, and its public half goes "
        'here: root_key = "ed25519:..."',
    )


def _names(item: Item) -> set[str]:
    """What others may call the item by, with its kind."""
    table = item.table
    match item.kind:
        case "dataset":
            named = {f"{table.get('owner')}/{table.get('id')}"}
        case "dpia":
            named = {str(table.get("reference")), PurePath(item.document).name}
        case "partner" | "member":
            named = {str(table.get("id"))}
        case _:
            named = {str(table.get("reference"))}
    return {f"{item.kind} {name}" for name in named}


def _leans_on(item: Item) -> Iterator[str]:
    """What the item needs to be known, in the words of `_names`; a faulty table needs nothing."""
    table = item.table
    match item.kind:
        case "member":
            yield f"{PARTNER} {table.get('partner')}"
        case "dataset":
            yield f"{PARTNER} {table.get('owner')}"
        case "dpia":
            yield f"{MEMBER} {table.get('approved_by')}"
        case "agreement":
            yield f"{CHARTER} {table.get('charter')}"
            yield f"{DPIA} {PurePath(str(table.get('dpia'))).name}"
            rests_on = table.get("rests_on")
            for reference in rests_on if isinstance(rests_on, list) else []:
                yield f"{AGREEMENT} {reference}"
            for kind, part, field in (
                (PARTNER, "party", "partner"),
                (DATASET_FACT, "grant", "dataset"),
            ):
                each = table.get(part)
                for one in each if isinstance(each, list) else []:
                    if isinstance(one, Mapping):
                        yield f"{kind} {one.get(field)}"


def _same(kind: str, before: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    if kind == PARTNER:
        credentials = {
            (
                str(c.get("scheme")),
                str(c.get("reference")),
                str(c.get("level", "")),
                str(c.get("expires")),
            )
            for c in body.get("credential", [])
            if isinstance(c, Mapping)
        }
        same = all(before[name] == body.get(name) for name in ("id", "name", "kind"))
        return (
            same and before["key"] == body.get("root_key") and credentials <= before["credential"]
        )
    if kind == MEMBER:
        said = {name: body.get(name) for name in ("id", "name", "partner")}
        lists = {name: sorted(body.get(name, [])) for name in ("roles", "groups")}
        return dict(before) == {**said, **lists}
    return digest(before) == digest(body)


def _moved(problem: Problem, item: Item) -> Problem:
    """The problem with the file and the entry it stands in."""
    where = problem.where.partition(".")[2] or problem.where.partition("[")[2]
    return Problem(f"{item.where}.{where}" if where else item.where, problem.message, problem.mend)


def admission(member: str, partner: str, key: str, root: PrivateKey) -> Body:
    """The fact that a partner's root key admits a member's key."""

    def body(standing: Standing) -> Mapping[str, Any]:
        previous = standing.previous(partner_reference(partner))
        unsigned = Envelope(keys.ADMIT, text_digest(key), member, partner, "", previous)
        return {"key": key, "envelope": keys.sign(unsigned, root).to_plain()}

    return body


def declaration(kind: str, said: Mapping[str, Any], partner: str, root: PrivateKey) -> Body:
    """An acceded partner's own fact, under its root key."""

    def body(standing: Standing) -> Mapping[str, Any]:
        previous = standing.previous(partner_reference(partner))
        unsigned = Envelope(keys.DECLARE, fact_digest(kind, said), partner, partner, "", previous)
        return {**said, "envelope": keys.sign(unsigned, root).to_plain()}

    return body


def written(facts: Sequence[tuple[str, Body]]) -> list[MadeFact]:
    """The facts as the ledger takes them: each body made when the one before it is written."""

    def made(kind: str, body: Body) -> MadeFact:
        return lambda standing: (kind, body(standing) if callable(body) else body)

    return [made(kind, body) for kind, body in facts]


def map_contract(name: str, sources: Sequence[str]) -> Contract:
    """The contract of a person index: (dataset, record) → resident."""
    return parse_contract(
        {
            "owner": PLATFORM,
            "id": name.partition("/")[2],
            "title": "Which records belong to one resident",
            "classification": "personal",
            "delivery": "snapshot",
            "key": ["dataset", "record"],
            "derived_from": sorted(sources),
            "column": [{"name": n, "type": "text"} for n in ("dataset", "record", "resident")],
        }
    )
