"""The addresses of the pages. None holds anything personal: a query is known by a random word."""

from django.urls import path, register_converter

from commonthread.web import (
    acts,
    agreements,
    county,
    datasets,
    documents,
    flows,
    importing,
    ledger,
    living,
    queries,
    refusals,
    registers,
    saved,
    sign_in,
    signing,
)
from commonthread.web.access import pages as access
from commonthread.web.assessments import advising
from commonthread.web.assessments import pages as assessments
from commonthread.web.assurance import charter as assurance_charter
from commonthread.web.assurance import grid as assurance_grid
from commonthread.web.assurance import outbox
from commonthread.web.assurance import partner as assurance_partner
from commonthread.web.drafts import data as draft_data
from commonthread.web.drafts import pages as drafts
from commonthread.web.drafts import talk as draft_talk


class Reference:
    """The reference of a charter or an agreement, such as ISA-2026-014."""

    regex = r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Reference, "reference")

urlpatterns = [
    path("", sign_in.start, name="start"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("agreements/", agreements.all_agreements, name="agreements"),
    path("agreements/<reference:reference>/", agreements.one, name="agreement"),
    path("agreements/<reference:reference>/draft/", agreements.draft, name="draft"),
    path("agreements/<reference:reference>/document.pdf", documents.document, name="document"),
    path(
        "agreements/<reference:reference>/draft/document.pdf",
        documents.draft_document,
        name="draft-document",
    ),
    path("agreements/<reference:reference>/evidence.zip", documents.evidence, name="evidence"),
    path("check-a-document/", documents.check, name="check-document"),
    path("check-a-document/root.pem", documents.certificate, name="check-document-certificate"),
    path("agreements/list.<slug:kind>", agreements.export, name="agreements-export"),
    path("agreements/views/", saved.views, name="views"),
    path("agreements/views/<int:number>/delete/", saved.delete, name="view-delete"),
    path("agreements/<reference:reference>/summary/", signing.summary, name="summary"),
    path("agreements/<reference:reference>/decline/", signing.declining, name="decline"),
    path("agreements/<reference:reference>/delegate/", signing.delegating, name="delegate"),
    path("agreements/<reference:reference>/take-back/", signing.taking_back, name="take-back"),
    path("agreements/<reference:reference>/timeline/", living.one_timeline, name="timeline"),
    path("agreements/<reference:reference>/duties/", living.one_duties, name="duties"),
    path("agreements/<reference:reference>.ics", living.one_calendar, name="agreement-calendar"),
    path("agreements/<reference:reference>/<slug:act>/", acts.act, name="act"),
    path("drafts/", drafts.all_drafts, name="drafts"),
    path("drafts/new/", drafts.new, name="draft-new"),
    path("drafts/new/<slug:name>/", drafts.from_template, name="draft-template"),
    path("drafts/<uuid:draft_id>/", drafts.tasks, name="draft-tasks"),
    path("drafts/<uuid:draft_id>/data/", draft_data.every, name="draft-data"),
    path("drafts/<uuid:draft_id>/data/<int:number>/", draft_data.one, name="draft-grant"),
    path("drafts/<uuid:draft_id>/check/", drafts.check, name="draft-check"),
    path("drafts/<uuid:draft_id>/compare/", draft_talk.compare, name="draft-compare"),
    path("drafts/<uuid:draft_id>/opinion/", draft_talk.opinion, name="draft-opinion"),
    path("drafts/<uuid:draft_id>/do/<slug:act>/", drafts.act, name="draft-act"),
    path("drafts/<uuid:draft_id>/settle/<int:comment>/", draft_talk.settle, name="draft-settle"),
    path("drafts/<uuid:draft_id>/nudge/", outbox.nudge, name="draft-nudge"),
    path("drafts/<uuid:draft_id>/existing/", importing.bring, name="draft-existing"),
    path(
        "drafts/<uuid:draft_id>/existing/<int:number>/",
        importing.beside,
        name="draft-existing-text",
    ),
    path("drafts/<uuid:draft_id>/<slug:section>/", drafts.section, name="draft-section"),
    path("drafts/<uuid:draft_id>/<slug:section>/say/", draft_talk.speak, name="draft-comment"),
    path("assessments/", assessments.all_assessments, name="assessments"),
    path("assessments/new/", assessments.new, name="assessment-new"),
    path("assessments/<uuid:assessment_id>/", assessments.tasks, name="assessment"),
    path("assessments/<uuid:assessment_id>/advice/", advising.advise, name="assessment-advice"),
    path("assessments/<uuid:assessment_id>/decision/", advising.decide, name="assessment-decision"),
    path("assessments/<uuid:assessment_id>/ico/", advising.consult, name="assessment-consultation"),
    path("assessments/<uuid:assessment_id>/counts/", advising.counts, name="assessment-counts"),
    path("assessments/<uuid:assessment_id>/do/<slug:act>/", assessments.act, name="assessment-act"),
    path(
        "assessments/<uuid:assessment_id>/suggested/<slug:suggestion>/",
        assessments.suggested,
        name="assessment-suggestion",
    ),
    path("assessments/<uuid:assessment_id>/<slug:step>/", assessments.step, name="assessment-step"),
    path("access/", access.mine, name="access"),
    path("access/new/", access.new, name="access-new"),
    path("access/<uuid:request_id>/", access.one, name="access-request"),
    path("access/<uuid:request_id>/<slug:act_id>/", access.act, name="access-act"),
    path("datasets/", datasets.all_datasets, name="datasets"),
    path("datasets/<str:owner>/<str:dataset>/", datasets.one, name="dataset"),
    path("assurance/", assurance_grid.assurance, name="assurance"),
    path("assurance/evidence/<int:number>/", assurance_partner.evidence, name="assurance-evidence"),
    path("assurance/<str:partner>/", assurance_partner.partner, name="assurance-partner"),
    path("assurance/<str:partner>/check/", assurance_partner.check, name="assurance-check"),
    path("assurance/<str:partner>/renew/", assurance_partner.renew, name="assurance-renew"),
    path("charter/", assurance_charter.charters, name="charter"),
    path("outbox/", outbox.all_messages, name="outbox"),
    path("outbox/<int:number>/retry/", outbox.retry, name="outbox-retry"),
    path("account/", outbox.account, name="account"),
    path("registers/", registers.all_registers, name="registers"),
    path("registers/public/", registers.public, name="registers-public"),
    path("registers/<str:file>", registers.download, name="registers-file"),
    path("calendar.ics", living.my_calendar, name="calendar"),
    path("flows/", flows.county, name="flows"),
    path("refusals/", refusals.askings, name="askings"),
    path("refusals/new/", refusals.new, name="asking-new"),
    path("refusals/list.<slug:kind>", refusals.export, name="askings-export"),
    path("refusals/<int:number>/", refusals.one, name="asking"),
    path("county/", county.explained, name="county"),
    path("county/<slug:name>.svg", county.picture, name="county-picture"),
    path("query/", queries.ask, name="query"),
    path("query/lookup/", queries.look_up, name="look-up"),
    path("query/<str:key>/", queries.answer, name="answer"),
    path("query/<str:key>/state/", queries.state, name="answer-state"),
    path("query/<str:key>/stop/", queries.stop, name="answer-stop"),
    path("query/<str:key>/withdraw/", queries.withdraw, name="answer-withdraw"),
    path("query/<str:key>/answer.csv", queries.download, name="answer-csv"),
    path("ledger/", ledger.newest, name="ledger"),
    path("ledger/verify/", ledger.verify, name="ledger-verify"),
    path("ledger/export/", ledger.export, name="ledger-export"),
    path("ledger/checkpoint/", ledger.checkpoint, name="ledger-checkpoint"),
]
