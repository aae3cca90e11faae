"""What is shared: the grants of a draft, one page for each, with a preview on invented rows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone

from commonthread.broker.access import BadInput
from commonthread.broker.rules.authored import parse_grant
from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.filters import COMPARISONS
from commonthread.broker.rules.terms import MODES, NEEDS, PERSON, PERSON_INDEX
from commonthread.broker.rules.treatments import TREATMENTS, fits
from commonthread.gateway import words
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting.sections import BY_ID, item_of, read, seen
from commonthread.gateway.drafting.twin import Preview, preview
from commonthread.gateway.models import Draft
from commonthread.web.pages import Visit, page, partner_names

from .draft import base, found
from .fields import CHOICE, DAY, FLAG, LINE, SEVERAL, WHOLE, Choices, Field, Shown, answered, show
from .pages import clashes
from .talk import talk
from .wording import of_grant, rows_of

DATA = BY_ID["data"]
CONDITIONS = 3
JOINS = (("and", "all of these hold"), ("or", "any of these holds"))
SIGNS = [(sign, words.COMPARISONS[sign]) for sign in COMPARISONS]


@dataclass(frozen=True, slots=True)
class ColumnAsked:
    """One column of the dataset as the form asks about it."""

    column: Column
    role: str
    treatment: str
    offered: list[tuple[str, str, bool]]
    as_at: Shown
    shown_as: str


@page("GET", "POST")
def every(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    """The grants of a draft; adding one, or taking one out."""
    draft = found(visit, draft_id)
    if visit.request.method == "POST":
        return _changed(visit, draft)
    progress = read(draft.terms).of(DATA.id)
    return visit.show(
        "web/drafts/data.html",
        **base(visit, draft),
        section=DATA,
        grants=[
            (number, row, list(of_grant(row)), _wrong(progress, number))
            for number, row in enumerate(rows(draft))
        ],
        datasets=_datasets(visit),
        grants_seen=seen(draft.terms, DATA),
        problems=[one for one in progress.problems if item_of(one)[0] is None],
        clashes=clashes(visit, draft, DATA),
        comments=talk(visit, draft, DATA),
        may_suggest=False,
        following="assurance",
    )


def rows(draft: Draft) -> list[dict[str, Any]]:
    held = draft.terms.get("grant", [])
    return [dict(row) for row in held if isinstance(row, Mapping)] if isinstance(held, list) else []


def _wrong(progress: Any, number: int) -> int:
    return sum(item_of(problem)[0] == number for problem in progress.problems)


def _changed(visit: Visit, draft: Draft) -> HttpResponse:
    held = rows(draft)
    do, number = visit.sent("do"), visit.sent("number")
    if do == "add":
        dataset = visit.sent("dataset")
        if dataset not in visit.broker.standing().contracts:
            raise BadInput("Choose a dataset to share.", mend="Go back and choose one.")
        held.append(_fresh(dataset, held))
        number = str(len(held) - 1)
    elif do == "remove" and number.isdigit() and int(number) < len(held):
        held.pop(int(number))
    else:
        raise Http404
    _save(visit, draft, held)
    if do == "add":
        return redirect("draft-grant", draft_id=draft.id, number=int(number))
    return redirect("draft-data", draft_id=draft.id)


def _fresh(dataset: str, held: list[dict[str, Any]]) -> dict[str, Any]:
    """A grant that shows nothing yet, under a name that no other has."""
    taken = {str(row.get("id")) for row in held}
    name = dataset.partition("/")[2]
    free = next(n for n in [name, *(f"{name}-{i}" for i in range(2, 100))] if n not in taken)
    return {"id": free, "dataset": dataset, "mode": "statistics", "retention": "P90D"}


def _save(visit: Visit, draft: Draft, grants: list[dict[str, Any]]) -> Draft:
    values = {"grant": grants}
    return drafts.save(
        draft.id, DATA.id, values, visit.sent("seen"), by=visit.member, at=timezone.now()
    )


def _datasets(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """(partner, [(dataset, its title)]) of what has a contract, maps of residents left out."""
    names = {partner.id: partner.name for partner in visit.broker.partners()}
    found: dict[str, list[tuple[str, str]]] = {}
    for name, contract in sorted(visit.broker.standing().contracts.items()):
        if contract.owner in names and not contract.derived_from:
            found.setdefault(names[contract.owner], []).append((name, contract.title))
    return sorted(found.items())


@page("GET", "POST")
def one(visit: Visit, draft_id: uuid.UUID, number: int) -> HttpResponse:
    """One grant: columns, rows, who, what for, in which mode; and what they would see."""
    draft = found(visit, draft_id)
    held = rows(draft)
    if number >= len(held):
        raise Http404
    contracts = visit.broker.standing().contracts
    contract = contracts.get(str(held[number].get("dataset")))
    if visit.sent("do") == "dataset":
        return _chosen(visit, draft, held, number)
    if visit.request.method != "POST" or contract is None:
        return _grant(visit, draft, number, held[number], contract)
    held[number] = _sent(visit, held[number], contract)
    autosave = visit.request.headers.get("X-Autosave") == "1"
    try:
        draft = _save(visit, draft, held)
    except drafts.SavedMeanwhile as error:
        if autosave:
            return JsonResponse({"saved": False, "said": str(error)}, status=409)
        fresh = found(visit, draft_id)
        return _grant(visit, fresh, number, held[number], contract, failure=str(error))
    if autosave:
        at = timezone.localtime(draft.changed)
        said = {"saved": True, "said": f"Saved at {at:%H:%M}", "seen": seen(draft.terms, DATA)}
        return JsonResponse(said)
    if visit.sent("do") == "preview":
        return redirect(f"{visit.request.path}#preview")
    return redirect("draft-data", draft_id=draft.id)


def _chosen(visit: Visit, draft: Draft, held: list[dict[str, Any]], number: int) -> HttpResponse:
    """Give a table that a template left open its dataset; what else it says stays."""
    dataset = visit.sent("dataset")
    if dataset not in visit.broker.standing().contracts:
        return _grant(visit, draft, number, held[number], None, failure="Choose a dataset")
    _save(visit, draft, [*held[:number], {**held[number], "dataset": dataset}, *held[number + 1 :]])
    return redirect("draft-grant", draft_id=draft.id, number=number)


def _grant(
    visit: Visit,
    draft: Draft,
    number: int,
    row: Mapping[str, Any],
    contract: Contract | None,
    *,
    failure: str = "",
) -> HttpResponse:
    progress = read(draft.terms).of(DATA.id)
    problems = {
        name: f"{problem.message[0].upper()}{problem.message[1:]}. {problem.mend}".strip()
        for problem in progress.problems
        for item, name in [item_of(problem)]
        if item == number
    }
    conditions, joined, simple = _conditions(row)
    looked_at = _preview(row, contract) if contract else None
    return visit.show(
        "web/drafts/grant.html",
        code=400 if failure else 200,
        **base(visit, draft),
        section=DATA,
        number=number,
        row=row,
        contract=contract,
        datasets=() if contract else _datasets(visit),
        owner=partner_names(visit.broker).get(contract.owner, "") if contract else "",
        fields=show(_fields(visit, draft, row, contract), row, problems),
        columns=_columns(row, contract) if contract else [],
        conditions=conditions,
        joined=joined,
        joins=JOINS,
        signs=SIGNS,
        simple=simple,
        rows_said=rows_of(row),
        problems=[one for one in progress.problems if item_of(one)[0] == number],
        seen=seen(draft.terms, DATA),
        failure=failure,
        preview=looked_at if isinstance(looked_at, Preview) else None,
        no_preview=looked_at if isinstance(looked_at, str) else "",
        treatments=words.TREATMENTS,
    )


def _fields(
    visit: Visit, draft: Draft, row: Mapping[str, Any], contract: Contract | None
) -> list[Field]:
    purposes = [
        (str(one.get("id")), f"{one.get('id')}: {one.get('text', '')}")
        for one in draft.terms.get("purpose", [])  # type: ignore[attr-defined]
        if isinstance(one, Mapping)
    ]
    others = [(str(one.get("id")), str(one.get("id"))) for one in rows(draft) if one is not row]
    keys = [(c.name, c.name) for c in contract.columns] if contract else []
    return [
        Field("id", "Name of this table", LINE, "Small letters and hyphens; analysts write it."),
        Field("purpose", "Purpose", CHOICE, "One of the purposes of the agreement.", purposes),
        Field("recipients", "Who may see it", SEVERAL, "Groups; each partner keeps its own.",
              _groups(visit)),
        Field("mode", "How they may see it", CHOICE, "", [(m, words.MODES[m]) for m in MODES]),
        Field("person", "Give each resident a pseudonym, to join tables by", FLAG,
              "It is of this agreement only, and needs a linkage agreement that it rests on.",
              optional=True),
        Field("persons", "Only residents who are in", CHOICE, "", others, optional=True),
        Field("minimum_count", "No figure about fewer residents than", WHOLE,
              "For statistics; 5 if you say nothing.", optional=True),
        Field("round_to", "Round figures to", WHOLE, "For statistics; 5 if you say nothing.",
              optional=True),
        Field("by", "Looked up by", CHOICE, "For look-ups.", [(PERSON, "the pseudonym"), *keys],
              optional=True),
        Field("per_day", "Look-ups a day, at most", WHOLE, "For look-ups; 50 if you say nothing.",
              optional=True),
        Field("needs", "Closed until there is", SEVERAL, "", [(n, n) for n in NEEDS],
              optional=True),
        Field("export", "May be downloaded", FLAG, "What is downloaded is out of our reach.",
              optional=True),
        Field("retention", "What is kept is destroyed after", LINE, "A period: P90D is 90 days."),
    ]  # fmt: skip


def _groups(visit: Visit) -> Choices:
    """Every group that has a member, and the person index."""
    names = {partner.id: partner.name for partner in visit.broker.partners()}
    found = {group for member in visit.broker.members() for group in member.groups}
    found.discard(PERSON_INDEX)
    said = [(group, " of ".join(words.group(group, names))) for group in sorted(found)]
    return [*said, (PERSON_INDEX, "the person index of the platform")]


def _columns(row: Mapping[str, Any], contract: Contract) -> list[ColumnAsked]:
    granted = {
        str(one.get("name")) if isinstance(one, Mapping) else str(one): one
        for one in row.get("columns", [])
    }
    roles = {column: role for role, column in contract.identity}
    return [
        _asked(column, roles.get(column.name, ""), granted.get(column.name))
        for column in contract.columns
    ]


def _asked(column: Column, role: str, granted: Any) -> ColumnAsked:
    said = granted if isinstance(granted, Mapping) else {}
    treatment = "" if granted is None else str(said.get("treatment", "plain"))
    offered = [
        (one, words.TREATMENTS.get(one, "age in bands of five years"), one == treatment)
        for one in TREATMENTS
        if fits(one, column.type)
    ]
    key = f"as_at-{column.name}"
    as_at = Shown(Field("as_at", f"{column.name}: age as at", DAY), key, said.get("as_at"))
    shown_as = str(said.get("as", ""))
    return ColumnAsked(
        column, words.IDENTITY.get(role, ""), treatment, offered, as_at,
        "" if shown_as == column.name else shown_as,
    )  # fmt: skip


def _sent(visit: Visit, before: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The grant as the form says it; a filter that the form cannot show stays as it is."""
    sent = visit.request.POST
    fields = _fields(visit, Draft(terms={}), {}, contract)
    made = {"dataset": contract.name, **answered(fields, sent)}
    if made.pop("person", None):
        made["person"] = "pseudonym"
    _of_its_mode(made)
    columns = [one for column in contract.columns if (one := _column_sent(sent, column))]
    if columns:
        made["columns"] = columns
    filter_ = before.get("rows") if sent.get("keep_rows") else _rows_sent(sent, contract)
    return {**made, "rows": filter_} if filter_ is not None else made


def _of_its_mode(made: dict[str, Any]) -> None:
    """Fields of another mode are left out: changing one's mind should not need four clicks."""
    belongs = {"statistics": ("minimum_count", "round_to"), "lookup": ("by", "per_day")}
    for mode, names in belongs.items():
        if made.get("mode") != mode:
            for name in names:
                made.pop(name, None)


def _column_sent(sent: Any, column: Column) -> Any:
    treatment = str(sent.get(f"column-{column.name}", ""))
    if not treatment:
        return None
    said: dict[str, Any] = {"name": column.name, "treatment": treatment}
    if treatment == "age-band":
        key = f"as_at-{column.name}"
        said["as_at"] = answered([Field(key, "", DAY)], sent).get(key, "")
    shown_as = str(sent.get(f"as-{column.name}", "")).strip()
    return {**said, "as": shown_as} if shown_as else said


def _conditions(row: Mapping[str, Any]) -> tuple[list[tuple[str, str, str]], str, bool]:
    """(column, sign, value) for the form, how they are joined, and can the form say the filter."""
    filter_ = row.get("rows")
    blank = [("", "=", "")] * CONDITIONS
    if filter_ is None:
        return blank, "and", True
    joined, parts = "and", [filter_]
    if isinstance(filter_, Mapping) and len(filter_) == 1 and next(iter(filter_)) in ("and", "or"):
        joined, parts = next(iter(filter_.items()))
    simple = isinstance(parts, list) and all(
        isinstance(one, list) and len(one) == 3 and one[1] in COMPARISONS for one in parts
    )
    if not simple:
        return blank, "and", False
    return [*((c, s, _literal(v)) for c, s, v in parts), *blank[:1]], joined, True


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rows_sent(sent: Any, contract: Contract) -> Any:
    types = {column.name: column.type for column in contract.columns}
    parts = []
    for column, sign, value in zip(
        sent.getlist("row-column"), sent.getlist("row-sign"), sent.getlist("row-value"),
        strict=False,
    ):  # fmt: skip
        if column in types:
            parts.append([column, sign, _typed(value.strip(), types[column])])
    if len(parts) > 1:
        return {"or" if sent.get("row-join") == "or" else "and": parts}
    return parts[0] if parts else None


def _typed(text: str, kind: str) -> Any:
    if kind == "integer" and text.lstrip("-").isdigit():
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _preview(row: Mapping[str, Any], contract: Contract) -> Preview | str:
    """What they would see, or in a sentence why that cannot be shown yet."""
    try:
        return preview(parse_grant(dict(row)), contract)
    except BadInput:
        return "There is a preview when the grant is complete: see what is still missing above."
    except (KeyError, ValueError, TypeError):
        return "The row condition does not fit the columns of the dataset."
