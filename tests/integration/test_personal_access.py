"""Personal access: one fault for each step that is missing, late or done by the same person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from tests import homes
from tests.asked_access import (
    AGREEMENT_ENDS,
    ASKER,
    AT,
    DPIA_REVIEW,
    GRANTER,
    HOME,
    JUDGE,
    JUDGED,
    MANAGER,
    NEEDS,
    OTHER_ASKER,
    OTHER_MANAGER,
    OWNER,
    REFERENCE,
    REVIEWER,
    TRAINER,
    AskedBroker,
    approve,
    asked,
    confirm,
    grant,
    judge,
    member,
    propose,
    ready,
    review,
    train,
    world,
)

from commonthread.broker.access import BadInput, Broker, Document, Refused
from commonthread.broker.records import close_ledgers
from commonthread.broker.rules.charter import parse_dpia
from commonthread.broker.rules.requests import Request, Sql
from commonthread.broker.rules.standing import Member
from commonthread.gateway.models import (
    ACCESS_GRANTED,
    ACCESS_REFUSED,
    ACCESS_WITHDRAWN,
    ALLOWED,
    REVIEWED,
    AccessRequest,
    AccessStep,
)
from commonthread.gateway.models import (
    JUDGED as IS_JUDGED,
)
from commonthread.gateway.personal_access import requests
from commonthread.gateway.personal_access.requests import EXPIRED, askable, state
from commonthread.gateway.personal_access.steps import FIVE_SAFES, hindrances

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> AskedBroker:
    return world()


def missing(broker: AskedBroker, made: AccessRequest) -> list[tuple[str, str]]:
    return [(each.id, each.state) for each in hindrances(made, broker.standing(), broker.at)]


def not_granted(broker: AskedBroker, made: AccessRequest, step: str) -> None:
    """The grant is refused, names the step, and opens nothing."""
    with pytest.raises(BadInput) as said:
        grant(broker, made)
    assert [each.where for each in said.value.problems] == [step]
    assert not broker.opens(made.member, made.grant)
    assert broker.standing().fulfilments == ()


# The whole way


def test_every_step_opens_it_to_the_asker_and_to_nobody_else(broker: AskedBroker) -> None:
    made = ready(broker)
    assert not broker.opens(ASKER, "both")
    assert grant(broker, made).state == ALLOWED
    assert not broker.opens(ASKER, "both")
    done = confirm(broker, made)
    assert done.state == ACCESS_GRANTED
    assert broker.opens(ASKER, "both")
    assert not broker.opens(OTHER_ASKER, "both")
    assert not broker.opens(ASKER, "approved")
    assert {item.need: item.member for item in broker.standing().fulfilments} == {
        "approval": ASKER,
        "training": ASKER,
    }


def test_a_grant_that_needs_approval_alone_opens_on_the_owners_signature(
    broker: AskedBroker,
) -> None:
    assert grant(broker, ready(broker, "approved")).state == ACCESS_GRANTED
    assert broker.opens(ASKER, "approved")


def test_a_grant_that_needs_training_alone_still_waits_for_the_owner(broker: AskedBroker) -> None:
    made = ready(broker, "trained")
    with pytest.raises(BadInput, match="not granted it yet"):
        confirm(broker, made)
    assert grant(broker, made).state == ALLOWED
    assert not broker.opens(ASKER, "trained")
    confirm(broker, made)
    assert broker.opens(ASKER, "trained")


def test_an_activation_is_nobodys_own(broker: AskedBroker) -> None:
    assert grant(broker, ready(broker, "declared")).state == ACCESS_GRANTED
    assert not broker.opens(ASKER, "declared")
    with pytest.raises(BadInput, match="offers you this"):
        asked(broker, "incident")


def test_it_ends_by_itself_at_the_earliest_of_what_it_rests_on(broker: AskedBroker) -> None:
    made = ready(broker, "approved", until=date(2027, 9, 30))
    done = grant(broker, made)
    # DPIA until 30 June, training until 1 August, asked until 30 September: midnight in London.
    assert done.ends == datetime(2027, 6, 30, 23, tzinfo=UTC)
    broker.county.at = done.ends - timedelta(seconds=1)
    assert broker.opens(ASKER, "approved")
    assert state(done, broker.standing(), broker.at) == ACCESS_GRANTED
    broker.county.at = done.ends
    assert not broker.opens(ASKER, "approved")
    assert state(done, broker.standing(), broker.at) == EXPIRED


@pytest.mark.parametrize(
    ("until", "trained", "ends"),
    [
        (date(2027, 2, 1), date(2027, 8, 1), date(2027, 2, 1)),
        (date(2027, 5, 1), date(2027, 1, 31), date(2027, 1, 31)),
    ],
)
def test_the_day_asked_and_the_training_end_it_too(
    broker: AskedBroker, until: date, trained: date, ends: date
) -> None:
    made = judge(
        broker, train(broker, approve(broker, asked(broker, "approved", until)), until=trained)
    )
    done = grant(broker, made)
    assert done.ends == datetime(ends.year, ends.month, ends.day, tzinfo=UTC) + timedelta(days=1)


# A step that is missing


def test_without_the_managers_approval_nothing_is_judged(broker: AskedBroker) -> None:
    made = train(broker, asked(broker))
    with pytest.raises(BadInput, match="line manager has not approved"):
        judge(broker, made)
    with pytest.raises(BadInput, match="not been judged"):
        grant(broker, made)


def test_without_an_approval_that_was_there_before_it_is_not_granted(broker: AskedBroker) -> None:
    made = ready(broker)
    AccessStep.objects.filter(kind="approval").delete()
    not_granted(broker, made, "approval")


def test_without_training_it_is_not_granted(broker: AskedBroker) -> None:
    not_granted(broker, judge(broker, approve(broker, asked(broker))), "training")


def test_without_a_judgement_it_is_not_granted(broker: AskedBroker) -> None:
    with pytest.raises(BadInput, match="not been judged"):
        grant(broker, train(broker, approve(broker, asked(broker))))


@pytest.mark.parametrize("safe", [safe.id for safe in FIVE_SAFES])
def test_each_of_the_five_safes_is_judged_in_words(broker: AskedBroker, safe: str) -> None:
    made = approve(broker, asked(broker))
    with pytest.raises(BadInput, match="enter your judgement"):
        judge(broker, made, said=JUDGED | {safe: "  "})


def test_without_a_dpia_it_is_not_granted() -> None:
    broker = world(dpia=False)
    not_granted(broker, ready(broker), "dpia")


@pytest.mark.parametrize("words", [("", "why"), ("what", " ")])
def test_without_a_purpose_or_a_reason_it_is_not_asked(
    broker: AskedBroker, words: tuple[str, str]
) -> None:
    by, until = member(broker, ASKER), date(2027, 5, 1)
    with pytest.raises(BadInput, match="Enter"):
        requests.ask(
            REFERENCE, "both", *words, MANAGER, until, broker.standing(), by=by, at=AT
        )  # fmt: skip


def test_training_without_evidence_is_none(broker: AskedBroker) -> None:
    made, by = asked(broker), member(broker, TRAINER)
    days = (date(2026, 11, 1), date(2027, 8, 1))
    with pytest.raises(BadInput, match="where the evidence is"):
        requests.add_training(made.id, "Level 3", *days, "", broker.standing(), by=by, at=AT)


@pytest.mark.parametrize("until", [None, date(2026, 11, 24), date(2027, 11, 26), date(2027, 10, 1)])
def test_the_time_limit_is_a_year_at_most_and_never_past_the_agreement(
    broker: AskedBroker, until: Any
) -> None:
    with pytest.raises(BadInput):
        asked(broker, until=until)
    assert not AccessRequest.objects.exists()


# A step that is late


@pytest.mark.parametrize(
    ("step", "again"), [("approval", approve), ("judgement", judge)], ids=["approval", "judgement"]
)
def test_after_ninety_days_it_is_done_again(
    broker: AskedBroker, step: str, again: Callable[[AskedBroker, AccessRequest], AccessRequest]
) -> None:
    made = ready(broker)
    others = {"approval": judge, "judgement": approve}
    broker.county.at = AT + timedelta(days=91)
    others[step](broker, made)
    not_granted(broker, made, step)
    assert missing(broker, made) == [(step, "late")]
    again(broker, made)
    assert missing(broker, made) == []


def test_training_that_ran_out_is_not_enough(broker: AskedBroker) -> None:
    made = judge(broker, train(broker, approve(broker, asked(broker)), until=date(2026, 11, 30)))
    broker.county.at = datetime(2026, 12, 1, tzinfo=UTC)
    not_granted(broker, made, "training")


@pytest.mark.parametrize(
    ("done", "until"),
    [
        (None, date(2027, 8, 1)),
        (date(2026, 11, 26), date(2027, 8, 1)),
        (date(2026, 11, 1), None),
        (date(2024, 11, 1), date(2026, 11, 24)),
    ],
)
def test_training_has_sound_days(broker: AskedBroker, done: Any, until: Any) -> None:
    made = asked(broker)
    with pytest.raises(BadInput, match="Enter the day"):
        train(broker, made, done=done, until=until)


def test_past_the_dpias_review_it_is_not_granted(broker: AskedBroker) -> None:
    made = asked(broker, until=AGREEMENT_ENDS)
    broker.county.at = datetime(2027, 7, 1, tzinfo=UTC)
    assert broker.at.date() > DPIA_REVIEW
    made = judge(broker, train(broker, approve(broker, made)))
    states = missing(broker, made)
    assert ("dpia", "late") in states
    with pytest.raises(BadInput):
        grant(broker, made)


def test_past_the_day_asked_it_is_not_granted(broker: AskedBroker) -> None:
    made = ready(broker, until=date(2026, 12, 1))
    broker.county.at = datetime(2026, 12, 2, tzinfo=UTC)
    not_granted(broker, made, "limit")
    assert state(made, broker.standing(), broker.at) == EXPIRED


def test_a_judgement_of_other_terms_is_none(broker: AskedBroker) -> None:
    made = ready(broker)
    [dpia] = broker.standing().dpias
    propose(broker.county, dpia, version=2)
    not_granted(broker, made, "judgement")


def test_while_the_agreement_is_suspended_it_is_not_granted(broker: AskedBroker) -> None:
    made = ready(broker)
    broker.county.suspend(REFERENCE, HOME)
    not_granted(broker, made, "agreement")


def test_a_grant_that_is_gone_is_granted_to_nobody(broker: AskedBroker) -> None:
    made = ready(broker)
    grant(broker, made)
    [dpia] = broker.standing().dpias
    propose(broker.county, dpia, 2, {"open": ()})
    made.refresh_from_db()
    assert state(made, broker.standing(), broker.at) == ALLOWED
    with pytest.raises(BadInput, match="missing or late"):
        confirm(broker, made)


def test_who_left_the_group_is_not_granted(broker: AskedBroker) -> None:
    made = ready(broker)
    broker.county.add_member(ASKER, HOME)
    not_granted(broker, made, "agreement")


def test_a_judgement_of_one_who_no_longer_judges_is_done_again(broker: AskedBroker) -> None:
    made = ready(broker)
    broker.county.add_member(JUDGE, OWNER, roles=["data-protection-officer"])
    not_granted(broker, made, "judgement")
    made = judge(broker, made, "c.lowe")
    assert grant(broker, made).state == ALLOWED


def test_training_said_anew_is_granted_anew(broker: AskedBroker) -> None:
    made = ready(broker)
    grant(broker, made)
    assert train(broker, made, until=date(2026, 12, 31)).state == IS_JUDGED
    with pytest.raises(BadInput, match="not granted it yet"):
        confirm(broker, made)
    grant(broker, made)
    done = confirm(broker, made)
    assert done.ends == datetime(2027, 1, 1, tzinfo=UTC)
    assert broker.opens(ASKER, "both")
    broker.county.at = done.ends
    assert not broker.opens(ASKER, "both")


def test_what_changed_between_the_signatures_is_granted_anew(broker: AskedBroker) -> None:
    made = ready(broker, until=date(2027, 8, 1))
    grant(broker, made)
    dpia = broker.county.add_dpia(GRANTER, "DPIA-2026-002", review="2027-07-31")
    propose(broker.county, dpia, version=2)
    judged = AccessStep.objects.get(kind="judgement")
    judged.said |= {"digest": broker.terms(REFERENCE).digest}
    judged.save()
    with pytest.raises(BadInput, match="has changed"):
        confirm(broker, made)
    assert not broker.opens(ASKER, "both")


# The same person twice, and the wrong person


def test_nobody_is_their_own_manager(broker: AskedBroker) -> None:
    by, until = member(broker, ASKER), date(2027, 5, 1)
    with pytest.raises(BadInput, match="line manager"):
        requests.ask(
            REFERENCE, "both", "a", "b", ASKER, until, broker.standing(), by=by, at=AT
        )  # fmt: skip


@pytest.mark.parametrize("who", [ASKER, OTHER_MANAGER, TRAINER, JUDGE])
def test_only_the_manager_who_was_named_approves(broker: AskedBroker, who: str) -> None:
    made = asked(broker)
    with pytest.raises(Refused):
        approve(broker, made, who)


@pytest.mark.parametrize("who", [ASKER, MANAGER, OTHER_MANAGER, GRANTER])
def test_only_those_whose_word_the_ledger_takes_state_training(
    broker: AskedBroker, who: str
) -> None:
    made = asked(broker)
    with pytest.raises(Refused):
        train(broker, made, who)


@pytest.mark.parametrize("who", [ASKER, MANAGER, OTHER_MANAGER, GRANTER, REVIEWER])
def test_only_an_officer_or_guardian_of_the_owner_judges(broker: AskedBroker, who: str) -> None:
    made = approve(broker, asked(broker))
    with pytest.raises(Refused):
        judge(broker, made, who)


@pytest.mark.parametrize("who", [ASKER, MANAGER, TRAINER, JUDGE, REVIEWER])
def test_only_a_signatory_of_the_owner_grants(broker: AskedBroker, who: str) -> None:
    made = ready(broker)
    with pytest.raises(Refused):
        grant(broker, made, who)


def test_the_manager_does_not_state_the_training(broker: AskedBroker) -> None:
    made = approve(broker, asked(broker))
    broker.county.add_member(MANAGER, HOME, roles=["signatory"])
    with pytest.raises(Refused) as said:
        train(broker, made, MANAGER)
    assert "another part" in said.value.reasons[0].message


def test_who_judged_does_not_grant(broker: AskedBroker) -> None:
    made = ready(broker)
    broker.county.add_member(JUDGE, OWNER, roles=["signatory"])
    judge(broker, made, "c.lowe")
    with pytest.raises(Refused) as said:
        grant(broker, made, JUDGE)
    assert "another part" in said.value.reasons[0].message


def test_the_asker_does_not_grant_from_another_desk(broker: AskedBroker) -> None:
    made = ready(broker)
    broker.county.add_member(ASKER, HOME, roles=["signatory"])
    with pytest.raises(Refused):
        confirm(broker, made, ASKER)
    with pytest.raises(Refused):
        train(broker, made, ASKER)


def test_two_parts_written_into_the_database_are_found(broker: AskedBroker) -> None:
    made = ready(broker)
    step = AccessStep.objects.get(kind="training")
    AccessStep.objects.create(
        request=made, kind="judgement", by=step.by, partner=step.partner, at=AT, said=step.said
    )
    newer = AccessStep.objects.get(kind="judgement", by=JUDGE)
    AccessStep.objects.create(
        request=made, kind="judgement", by=JUDGE, partner=OWNER, at=AT, said=newer.said
    )
    not_granted(broker, made, "apart")


def test_whoever_stated_the_training_signs_it(broker: AskedBroker) -> None:
    made = ready(broker)
    grant(broker, made)
    with pytest.raises(Refused, match="stated the training"):
        confirm(broker, made, "c.holt")
    assert not broker.opens(ASKER, "both")


# Refusing, taking back, reviewing


@pytest.mark.parametrize("who", [MANAGER, TRAINER, JUDGE, GRANTER])
def test_whoever_has_a_say_refuses_with_a_reason(broker: AskedBroker, who: str) -> None:
    made, standing = ready(broker), broker.standing()
    with pytest.raises(BadInput, match="why"):
        requests.refuse(made.id, " ", standing, by=member(broker, who), at=AT)
    done = requests.refuse(made.id, "Too wide.", standing, by=member(broker, who), at=AT)
    assert done.state == ACCESS_REFUSED
    with pytest.raises(BadInput, match="no longer open"):
        grant(broker, made)


@pytest.mark.parametrize("who", [ASKER, OTHER_ASKER, REVIEWER])
def test_who_has_no_say_does_not_refuse(broker: AskedBroker, who: str) -> None:
    made = ready(broker)
    with pytest.raises(Refused):
        requests.refuse(made.id, "No.", broker.standing(), by=member(broker, who), at=AT)


def test_only_the_asker_takes_it_back_and_only_before_it_is_granted(broker: AskedBroker) -> None:
    made, standing = ready(broker, "approved"), broker.standing()
    with pytest.raises(Refused):
        requests.withdraw(made.id, standing, by=member(broker, OTHER_ASKER), at=AT)
    grant(broker, made)
    with pytest.raises(BadInput, match="no longer open"):
        requests.withdraw(made.id, standing, by=member(broker, ASKER), at=AT)
    other = asked(broker, "both")
    done = requests.withdraw(other.id, standing, by=member(broker, ASKER), at=AT)
    assert done.state == ACCESS_WITHDRAWN
    with pytest.raises(BadInput, match="no longer open"):
        approve(broker, other)


def test_what_the_ledger_holds_is_granted_even_if_the_row_was_not_written(
    broker: AskedBroker,
) -> None:
    made = grant(broker, ready(broker, "approved"))
    AccessRequest.objects.filter(id=made.id).update(state=ALLOWED)
    made.refresh_from_db()
    assert state(made, broker.standing(), broker.at) == ACCESS_GRANTED
    with pytest.raises(BadInput, match="no longer open"):
        requests.withdraw(made.id, broker.standing(), by=member(broker, ASKER), at=AT)
    assert asked(broker, "approved").id != made.id
    made.refresh_from_db()
    assert made.state == ACCESS_GRANTED


def test_a_review_while_it_runs_keeps_it_and_one_after_closes_it(broker: AskedBroker) -> None:
    made = grant(broker, ready(broker, "approved"))
    assert review(broker, made).state == ACCESS_GRANTED
    assert made.ends
    broker.county.at = made.ends
    assert review(broker, made, finding="not-as-agreed").state == REVIEWED
    with pytest.raises(BadInput, match="not closed yet"):
        review(broker, made)


@pytest.mark.parametrize("who", [ASKER, JUDGE, GRANTER, "k.vane", OTHER_MANAGER])
def test_who_had_a_part_does_not_review_it(broker: AskedBroker, who: str) -> None:
    made = grant(broker, ready(broker, "approved"))
    with pytest.raises(Refused):
        review(broker, made, who)


def test_nothing_is_asked_twice_at_a_time(broker: AskedBroker) -> None:
    asked(broker)
    with pytest.raises(BadInput, match="already"):
        asked(broker)
    asked(broker, "trained")
    asked(broker, who=OTHER_ASKER)


def test_only_what_a_need_closes_is_offered(broker: AskedBroker) -> None:
    found = {each.grant.id: each.missing for each in askable(broker, member(broker, ASKER))}  # type: ignore[arg-type]
    assert set(found) == {"both", "trained", "approved", "declared"}
    assert len(found["both"]) == len(NEEDS["both"])
    assert askable(broker, member(broker, MANAGER)) == ()  # type: ignore[arg-type]


# The table's own rules


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"state": "odd"}, "access_state_is_known"),
        ({"reason": ""}, "access_says_what_for_and_why"),
        ({"manager": ASKER}, "access_is_approved_by_somebody_else"),
        ({"owner": HOME}, "access_is_to_another_partners_records"),
        ({"state": ACCESS_GRANTED}, "access_that_is_granted_ends"),
    ],
)
def test_a_row_that_cannot_be_is_not_kept(
    broker: AskedBroker, wrong: dict[str, Any], name: str
) -> None:
    made = asked(broker)
    with pytest.raises(IntegrityError, match=name):
        AccessRequest.objects.filter(id=made.id).update(**wrong)


def test_a_step_of_no_known_kind_is_not_kept(broker: AskedBroker) -> None:
    made = asked(broker)
    with pytest.raises(IntegrityError, match="access_step_is_known"):
        AccessStep.objects.create(
            request=made, kind="odd", by=ASKER, partner=HOME, at=AT, said={}
        )  # fmt: skip


# The door itself


@pytest.mark.django_db(transaction=True)
def test_a_real_home_opens_to_the_one_who_was_granted_it(tmp_path: Path, settings: Any) -> None:
    """The same steps through the real broker: its keys sign, its ledger keeps, its reader reads."""
    settings.HOME = tmp_path / "home"
    broker = homes.small_home(tmp_path, rows=8)
    try:
        made, people = _in_a_real_home(broker)
        asker = people[homes.ANALYST]
        query = "SELECT district FROM calls"
        request = Request(asker.id, Sql(query), homes.REFERENCE, homes.PURPOSE)
        assert [each.grant.id for each in askable(broker, asker)] == ["calls"]
        with pytest.raises(Refused):
            broker.read(request)
        at = datetime.now(UTC).replace(microsecond=4_711)
        assert requests.grant(made.id, broker, by=people[homes.SIGNATORY], at=at).state == ALLOWED
        with pytest.raises(Refused):
            broker.read(request)
        done = requests.confirm(made.id, broker, by=people[homes.OTHER_SIGNATORY], at=at)
        assert done.state == ACCESS_GRANTED
        with broker.read(request) as answer:
            assert sum(batch.num_rows for batch in answer.batches()) == 6
        held = broker.standing().fulfilments
        assert {each.need for each in held} == {"approval", "training"}
        assert {each.ends for each in held} == {done.ends}
    finally:
        broker.close()
        close_ledgers()


def _in_a_real_home(broker: Broker) -> tuple[AccessRequest, Mapping[str, Member]]:
    """Its agreement gains a DPIA and needs; everything up to the owner's signature is done."""
    dpia = {
        "reference": "DPIA-2026-009",
        "title": "Calls",
        "need": "Calls of many people.",
        "necessity": "Counts would not do.",
        "dpo_advice": "Proceed.",
        "dpo_advice_accepted": True,
        "residual_risk": "low",
        "approved_by": homes.SIGNATORY,
        "approved": "2026-01-01",
        "review": "2030-01-01",
    }
    terms = {**homes.agreement(2).table["agreement"], "dpia": parse_dpia(dpia).digest}
    terms["grant"] = [homes.grant("calls", "rows", needs=["approval", "training"])]
    officer = {"id": "g.penn", "name": "G", "partner": homes.OWNER, "roles": ["governance-officer"]}
    manager = {"id": "m.lane", "name": "M", "partner": homes.READER}
    tables = ({"member": [officer, manager]}, {"dpia": dpia}, {"agreement": terms})
    broker.apply([Document(f"{number}.toml", each) for number, each in enumerate(tables)])
    for who in (homes.SIGNATORY, homes.OTHER_SIGNATORY):
        broker.act(homes.REFERENCE, "sign", who)
    standing = broker.standing()
    people, at = standing.members, datetime.now(UTC)
    today = at.date()
    until = today + timedelta(days=30)
    made = requests.ask(
        homes.REFERENCE,
        "calls",
        "Plan.",
        "My work.",
        "m.lane",
        until,
        standing,
        by=people[homes.ANALYST],
        at=at,
    )
    requests.approve(made.id, "", standing, by=people["m.lane"], at=at)
    said = ("Level 3", today, until, "Staff record.")
    trainer = people[homes.OTHER_SIGNATORY]
    requests.add_training(made.id, *said, standing, by=trainer, at=at)
    requests.judge(made.id, JUDGED, standing, by=people["g.penn"], at=at)
    return made, people
