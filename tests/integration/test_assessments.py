"""Assessments: no approval with a step missing, nobody in two parts, and what the record binds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.assessed import (
    AT,
    LEAD,
    OTHER,
    REFERENCE,
    AssessedBroker,
    advise,
    answers,
    approve,
    complete,
    decide,
    fresh,
    member,
    terms,
    world,
)

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.standing import Member
from commonthread.gateway.assessing import advice, approval, assessments, people, suggestions
from commonthread.gateway.assessing.asked import STEPS
from commonthread.gateway.assessing.steps import part, seen
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import (
    APPROVED,
    DRAFTING,
    SUPERSEDED,
    WITH_ADVISERS,
    Assessment,
    Draft,
)

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(hours=1)
TODAY = AT.date()
PARTIES = (LEAD, OTHER)


@pytest.fixture
def broker() -> AssessedBroker:
    return world()


@pytest.fixture
def draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(), "blank", AT)


@pytest.fixture
def care_draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(care=True), "blank", AT)


@pytest.fixture
def begun(broker: AssessedBroker, draft: Draft) -> Assessment:
    """Every step answered, and every suggested risk."""
    return complete(broker, draft)


@pytest.fixture
def asked(broker: AssessedBroker, begun: Assessment) -> Assessment:
    return advice.ask(begun.id, broker.standing(), by=member(broker, "g.penn"), at=AT)


@pytest.fixture
def advised(broker: AssessedBroker, asked: Assessment) -> Assessment:
    advise(broker, asked, "d.lane")
    return fresh(asked)


def in_the_way(broker: AssessedBroker, made: Assessment) -> list[str]:
    with pytest.raises(BadInput) as said:
        approve(broker, made)
    assert fresh(made).state != APPROVED
    assert fresh(made).digest not in broker.standing().dpias
    return [f"{problem.where}: {problem.message}" for problem in said.value.problems]


# The whole way


def test_an_approved_assessment_is_in_the_ledger_and_its_digest_in_the_draft(
    broker: AssessedBroker, draft: Draft, advised: Assessment
) -> None:
    decide(broker, advised)
    made = approve(broker, advised)
    dpia = broker.standing().dpias[made.digest]
    assert (made.state, dpia.reference, dpia.residual_risk) == (APPROVED, "DPIA-2027-001", "low")
    assert dpia.approved_by == "d.ashe"
    assert dpia.dpo_advice == f"{LEAD}: supports. We looked."
    assert dpia.consulted == ("carers’ forum",)
    assert dpia.review == date(2028, 6, 30)
    draft.refresh_from_db()
    assert draft.terms["dpia"] == made.digest
    last = draft.revisions.order_by("-number").first()
    assert last is not None
    assert (last.by, last.section) == ("g.penn", "assessment")


def test_one_without_a_draft_is_approved_as_well(broker: AssessedBroker) -> None:
    made = complete(broker, None)
    # It names no party but the lead, so nobody else can own a measure.
    said = answers()["measures"]
    said["measure"][0]["owner"] = LEAD
    word = seen(made.steps, "measures")
    officer = member(broker, "g.penn")
    assessments.save(made.id, "measures", said, word, by=officer, at=AT)
    advice.ask(made.id, broker.standing(), by=officer, at=AT)
    advise(broker, made, "d.lane")
    decide(broker, made)
    assert approve(broker, made).digest in broker.standing().dpias


@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_no_step_is_left_out(broker: AssessedBroker, begun: Assessment, step: str) -> None:
    officer = member(broker, "g.penn")
    assessments.save(begun.id, step, {}, seen(begun.steps, step), by=officer, at=AT)
    with pytest.raises(BadInput, match="not complete"):
        advice.ask(begun.id, broker.standing(), by=officer, at=AT)
    assert in_the_way(broker, begun) == ["assessment: it is not with its advisers"]


# Who may do what


@pytest.mark.parametrize("who", ["d.ashe", "d.lane", "e.wren", "m.dove", "a.reed"])
def test_only_an_officer_of_the_lead_assesses_a_draft(
    broker: AssessedBroker, draft: Draft, who: str
) -> None:
    with pytest.raises(Refused):
        assessments.start(draft.id, by=member(broker, who), at=AT)
    assert not Assessment.objects.exists()


@pytest.mark.parametrize("who", ["g.penn", "d.ashe", "e.wren", "a.reed"])
def test_only_an_adviser_of_a_party_advises(
    broker: AssessedBroker, asked: Assessment, who: str
) -> None:
    with pytest.raises(Refused):
        advise(broker, asked, who)


@pytest.mark.parametrize("who", ["g.penn", "d.lane", "m.dove", "c.lowe"])
def test_only_a_signatory_of_the_lead_approves(
    broker: AssessedBroker, advised: Assessment, who: str
) -> None:
    decide(broker, advised)
    with pytest.raises(Refused):
        approve(broker, advised, who)


ONE = "x.many"


def in_role(role: str) -> Member:
    """One and the same person, who has another role each time."""
    return Member(ONE, ONE, LEAD, (role,), ())


def test_who_wrote_does_not_advise(broker: AssessedBroker, begun: Assessment) -> None:
    writer = in_role("governance-officer")
    said = {**answers()["need"], "aim": "Changed by one more person."}
    assessments.save(begun.id, "need", said, seen(begun.steps, "need"), by=writer, at=AT)
    advice.ask(begun.id, broker.standing(), by=member(broker, "g.penn"), at=AT)
    with pytest.raises(Refused, match="another part"):
        advice.advise(
            begun.id,
            "supports",
            "Mine.",
            fresh(begun).revision,
            by=in_role("data-protection-officer"),
            at=AT,
        )


def test_who_wrote_does_not_approve(broker: AssessedBroker, advised: Assessment) -> None:
    decide(broker, advised)
    author = Member("g.penn", "g.penn", LEAD, ("signatory",), ())
    with pytest.raises(Refused, match="another part"):
        approval.approve(advised.id, broker, advised.revision, by=author, at=AT)  # type: ignore[arg-type]


def test_who_advised_does_not_decide(broker: AssessedBroker, advised: Assessment) -> None:
    adviser = Member("d.lane", "d.lane", LEAD, ("signatory",), ())
    with pytest.raises(Refused, match="another part"):
        advice.decide(advised.id, "accepted", "", advised.revision, by=adviser, at=AT)


def test_who_advised_as_officer_does_not_advise_as_guardian(
    broker: AssessedBroker, advised: Assessment
) -> None:
    adviser = Member("d.lane", "d.lane", LEAD, ("caldicott-guardian",), ())
    with pytest.raises(Refused, match="another part"):
        advice.advise(advised.id, "supports", "Again.", advised.revision, by=adviser, at=AT)


def test_who_advised_does_not_write(broker: AssessedBroker, advised: Assessment) -> None:
    adviser = Member("d.lane", "d.lane", LEAD, ("governance-officer",), ())
    with pytest.raises(Refused, match="another part"):
        assessments.save(advised.id, "need", {}, seen(advised.steps, "need"), by=adviser, at=AT)


def test_another_partner_reads_nothing_before_advice_is_asked(
    broker: AssessedBroker, begun: Assessment
) -> None:
    assert people.may_read(begun, member(broker, "e.wren"))
    assert not people.may_read(begun, member(broker, "c.lowe"))
    made = advice.ask(begun.id, broker.standing(), by=member(broker, "g.penn"), at=AT)
    assert people.may_read(made, member(broker, "c.lowe"))
    assert not people.may_read(made, member(broker, "m.dove"))
    assert made.draft is not None
    drafts.share(made.draft.id, by=member(broker, "g.penn"), at=AT)
    assert people.may_read(fresh(made), member(broker, "m.dove"))


# Advice


def test_no_approval_without_advice(broker: AssessedBroker, asked: Assessment) -> None:
    assert in_the_way(broker, asked) == [
        f"advice[data-protection-officer]: the data protection officer of {LEAD} has not advised",
        "decision: the advice is not decided on",
    ]


def test_advice_of_another_party_is_not_the_leads(
    broker: AssessedBroker, asked: Assessment
) -> None:
    advise(broker, asked, "p.moss")
    with pytest.raises(BadInput, match="has not advised yet"):
        decide(broker, asked)


def test_no_approval_before_the_advice_is_decided_on(
    broker: AssessedBroker, advised: Assessment
) -> None:
    assert in_the_way(broker, advised) == ["decision: the advice is not decided on"]


def test_advice_after_the_decision_is_decided_on_again(
    broker: AssessedBroker, advised: Assessment
) -> None:
    decide(broker, advised)
    advise(broker, advised, "p.moss", "advises-against")
    assert in_the_way(broker, advised) == ["decision: the advice is not decided on"]


def test_advice_against_it_that_is_accepted_is_no_approval(
    broker: AssessedBroker, asked: Assessment
) -> None:
    advise(broker, asked, "d.lane", "advises-against")
    decide(broker, asked)
    assert in_the_way(broker, asked) == ["decision: the advice against it was accepted"]


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_advice_is_not_overruled_without_a_reason(
    broker: AssessedBroker, asked: Assessment, reason: str
) -> None:
    advise(broker, asked, "d.lane", "advises-against")
    with pytest.raises(BadInput, match="needs a reason"):
        decide(broker, asked, "overruled", reason)
    assert not asked.decisions.exists()


def test_advice_is_overruled_with_a_reason_that_the_record_keeps(
    broker: AssessedBroker, asked: Assessment
) -> None:
    advise(broker, asked, "d.lane", "advises-against")
    decide(broker, asked, "overruled", "Lives are at risk this winter.")
    dpia = broker.standing().dpias[approve(broker, asked).digest]
    assert not dpia.dpo_advice_accepted
    assert dpia.overruled_reason == "Lives are at risk this winter."


def test_a_change_takes_it_back_and_asks_for_advice_again(
    broker: AssessedBroker, advised: Assessment
) -> None:
    officer = member(broker, "g.penn")
    said = {**answers()["need"], "aim": "Something else."}
    assessments.save(advised.id, "need", said, seen(advised.steps, "need"), by=officer, at=AT)
    assert fresh(advised).state == DRAFTING
    advice.ask(advised.id, broker.standing(), by=officer, at=AT)
    assert advice.current(fresh(advised)) == []
    assert len(in_the_way(broker, advised)) == 2


def test_advice_is_on_what_was_read(broker: AssessedBroker, asked: Assessment) -> None:
    with pytest.raises(BadInput, match="has changed"):
        advice.advise(
            asked.id, "supports", "Old.", asked.revision - 1, by=member(broker, "d.lane"), at=AT
        )


def test_a_draft_that_changed_since_is_assessed_again(
    broker: AssessedBroker, draft: Draft, advised: Assessment
) -> None:
    decide(broker, advised)
    Draft.objects.filter(id=draft.id).update(terms={**draft.terms, "single_out": True})
    assert "assessment: the draft has changed since the advisers were asked" in in_the_way(
        broker, advised
    )


# The guardian


@pytest.fixture
def care(broker: AssessedBroker, care_draft: Draft) -> Assessment:
    """Confidential care data, and all but the guardian has spoken."""
    made = complete(broker, care_draft)
    advice.ask(made.id, broker.standing(), by=member(broker, "g.penn"), at=AT)
    advise(broker, made, "d.lane")
    decide(broker, made)
    return fresh(made)


def test_confidential_care_data_need_the_givers_guardian(
    broker: AssessedBroker, care: Assessment
) -> None:
    wanted = f"advice[caldicott-guardian]: the caldicott guardian of {OTHER} has not advised"
    assert in_the_way(broker, care) == [wanted]
    advise(broker, care, "c.lowe")
    dpia = broker.standing().dpias[approve(broker, care).digest]
    assert dpia.guardian_advice == f"{OTHER}: supports. We looked."


def test_nobody_overrules_a_guardian(broker: AssessedBroker, care: Assessment) -> None:
    advise(broker, care, "c.lowe", "advises-against")
    decide(broker, care, "overruled", "We want it.")
    assert in_the_way(broker, care) == [
        f"advice[caldicott-guardian]: the Caldicott guardian of {OTHER} does not approve"
    ]


def test_the_authors_word_that_care_data_are_concerned_asks_for_a_guardian(
    broker: AssessedBroker, begun: Assessment
) -> None:
    officer = member(broker, "g.penn")
    said = {**answers()["processing"], "care_data": True}
    word = seen(begun.steps, "processing")
    made = assessments.save(begun.id, "processing", said, word, by=officer, at=AT)
    # The lead has no guardian, so a guardian of any party stands in.
    assert advice.guardians(made, broker.standing()) == [advice.ANY_PARTY]
    advice.ask(made.id, broker.standing(), by=officer, at=AT)
    advise(broker, made, "d.lane")
    decide(broker, made)
    assert in_the_way(broker, made) == [
        "advice[caldicott-guardian]: the caldicott guardian of a party has not advised"
    ]


def test_no_guardian_is_needed_where_no_care_data_are(
    broker: AssessedBroker, begun: Assessment
) -> None:
    assert advice.guardians(begun, broker.standing()) == []


# The ICO


@pytest.fixture
def high(broker: AssessedBroker, draft: Draft) -> Assessment:
    """A high risk is left, and everybody has advised."""
    made = complete(broker, draft, after="likely", impact_after="severe")
    advice.ask(made.id, broker.standing(), by=member(broker, "g.penn"), at=AT)
    advise(broker, made, "d.lane")
    decide(broker, made)
    return fresh(made)


def test_a_high_residual_risk_needs_the_ico(broker: AssessedBroker, high: Assessment) -> None:
    assert in_the_way(broker, high) == [
        "ico_consultation: a high risk is left, and no consultation of the ICO is recorded "
        "(Article 36)"
    ]
    officer = member(broker, "g.penn")
    day = date(2026, 10, 1)
    advice.consult(high.id, day, "They had no objection.", high.revision, by=officer, at=AT)
    dpia = broker.standing().dpias[approve(broker, high).digest]
    assert dpia.residual_risk == "high"
    assert dpia.ico_consultation == "Asked on 2026-10-01. They had no objection."


@pytest.mark.parametrize("who", ["d.ashe", "c.lowe", "p.moss"])
def test_only_the_leads_officers_record_what_the_ico_said(
    broker: AssessedBroker, high: Assessment, who: str
) -> None:
    with pytest.raises(Refused):
        advice.consult(high.id, TODAY, "Fine.", high.revision, by=member(broker, who), at=AT)


# What the record binds


def test_every_step_is_in_the_digest(broker: AssessedBroker, advised: Assessment) -> None:
    decide(broker, advised)
    by = member(broker, "d.ashe")
    digests = {approval.whole(advised)}
    for step in STEPS:
        changed = fresh(advised)
        held = dict(part(changed.steps, step.id))
        if step.rows:
            held[step.rows.name] = [{**row, "text": "Else."} for row in held[step.rows.name]]
        else:
            held[step.questions[-1].name] = "Else."
        changed.steps = {**changed.steps, step.id: held}
        digests.add(approval.whole(changed))
        assert (
            approval.whole(changed) in approval.record(changed, broker.standing(), by, AT)["need"]
        )
    assert len(digests) == len(STEPS) + 1


def test_a_changed_assessment_is_another_record_and_the_agreement_keeps_the_old_one(
    broker: AssessedBroker, draft: Draft, advised: Assessment
) -> None:
    decide(broker, advised)
    old = approve(broker, advised)
    draft.refresh_from_db()
    broker.county.propose(draft.terms)
    broker.county.sign_all(REFERENCE)
    Draft.objects.filter(id=draft.id).update(state="offered", offered_digest="a" * 64)

    officer = member(broker, "g.penn")
    table = {**draft.terms, "version": 2}
    second = drafts.start(officer, table, f"version:{REFERENCE}", LATER)
    new = assessments.revise(old.id, second.id, by=officer, at=LATER)
    said = {**part(new.steps, "outcome"), "review": "2029-06-30"}
    assessments.save(new.id, "outcome", said, seen(new.steps, "outcome"), by=officer, at=LATER)
    for each in suggestions.offered(fresh(new), broker.standing()):
        name = each.suggestion.id
        suggestions.take_over(new.id, name, broker.standing(), by=officer, at=LATER)
    advice.ask(new.id, broker.standing(), by=officer, at=LATER)
    advise(broker, new, "d.lane")
    decide(broker, new)
    made = approve(broker, new)

    assert made.digest != old.digest
    assert fresh(old).state == SUPERSEDED
    assert {old.digest, made.digest} <= set(broker.standing().dpias)
    governing = broker.standing().governing(REFERENCE)
    assert governing is not None
    assert governing.terms.dpia == old.digest
    draft.refresh_from_db()
    second.refresh_from_db()
    assert draft.terms["dpia"] == old.digest
    assert second.terms["dpia"] == made.digest


def test_an_approved_assessment_is_not_written_in(
    broker: AssessedBroker, advised: Assessment
) -> None:
    decide(broker, advised)
    approve(broker, advised)
    word = seen(advised.steps, "need")
    with pytest.raises(BadInput, match="not open"):
        assessments.save(advised.id, "need", {}, word, by=member(broker, "g.penn"), at=AT)


def test_whoever_has_not_seen_a_step_does_not_overwrite_it(
    broker: AssessedBroker, begun: Assessment
) -> None:
    word = seen(begun.steps, "need")
    first = {**answers()["need"], "aim": "By the first."}
    assessments.save(begun.id, "need", first, word, by=member(broker, "g.penn"), at=AT)
    with pytest.raises(assessments.SavedMeanwhile):
        assessments.save(begun.id, "need", {}, word, by=member(broker, "g.holt"), at=AT)
    assert part(fresh(begun).steps, "need")["aim"] == "By the first."


def test_everything_saved_is_kept(broker: AssessedBroker, begun: Assessment) -> None:
    said = {**answers()["need"], "aim": "Later."}
    word = seen(begun.steps, "need")
    assessments.save(begun.id, "need", said, word, by=member(broker, "g.holt"), at=LATER)
    last = begun.revisions.get(number=begun.revision)
    assert part(last.steps, "need")["aim"] == answers()["need"]["aim"]
    assert fresh(begun).revision == begun.revision + 1


def test_risks_of_an_approved_assessment_are_copied_into_the_draft(
    broker: AssessedBroker, draft: Draft, advised: Assessment
) -> None:
    officer = member(broker, "g.penn")
    with pytest.raises(BadInput, match="Only the risks of an approved"):
        approval.copy_risks(advised.id, by=officer, at=AT)
    decide(broker, advised)
    approve(broker, advised)
    made = approval.copy_risks(advised.id, by=officer, at=AT)
    found = drafts.read(made.terms).terms
    assert found is not None
    assert sorted((risk.id, risk.residual) for risk in found.risks) == [
        ("more-than-needed", "low"),
        ("seen-by-many", "low"),
    ]
    again = approval.copy_risks(advised.id, by=officer, at=AT)
    assert again.terms["risk"] == made.terms["risk"]


def test_with_advisers_says_who_is_waited_for(broker: AssessedBroker, care: Assessment) -> None:
    assert care.state == WITH_ADVISERS
    waits = list(advice.waits_for(care, broker.standing()))
    assert waits == [("caldicott-guardian", OTHER)]
    advise(broker, care, "c.lowe")
    assert list(advice.waits_for(care, broker.standing())) == [("signatory", LEAD)]
