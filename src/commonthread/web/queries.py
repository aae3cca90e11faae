"""Ask under an agreement for a purpose, watch it run, see the answer or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput, Lookup, Reason, Refused, Request, Sql
from commonthread.broker.rules.standing import SIGNATORY
from commonthread.broker.rules.terms import PERSON, Grant
from commonthread.gateway import words
from commonthread.web import cells
from commonthread.web.acts import parties_to_leave
from commonthread.web.charts import Chart, chart
from commonthread.web.examples import Table, examples
from commonthread.web.jobs import (
    DONE,
    FAULTY,
    JOBS,
    REFUSED,
    RUNNING,
    SHOWN_ROWS,
    UNFINISHED,
    Job,
    recheck,
)
from commonthread.web.pages import DEMO, Visit, page, partner_names, status_of

LONGEST_QUERY = 20_000
LONGEST_VALUE = 500
# With more columns than this a table may be wider than the window: narrow, or any.
NARROW_COLUMNS, WIDE_COLUMNS = 2, 6
GONE = (
    "There is no answer at this address, or it is not yours. Answers are kept for 15 minutes and "
    "for the person who asked."
)
TITLES = {
    RUNNING: "Running",
    DONE: "Answer",
    "stopped": "Stopped",
    "ended": "Ended",
    REFUSED: "Refused",
    FAULTY: "The query cannot be taken",
    UNFINISHED: "The query did not finish",
    "broken": "Nothing can be shown",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One agreement and purpose under which the member may ask something."""

    agreement: str
    purpose: str
    title: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.agreement}/{self.purpose}"


def _choices(visit: Visit, *modes: str) -> list[Choice]:
    """Agreement and purpose of each grant that is open to the member in one of the modes."""
    found: dict[str, Choice] = {}
    terms = {status.reference: status.terms for status in visit.broker.agreements()}
    for id_, decision in visit.broker.can(visit.who):
        request = decision.request
        known = terms.get(request.agreement)
        grant = known.grant(id_) if known and decision.permitted else None
        if known is None or grant is None or grant.mode not in modes:
            continue
        text = next((item.text for item in known.purposes if item.id == request.purpose), "")
        choice = Choice(request.agreement, request.purpose, known.title, text)
        found[choice.id] = choice
    return [found[id_] for id_ in sorted(found)]


def _tables(visit: Visit, choice: Choice) -> list[Table]:
    found = visit.broker.tables(visit.who, choice.agreement, choice.purpose)
    return [Table(name, mode, dict(columns)) for name, mode, columns in found]


def _in_words(
    visit: Visit, choice: Choice, tables: list[Table]
) -> list[tuple[Table, list[tuple[str, str, str]]]]:
    """Each table with (column, type, how it is shown where that is not as it was recorded)."""
    terms = status_of(visit.broker, choice.agreement).terms
    found = []
    for table in tables:
        granted = [grant for grant in terms.grants if grant.table == table.name] if terms else []
        said = {
            column.exposed: words.column_in_words(column)
            for grant in granted
            for column in grant.columns
            if column.treatment != "plain"
        }
        columns = [(name, kind, said.get(name, "")) for name, (kind, _) in table.columns.items()]
        if table.mode != "lookup":
            found.append((table, columns))
    return found


def _closed(visit: Visit, *modes: str) -> list[tuple[str, str, tuple[Reason, ...]]]:
    """(reference, title, why not) of each agreement with grants for the member, none open now."""
    terms = {status.reference: status.terms for status in visit.broker.agreements()}
    why: dict[str, tuple[Reason, ...]] = {}
    for id_, decision in visit.broker.can(visit.who):
        known = terms.get(decision.request.agreement)
        grant = known.grant(id_) if known else None
        if known is None or grant is None or grant.mode not in modes:
            continue
        if any(reason.code == "recipient" for reason in decision.reasons):
            continue
        before = why.get(known.reference, ())
        why[known.reference] = tuple(dict.fromkeys((*before, *decision.reasons)))
    titles = {reference: known.title for reference, known in terms.items() if known}
    return [(reference, titles[reference], why[reference]) for reference in sorted(why)]


@page("GET", "POST")
def ask(visit: Visit) -> HttpResponse:
    choices = _choices(visit, "rows", "statistics")
    if visit.request.method != "POST":
        wanted = str(visit.request.GET.get("under", ""))
        chosen = next((choice for choice in choices if choice.id == wanted), None)
        if chosen is None and len(choices) == 1:
            chosen = choices[0]
        return _form(visit, choices, chosen, example=str(visit.request.GET.get("example", "")))
    chosen = next((choice for choice in choices if choice.id == visit.sent("under")), None)
    text = visit.sent("sql")
    if chosen is None:
        return _form(visit, choices, None, text=text, missing="Choose an agreement and a purpose")
    if not text:
        return _form(visit, choices, chosen, missing="Enter a query")
    if len(text) > LONGEST_QUERY:
        too_long = f"Enter a query of at most {LONGEST_QUERY:,} characters"
        return _form(visit, choices, chosen, text=text, missing=too_long)
    return _start(visit, Request(visit.who, Sql(text), chosen.agreement, chosen.purpose))


def _start(visit: Visit, request: Request) -> HttpResponse:
    return redirect("answer", key=JOBS.start(visit.broker, request).key)


def _form(
    visit: Visit,
    choices: list[Choice],
    chosen: Choice | None,
    *,
    text: str = "",
    example: str = "",
    missing: str = "",
) -> HttpResponse:
    tables = _tables(visit, chosen) if chosen else []
    ready = examples(tables)
    if example.isdecimal() and int(example) < len(ready):
        text = ready[int(example)].sql
    return visit.show(
        "web/query.html",
        code=400 if missing else 200,
        nav="query",
        choices=choices,
        chosen=chosen,
        tables=_in_words(visit, chosen, tables) if chosen else [],
        examples=ready,
        text=text,
        missing=missing,
        closed=[] if choices else _closed(visit, "rows", "statistics"),
        look_ups=bool(_choices(visit, "lookup")),
        jobs=JOBS.of(visit.who)[:10],
    )


@page("GET", "POST")
def look_up(visit: Visit) -> HttpResponse:
    """One resident or one key, for a stated reason; the value never stands in an address."""
    grants = _lookups(visit)
    if visit.request.method != "POST":
        return _lookup_form(visit, grants, {}, {})
    sent = {name: visit.sent(name) for name in ("grant", "value", "reason")}
    errors = {name: said for name, said in LOOKUP_ERRORS.items() if not sent[name]}
    if sent["grant"] and sent["grant"] not in grants:
        errors["grant"] = LOOKUP_ERRORS["grant"]
    if len(sent["value"]) > LONGEST_VALUE:
        errors["value"] = f"Enter a value of at most {LONGEST_VALUE} characters"
    if errors:
        return _lookup_form(visit, grants, sent, errors)
    choice, grant = grants[sent["grant"]]
    question = Lookup(grant.id, sent["value"], sent["reason"], grant.by == PERSON)
    return _start(visit, Request(visit.who, question, choice.agreement, choice.purpose))


LOOKUP_ERRORS = {
    "grant": "Choose what to look in",
    "value": "Enter whom or what to look up",
    "reason": "Enter why you look it up",
}


def _lookups(visit: Visit) -> dict[str, tuple[Choice, Grant]]:
    choices = {choice.id: choice for choice in _choices(visit, "lookup")}
    terms = {status.reference: status.terms for status in visit.broker.agreements()}
    found = {}
    for id_, decision in visit.broker.can(visit.who):
        choice = choices.get(f"{decision.request.agreement}/{decision.request.purpose}")
        known = terms.get(decision.request.agreement)
        grant = known.grant(id_) if known else None
        if choice and grant and grant.mode == "lookup" and decision.permitted:
            found[f"{choice.id}/{grant.id}"] = (choice, grant)
    return found


def _lookup_form(
    visit: Visit,
    grants: dict[str, tuple[Choice, Grant]],
    sent: dict[str, str],
    errors: dict[str, str],
) -> HttpResponse:
    return visit.show(
        "web/look_up.html",
        code=400 if errors else 200,
        nav="query",
        grants=[(id_, choice, grant) for id_, (choice, grant) in grants.items()],
        closed=[] if grants else _closed(visit, "lookup"),
        sent=sent,
        errors=errors,
    )


def _job(visit: Visit, key: str) -> Job:
    job = JOBS.find(key, visit.who)
    if job is None:
        raise Http404(GONE)
    recheck(job, visit.broker)
    return job


@page("GET")
def answer(visit: Visit, key: str) -> HttpResponse:
    job = _job(visit, key).seen()
    shown = job.rows[:SHOWN_ROWS]
    return visit.show(
        "web/answer.html",
        nav="query",
        job=job,
        title=TITLES[job.state],
        columns=[
            (name, kind, _numeric(job, index)) for index, (name, kind) in enumerate(job.columns)
        ],
        rows=[[cells.as_text(value) for value in row] for row in shown],
        chart=_chart(visit, job),
        shown=len(shown),
        may_scroll="always" if len(job.columns) > WIDE_COLUMNS else "narrow",
        scrolls=len(job.columns) > NARROW_COLUMNS,
        total=len(job.rows),
        line=progress(job),
        problems=getattr(job.error, "problems", ()),
        leaving=_leaving(visit, job) if job.state in (RUNNING, DONE) else [],
        sql=job.request.question.text if isinstance(job.request.question, Sql) else "",
        under=f"{job.request.agreement}/{job.request.purpose}",
    )


def _chart(visit: Visit, job: Job) -> Chart | None:
    """Drawn of what the table shows; a look-up is about one person, and has nothing to draw."""
    if job.state != DONE or not isinstance(job.request.question, Sql):
        return None
    terms = status_of(visit.broker, job.request.agreement).terms
    grants = terms.grants if terms else ()
    granted = {column.exposed for grant in grants for column in grant.columns}
    return chart(job.columns, job.rows[:SHOWN_ROWS], granted)


def _numeric(job: Job, index: int) -> bool:
    kind = job.columns[index][1]
    values = [row[index] for row in job.rows[:20] if row[index] is not None]
    return bool(values) and all(cells.is_number(value, kind) for value in values)


def progress(job: Job) -> str:
    """What a page says of a running query: how long, how far; nothing of what it asks."""
    if job.running and job.entry is None:
        return f"Deciding, and preparing the tables · {job.seconds} s"
    rows = f"{len(job.rows):,} row{'' if len(job.rows) == 1 else 's'}"
    if job.running:
        return f"Running for {job.seconds} s · {rows} so far"
    return f"{rows} in {job.seconds} s"


def _leaving(visit: Visit, job: Job) -> list[tuple[str, str]]:
    """In a demo home: the partners whose withdrawal would end this query, with their names."""
    names = partner_names(visit.broker)
    leaving = parties_to_leave(status_of(visit.broker, job.request.agreement))
    return [(id_, names.get(id_, id_)) for id_ in leaving if _signatory(visit, id_)]


def _signatory(visit: Visit, partner: str) -> str:
    members = visit.broker.members()
    found = (one.id for one in members if one.partner == partner and SIGNATORY in one.roles)
    return next(found, "")


@page("GET")
def state(visit: Visit, key: str) -> HttpResponse:
    """What the page's script asks each second."""
    job = _job(visit, key).seen()
    return JsonResponse({"state": job.state, "line": progress(job)})


@page("POST")
def stop(visit: Visit, key: str) -> HttpResponse:
    _job(visit, key).stop()
    return redirect("answer", key=key)


@page("POST")
def withdraw(visit: Visit, key: str) -> HttpResponse:
    """A demo home's one click: a persona's key withdraws its partner, whoever is signed in."""
    job = _job(visit, key)
    partner = visit.sent("partner")
    signatory = _signatory(visit, partner)
    if partner not in {id_ for id_, _ in _leaving(visit, job)} or not signatory:
        raise BadInput("This partner cannot withdraw now.", mend="See the agreement for why.")
    reason = "Withdrawn from the page of a running query, to show that it ends."
    visit.broker.act(job.request.agreement, "withdraw", signatory, reason)
    return redirect("answer", key=key)


@page("GET")
def download(visit: Visit, key: str) -> HttpResponse:
    job = _job(visit, key).seen()
    if job.state != DONE:
        raise Http404(GONE)
    if not job.export:
        raise Refused(job.reasons, "The agreement does not let this answer be downloaded.")
    lines = cells.csv_lines(job.columns, job.rows, DEMO if visit.broker.demo else "")
    name = f"{job.request.agreement}-{job.entry}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = "".join(lines)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
