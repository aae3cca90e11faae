"""One partner's credentials: what each covers, who checked it, what its lapse does; its forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import tomli_w
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from commonthread.broker.access import BadInput, Problem
from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.gateway.assurance import checks
from commonthread.gateway.assurance.checks import Renewal
from commonthread.gateway.assurance.evidence import LARGEST, EvidenceStore
from commonthread.gateway.assurance.grid import Row, lapses, newest
from commonthread.gateway.assurance.schemes import SCHEMES, level_in_words, scheme_in_words
from commonthread.gateway.models import CredentialCheck
from commonthread.web.documents import FORM_BYTES, InMemory
from commonthread.web.drafts.fields import CHOICE, DAY, LINE, TEXT, Field, answered, show
from commonthread.web.pages import Visit, page

from .grid import grid_of, shown
from .timeline import timelines

if TYPE_CHECKING:
    from commonthread.broker.rules.standing import Credential, Partner

CHECK, RENEW = "check", "renew"
# Both forms ask for a scheme: the fields of the second have a prefix of their own.
NEW = "new-"
DAYS = ("checked_on", "expires")
TYPES = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg"}
# In a document that is shown before anything is filled in.
UNFILLED = Renewal("dspt", "THE NEW REFERENCE", "standards-met", date(2027, 6, 30))


@page("GET")
def partner(visit: Visit, partner: str) -> HttpResponse:
    return _show(visit, _row(visit, partner))


def _row(visit: Visit, partner: str) -> Row:
    row = grid_of(visit.broker).row(partner)
    if row is None:
        raise Http404
    return row


def _show(
    visit: Visit,
    row: Row,
    form: str = "",
    values: Mapping[str, Any] | None = None,
    error: BadInput | None = None,
) -> HttpResponse:
    known, today = row.partner, london_day(now())
    looked = list(CredentialCheck.objects.filter(partner=known.id).order_by("-at"))
    problems = {one.where: _sentence(one) for one in error.problems} if error else {}
    sent = {form: values or {}}
    said = {form: problems}
    return visit.show(
        "web/assurance/partner.html",
        code=400 if error else 200,
        nav="assurance",
        row=row,
        known=known,
        cells=[_cell(visit, known, one, looked) for one in map(shown, row.cells) if _matters(one)],
        drawing=timelines(known.name, _in_order(known), today),
        may_check=checks.may_check(visit.member, known.id),
        may_see=checks.may_see_evidence(visit.member),
        check_fields=show(
            _check_fields(known), {"checked_on": today.isoformat(), **sent.get(CHECK, {})},
            said.get(CHECK, {}),
        ),
        renew_fields=show(_renew_fields(), sent.get(RENEW, {}), said.get(RENEW, {}), NEW),
        failed=form,
        file_problem=problems.get("file", ""),
        failures=_targets(form, problems) or [(form, str(error))] if error else [],
        held=bool(known.credentials),
        largest=LARGEST // 1024 // 1024,
        demo=visit.broker.demo,
        document=tomli_w.dumps(checks.renewal_table(known, UNFILLED)),
    )  # fmt: skip


def _matters(cell: dict[str, Any]) -> bool:
    """What the partner has, or is asked for; not every scheme that others have."""
    return bool(cell["cell"].expires or cell["cell"].asks)


def _in_order(known: Partner) -> list[Credential]:
    return sorted(known.credentials, key=lambda one: (scheme_in_words(one.scheme), one.recorded))


def _cell(
    visit: Visit, known: Partner, cell: dict[str, Any], looked: list[CredentialCheck]
) -> dict[str, Any]:
    scheme = cell["cell"].scheme
    members = visit.broker.standing().members
    names = {one.checked_by: one.checked_by for one in looked}
    names |= {id_: members[id_].name for id_ in names if id_ in members}
    held = newest(known, scheme)
    own = [one for one in looked if one.scheme == scheme]
    return cell | {
        "held": held,
        "earlier": [
            (one, level_in_words(scheme, one.level) if one.level else "")
            for one in sorted(known.credentials, key=lambda one: one.expires, reverse=True)
            if one.scheme == scheme and one is not held
        ],
        "asks": lapses(Row(known, (cell["cell"],))).get(scheme, ()),
        "checks": [(one, names[one.checked_by]) for one in own],
        "is_checked": any(held and one.expires == held.expires for one in own),
    }


def _check_fields(known: Partner) -> tuple[Field, ...]:
    schemes = sorted({one.scheme for one in known.credentials})
    return (
        Field("scheme", "Credential", CHOICE, "", [(one, scheme_in_words(one)) for one in schemes]),
        Field("scope", "What it covers", TEXT, "Such as the whole organisation, or one site."),
        Field("checked_on", "Day of the check", DAY),
        Field(
            "note", "What you looked at", TEXT, "Such as the public register. No names.",
            optional=True,
        ),
    )  # fmt: skip


def _renew_fields() -> tuple[Field, ...]:
    levels = sorted({level.id for scheme in SCHEMES.values() for level in scheme.levels})
    return (
        Field(
            "scheme", "Scheme", LINE, "One of the list, or a name of your own in small letters.",
            [(one.id, one.title) for one in SCHEMES.values()],
        ),
        Field("reference", "Number or reference", LINE, "As its public register has it."),
        Field(
            "level", "Level", LINE,
            "Where the scheme has levels. Agreements compare it letter by letter.",
            [(one, one) for one in levels], optional=True,
        ),
        Field("expires", "Last day on which it holds", DAY, "For example 30 6 2027."),
    )  # fmt: skip


def _sentence(problem: Problem) -> str:
    said = f"{problem.message[0].upper()}{problem.message[1:]}".rstrip(".")
    return f"{said}. {problem.mend}".strip()


def _targets(form: str, problems: Mapping[str, str]) -> list[tuple[str, str]]:
    """(id of the field, what is wrong) of each, for the summary at the top of the page."""
    prefix = NEW if form == RENEW else ""
    return [
        (f"{prefix}{name}-day" if name in DAYS else f"{prefix}{name}", said)
        for name, said in problems.items()
    ]


# The size of what is sent is looked at before any of it is read, which the check for forgery
# would do; the check is made all the same, one step later.
@csrf_exempt
def check(request: HttpRequest, partner: str) -> HttpResponse:
    sent = request.META.get("CONTENT_LENGTH") or "0"
    if request.method == "POST":
        request.upload_handlers = [InMemory(request)]
        if not sent.isdecimal() or int(sent) > LARGEST + FORM_BYTES:
            return _too_large(request, partner=partner)
    return _check(request, partner=partner)


@page("POST")
def _too_large(visit: Visit, partner: str) -> HttpResponse:
    problem = Problem("file", f"The file is larger than {LARGEST // 1024 // 1024} MB.")
    error = BadInput("The check cannot be taken.", [problem])
    return _show(visit, _row(visit, partner), CHECK, {}, error)


@csrf_protect
@page("POST")
def _check(visit: Visit, partner: str) -> HttpResponse:
    row = _row(visit, partner)
    values = answered(_check_fields(row.partner), visit.request.POST)
    file = visit.request.FILES.get("file")
    try:
        checks.record(
            EvidenceStore(settings.HOME),
            row.partner,
            str(values.get("scheme", "")),
            scope=str(values.get("scope", "")),
            note=str(values.get("note", "")),
            checked_on=_day(values, "checked_on"),
            file=(str(file.name), file.read()) if file else None,
            by=visit.member,
            at=now(),
        )
    except BadInput as error:
        return _show(visit, row, CHECK, values, error)
    return redirect("assurance-partner", partner=partner)


@page("POST")
def renew(visit: Visit, partner: str) -> HttpResponse:
    row = _row(visit, partner)
    values = answered(_renew_fields(), visit.request.POST, NEW)
    try:
        wanted = Renewal(
            str(values.get("scheme", "")),
            str(values.get("reference", "")),
            str(values.get("level", "")),
            _day(values, "expires"),
        )
        checks.renew(visit.broker, row.partner, wanted, visit.member)
    except BadInput as error:
        return _show(visit, row, RENEW, values, error)
    return redirect("assurance-partner", partner=partner)


def _day(values: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(str(values.get(name, "")))
    except ValueError:
        problem = Problem(name, "enter a day, month and year, such as 30 6 2027")
        raise BadInput("A day is missing or is none.", [problem]) from None


@page("GET")
def evidence(visit: Visit, number: int) -> HttpResponse:
    """The file of one check, to save and never to run: whatever it is, a browser only keeps it."""
    found = CredentialCheck.objects.filter(pk=number).exclude(file="").first()
    if found is None or not checks.may_see_evidence(visit.member):
        raise Http404
    content = EvidenceStore(settings.HOME).read(checks.evidence_of(found))
    kind = TYPES[found.file_name.rpartition(".")[2]]
    answer = HttpResponse(content, content_type=kind)
    answer.headers["Content-Disposition"] = _attached(found.file_name)
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _attached(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"
