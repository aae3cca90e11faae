"""Drafts: who may do what, nothing overwritten, everything kept, and the way to the signatories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.homes import ANALYST, DATASET, OWNER, READER, REFERENCE, SIGNATORY, agreement, small_home

from commonthread.broker.access import BadInput, Broker, Document, Refused
from commonthread.broker.records import close_ledgers
from commonthread.broker.rules.standing import Member
from commonthread.gateway.drafting import comments, drafts
from commonthread.gateway.drafting.sections import BY_ID, DONE, SECTIONS, read, seen
from commonthread.gateway.models import NEGOTIATING, OFFERED, Comment, Draft

pytestmark = pytest.mark.django_db(transaction=True)
OFFICER, OTHER_OFFICER = "g.penn", "p.crewe"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=40)
    officers = [
        {"id": id_, "name": id_, "partner": partner, "roles": ["governance-officer"]}
        for id_, partner in ((OFFICER, OWNER), (OTHER_OFFICER, READER))
    ]
    made.apply([Document("officers.toml", {"member": officers})])
    yield made
    made.close()
    close_ledgers()


@pytest.fixture
def officer() -> Member:
    return Member(OFFICER, OFFICER, OWNER, ("governance-officer",), ())


@pytest.fixture
def other() -> Member:
    return Member(OTHER_OFFICER, OTHER_OFFICER, READER, ("governance-officer",), ())


@pytest.fixture
def draft(officer: Member) -> Draft:
    """A sound draft of a new agreement, between both partners."""
    table = {**agreement().table["agreement"], "reference": "ISA-2027-001"}
    return drafts.start(officer, table, "blank", AT)


def about(draft: Draft, **values: Any) -> dict[str, Any]:
    held = {n: v for n, v in draft.terms.items() if n in BY_ID["about"].fields}
    return {**held, **values}


def saved(draft: Draft, by: Member | None, at: datetime = AT, **values: Any) -> Draft:
    word = seen(draft.terms, BY_ID["about"])
    return drafts.save(draft.id, "about", about(draft, **values), word, by=by, at=at)


def signed_in(member: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": member}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


# Who may do what


def test_only_a_governance_officer_starts_a_draft() -> None:
    for member in (None, Member(SIGNATORY, "S", OWNER, ("signatory",), ())):
        with pytest.raises(Refused):
            drafts.start(member, {}, "blank", AT)
    assert not Draft.objects.exists()


def test_another_partner_reads_nothing_before_it_is_shared(draft: Draft, other: Member) -> None:
    assert not drafts.may_read(draft, other)


def test_another_partner_reads_a_draft_that_names_it(
    draft: Draft, officer: Member, other: Member
) -> None:
    assert drafts.may_read(drafts.share(draft.id, by=officer, at=AT), other)


def test_a_third_partner_reads_nothing(draft: Draft, officer: Member) -> None:
    third = Member("x", "X", "hereward-fire", ("governance-officer",), ())
    assert not drafts.may_read(drafts.share(draft.id, by=officer, at=AT), third)


def test_another_partner_writes_nothing(draft: Draft, officer: Member, other: Member) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    with pytest.raises(Refused):
        saved(draft, other, title="Taken over")
    draft.refresh_from_db()
    assert draft.terms["title"] == "Calls for planning"


def test_a_draft_that_was_abandoned_takes_no_more(draft: Draft, officer: Member) -> None:
    drafts.abandon(draft.id, by=officer, at=AT)
    with pytest.raises(BadInput, match="abandoned"):
        saved(draft, officer, title="Again")


# What is saved


def test_an_incomplete_answer_is_kept_and_said(draft: Draft, officer: Member) -> None:
    made = saved(draft, officer, ends="2027-02-", title="")
    assert made.terms["ends"] == "2027-02-"
    assert "title" not in made.terms
    progress = read(made.terms).of("about")
    assert {problem.where for problem in progress.problems} == {"agreement.ends", "agreement.title"}


def test_whoever_has_not_seen_a_section_does_not_overwrite_it(
    draft: Draft, officer: Member
) -> None:
    saved(draft, officer, title="By the first")
    with pytest.raises(drafts.SavedMeanwhile):
        saved(draft, officer, title="By the second, who saw the title before")
    draft.refresh_from_db()
    assert draft.terms["title"] == "By the first"


def test_two_sections_are_saved_beside_each_other(draft: Draft, officer: Member) -> None:
    saved(draft, officer, title="New title")
    word = seen(draft.terms, BY_ID["purposes"])
    wanted = {"purpose": [{"id": "planning", "text": "Plan better."}]}
    made = drafts.save(draft.id, "purposes", wanted, word, by=officer, at=AT)
    assert made.terms["title"] == "New title"
    assert made.terms["purpose"] == wanted["purpose"]


def test_a_section_takes_no_field_of_another(draft: Draft, officer: Member) -> None:
    made = saved(draft, officer, grant=[], whatever="x", title="T")
    assert len(made.terms["grant"]) == 3  # type: ignore[arg-type]
    assert "whatever" not in made.terms


def test_one_sitting_is_one_revision_and_a_later_one_another(draft: Draft, officer: Member) -> None:
    first = saved(draft, officer, title="One")
    second = saved(first, officer, at=AT + timedelta(minutes=5), title="Two")
    third = saved(second, officer, at=LATER, title="Three")
    assert [first.revision, second.revision, third.revision] == [2, 2, 3]
    titles = [one.terms["title"] for one in draft.revisions.order_by("number")]
    assert titles == ["Calls for planning", "Two", "Three"]


def test_what_somebody_spoke_of_stays_as_it_was_read(
    draft: Draft, officer: Member, other: Member
) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    first = saved(draft, officer, title="Read by the other")
    comments.comment(draft.id, "about", "Who reads this?", by=other, at=AT)
    saved(first, officer, title="Changed at once")
    assert draft.revisions.get(number=2).terms["title"] == "Read by the other"


def test_undoing_goes_back_and_can_be_undone(draft: Draft, officer: Member) -> None:
    saved(draft, officer, title="New")
    assert drafts.undo(draft.id, by=officer, at=AT).terms["title"] == "Calls for planning"
    assert drafts.undo(draft.id, by=officer, at=AT).terms["title"] == "New"


def test_the_first_revision_has_nothing_to_undo(draft: Draft, officer: Member) -> None:
    with pytest.raises(BadInput, match="nothing to undo"):
        drafts.undo(draft.id, by=officer, at=AT)


@pytest.mark.parametrize("table", [{"title": "a\x00b"}, {"title": 1.5}, {"title": "x" * 600_000}])
def test_what_cannot_be_stored_is_refused_whole(officer: Member, table: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        drafts.start(officer, table, "blank", AT)
    assert not Draft.objects.exists()


# Negotiating


def test_an_accepted_suggestion_is_what_the_draft_says(
    draft: Draft, officer: Member, other: Member
) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    proposed = about(draft, title="Calls, for planning only")
    said = comments.comment(draft.id, "about", "Say only.", by=other, at=AT, proposed=proposed)
    comments.settle(said.id, "accepted", by=officer, at=LATER)
    draft.refresh_from_db()
    assert draft.terms["title"] == "Calls, for planning only"
    assert Comment.objects.get().settled == "accepted"


def test_a_suggestion_about_words_that_are_gone_is_not_accepted(
    draft: Draft, officer: Member, other: Member
) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    proposed = about(draft, title="Theirs")
    said = comments.comment(draft.id, "about", "Say so.", by=other, at=AT, proposed=proposed)
    saved(draft, officer, title="Mine")
    with pytest.raises(drafts.SavedMeanwhile):
        comments.settle(said.id, "accepted", by=officer, at=LATER)
    assert Comment.objects.get().settled == ""


def test_only_the_lead_accepts(draft: Draft, officer: Member, other: Member) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    proposed = about(draft, title="Theirs")
    said = comments.comment(draft.id, "about", "Say so.", by=other, at=AT, proposed=proposed)
    with pytest.raises(Refused):
        comments.settle(said.id, "accepted", by=other, at=AT)


def test_who_holds_it_up_and_since_when(draft: Draft, officer: Member, other: Member) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    comments.say(draft.id, "content", by=other, at=LATER)
    draft.refresh_from_db()
    waits = {one.partner: one for one in comments.waiting(draft)}
    assert waits[OWNER].holds_up
    assert waits[OWNER].since == AT
    assert not waits[READER].holds_up
    changed = saved(draft, officer, at=LATER + timedelta(hours=1), title="Changed after that")
    waits = {one.partner: one for one in comments.waiting(changed)}
    assert waits[READER].outdated
    assert waits[READER].since == LATER + timedelta(hours=1)


# To the signatories


def test_a_sound_draft_is_offered_as_it_stands(
    broker: Broker, draft: Draft, officer: Member
) -> None:
    assert all(each.state == DONE for each in read(draft.terms).progress if each.section.needed
               and each.section.id != "rights")  # fmt: skip
    made = drafts.offer(draft.id, broker, by=officer, at=AT)
    status = broker.status("ISA-2027-001")
    assert made.state == OFFERED
    assert made.offered_digest == status.digest
    assert not status.in_force
    assert set(status.unsigned) == {OWNER, READER}


def test_a_draft_with_a_gap_is_not_offered(broker: Broker, draft: Draft, officer: Member) -> None:
    saved(draft, officer, review="")
    with pytest.raises(BadInput) as said:
        drafts.offer(draft.id, broker, by=officer, at=AT)
    assert [problem.where for problem in said.value.problems] == ["agreement.review"]
    draft.refresh_from_db()
    assert draft.state != OFFERED
    assert "ISA-2027-001" not in broker.standing().agreements


def test_what_the_broker_refuses_leaves_the_draft_open(
    broker: Broker, draft: Draft, officer: Member
) -> None:
    # Signed already, as version 1, with another title.
    saved(draft, officer, reference=REFERENCE, title="Other words")
    with pytest.raises(BadInput):
        drafts.offer(draft.id, broker, by=officer, at=AT)
    draft.refresh_from_db()
    assert draft.state != OFFERED


def test_nothing_of_a_draft_governs(broker: Broker, draft: Draft, officer: Member) -> None:
    drafts.share(draft.id, by=officer, at=AT)
    assert "ISA-2027-001" not in broker.standing().agreements
    assert not [d for _, d in broker.can(ANALYST) if d.request.agreement == "ISA-2027-001"]


def test_signed_terms_written_out_are_read_back_the_same(broker: Broker) -> None:
    terms = broker.status(REFERENCE).terms
    assert terms is not None
    again = read({**drafts.authored(terms)}).terms
    assert again is not None
    plain = terms.to_plain()
    for grant in plain["grant"]:
        grant["contract"] = ""
    assert again.to_plain() == plain


# The pages


def test_the_story_from_a_blank_page_to_the_signatories(broker: Broker) -> None:
    client = signed_in(OFFICER)
    started = client.post("/drafts/new/", {"from": f"copy:{REFERENCE}"})
    address = started["Location"]
    assert "4 of 9 sections completed" in text_of(client.get(address))
    form = filled(client.get(f"{address}about/"))
    form |= {"reference": "ISA-2027-002", "title": "Calls, again"}
    assert client.post(f"{address}about/", form).status_code == 302
    assert client.post(f"{address}do/share/").status_code == 302

    theirs = signed_in(OTHER_OFFICER)
    assert "saltbridge is content with it as it stands" in text_of(theirs.get(address))
    suggested = filled(theirs.get(f"{address}about/"))
    suggested |= {"title": "Calls, once more", "do": "suggest", "why": "Clearer."}
    assert theirs.post(f"{address}about/", suggested).status_code == 302
    page = text_of(client.get(f"{address}about/"))
    assert "Calls, again" in page
    assert "Title: Calls, once more" in page
    comment = Comment.objects.get()
    assert client.post(f"{address}settle/{comment.id}/", {"how": "accepted"}).status_code == 302
    assert theirs.post(f"{address}opinion/", {"says": "content"}).status_code == 302
    compared = text_of(client.get(f"{address}compare/"))
    assert "removed: Title: Calls, again" in compared
    assert "added: Title: Calls, once more" in compared
    unsure = client.post(f"{address}check/")
    assert unsure.status_code == 400
    assert "Not everybody is content" in text_of(unsure)
    assert "ISA-2027-002" not in broker.standing().agreements
    offered = client.post(f"{address}check/", {"sure": "yes"})
    assert offered["Location"] == "/agreements/ISA-2027-002/"
    assert broker.status("ISA-2027-002").title == "Calls, once more"


def filled(page: Any) -> dict[str, Any]:
    """The form of a page as a browser would send it back unchanged."""
    html = page.content.decode()
    form = re.search(r'<form method="post" novalidate.*?</form>', html, re.S)
    assert form
    found: dict[str, Any] = {}
    for name, value in re.findall(
        r'<input[^>]*name="([^"]+)" type="(?:text|hidden)"[^>]*value="([^"]*)"', form.group()
    ):
        found[name] = value
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.group()):
        found[name] = value
    for name, value in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form.group(), re.S
    ):
        found[name] = value
    for name, options in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form.group(), re.S
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


def test_a_grant_is_chosen_from_the_catalogue_and_seen_before_it_is_signed(
    broker: Broker, draft: Draft
) -> None:
    client = signed_in(OFFICER)
    data = f"/drafts/{draft.id}/data/"
    listing = client.get(data)
    word = re.findall(r'name="seen" value="([^"]*)"', listing.content.decode())[0]
    added = client.post(data, {"do": "add", "dataset": DATASET, "seen": word})
    assert added["Location"] == f"{data}3/"
    page = client.get(added["Location"])
    assert "There is a preview when the grant is complete" in text_of(page)
    form = filled(page) | {
        "id": "by-district",
        "purpose": "planning",
        "recipients": [f"{READER}/analysts"],
        "mode": "rows",
        "column-district": "plain",
        "column-minutes": "plain",
        "row-column": ["minutes", ""],
        "row-sign": [">", "="],
        "row-value": ["5", ""],
        "do": "preview",
    }
    assert client.post(added["Location"], form).status_code == 302
    page = text_of(client.get(added["Location"]))
    assert "Rows where minutes is over 5" in page
    assert "Every value below is invented" in page
    draft.refresh_from_db()
    grant = draft.terms["grant"][3]  # type: ignore[index]
    assert grant["rows"] == ["minutes", ">", 5]
    assert read(draft.terms).terms is not None


def test_a_filter_that_the_form_cannot_say_is_kept(broker: Broker, officer: Member) -> None:
    nested = {"or": [["district", "=", "North"], {"not": ["minutes", "<", 3]}]}
    table = {**agreement().table["agreement"], "reference": "ISA-2027-003"}
    table["grant"] = [{**table["grant"][0], "rows": nested}]
    draft = drafts.start(officer, table, "blank", AT)
    client = signed_in(OFFICER)
    address = f"/drafts/{draft.id}/data/0/"
    form = filled(client.get(address)) | {"keep_rows": "yes", "recipients": [f"{READER}/analysts"]}
    assert client.post(address, form).status_code == 302
    draft.refresh_from_db()
    assert draft.terms["grant"][0]["rows"] == nested  # type: ignore[index]


def test_a_page_saves_by_itself_and_says_when_it_could_not(broker: Broker, draft: Draft) -> None:
    client = signed_in(OFFICER)
    address = f"/drafts/{draft.id}/purposes/"
    form = filled(client.get(address)) | {"purpose-0-text": "Plan better."}
    first = client.post(address, form, headers={"X-Autosave": "1"}).json()
    assert first["saved"]
    stale = client.post(address, form | {"purpose-0-text": "Other"}, headers={"X-Autosave": "1"})
    assert stale.status_code == 409
    again = form | {"purpose-0-text": "Plan well.", "seen": first["seen"]}
    assert client.post(address, again, headers={"X-Autosave": "1"}).json()["saved"]
    draft.refresh_from_db()
    assert draft.terms["purpose"] == [{"id": "planning", "text": "Plan well."}]


def test_sections_sent_back_unchanged_change_nothing(broker: Broker, draft: Draft) -> None:
    client = signed_in(OFFICER)
    for section in SECTIONS:
        address = f"/drafts/{draft.id}/{section.id}/"
        if section.id != "data":
            assert client.post(address, filled(client.get(address))).status_code == 302
    assert Draft.objects.get().terms == draft.terms
    before = read(draft.terms).terms
    for number in range(3):
        address = f"/drafts/{draft.id}/data/{number}/"
        form = filled(client.get(address)) | {"recipients": [f"{READER}/analysts"]}
        form |= {"export": "yes"} if number == 1 else {}
        form |= {"row-column": ["district"], "row-sign": ["!="], "row-value": ["West"]}
        assert client.post(address, form).status_code == 302
    after = read(Draft.objects.get().terms).terms
    assert before is not None
    assert after is not None
    assert after.digest == before.digest


def test_every_page_of_a_draft_is_nobody_elses(broker: Broker, draft: Draft) -> None:
    client = signed_in(ANALYST)
    pages = ["", "about/", "data/", "data/0/", "check/", "compare/"]
    for page in pages:
        assert client.get(f"/drafts/{draft.id}/{page}").status_code == 404
    sent = [f"{page}/" for page in ("do/share", "do/undo", "opinion", "about/say", "settle/1")]
    for page in [*sent, "about/", "check/", "data/"]:
        assert client.post(f"/drafts/{draft.id}/{page}").status_code == 404
    assert Draft.objects.get().state != NEGOTIATING


def test_a_template_asks_who_plays_which_part(broker: Broker) -> None:
    client = signed_in(OFFICER)
    chosen = client.post("/drafts/new/", {"from": "template:open-data"})
    assert chosen["Location"] == "/drafts/new/open-data/"
    missing = client.post(chosen["Location"], {"reference": "OD-1"})
    assert missing.status_code == 400
    form = {"place-publisher": OWNER, "reference": "OD-1", "charter": "CHARTER-2026"}
    form |= {"starts-day": "1", "starts-month": "4", "starts-year": "2027"}
    started = client.post(chosen["Location"], form)
    page = text_of(client.get(started["Location"]))
    assert "Publishing open data" in page
    table = f"{started['Location']}data/0/"
    chosen = filled(client.get(table)) | {"do": "dataset", "dataset": DATASET}
    assert client.post(table, chosen | {"dataset": "no/such"}).status_code == 400
    assert client.post(table, chosen)["Location"] == table
    grant = Draft.objects.get().terms["grant"][0]  # type: ignore[index]
    assert (grant["dataset"], grant["purpose"]) == (DATASET, "publication")
    assert "How they may see it" in text_of(client.get(table))
    assert Draft.objects.get().terms["starts"] == "2027-04-01"


def test_choices_that_do_not_go_together_stop_it(
    broker: Broker, draft: Draft, officer: Member
) -> None:
    parties = [dict(one) for one in draft.terms["party"]]  # type: ignore[attr-defined]
    parties[0]["lawful_basis"] = "legitimate-interests"
    word = seen(draft.terms, BY_ID["parties"])
    drafts.save(draft.id, "parties", {"party": parties}, word, by=officer, at=AT)
    client = signed_in(OFFICER)
    assert "Choices that do not go together" in text_of(client.get(f"/drafts/{draft.id}/parties/"))
    answer = client.post(f"/drafts/{draft.id}/check/")
    assert answer.status_code == 400
    assert "ISA-2027-001" not in broker.standing().agreements


def test_a_risk_that_the_terms_suggest_is_taken_over(broker: Broker, draft: Draft) -> None:
    client = signed_in(OFFICER)
    address = f"/drafts/{draft.id}/risks/"
    page = client.get(address)
    assert "Risks that the terms suggest" in text_of(page)
    offered = re.findall(r'name="do" value="take-([^"]+)"', page.content.decode())
    assert offered
    taken = client.post(address, filled(page) | {"do": f"take-{offered[0]}"})
    assert taken.status_code == 200
    risks = Draft.objects.get().terms["risk"]
    assert [one["id"] for one in risks] == [offered[0]]  # type: ignore[attr-defined]
    assert f"take-{offered[0]}" not in taken.content.decode()


def test_the_whole_says_what_software_enforces_and_what_people_do(
    broker: Broker, draft: Draft
) -> None:
    page = text_of(signed_in(OFFICER).get(f"/drafts/{draft.id}/check/"))
    assert "Software enforces" in page
    assert "Destroy what was kept of calls, and say so." in page


def test_a_button_that_is_not_there_does_nothing(broker: Broker, draft: Draft) -> None:
    client = signed_in(OFFICER)
    address = f"/drafts/{draft.id}/purposes/"
    for do in ("remove-9", "remove-x", "remove-", "take-nothing", "whatever"):
        answer = client.post(address, filled(client.get(address)) | {"do": do})
        assert answer.status_code in (200, 302), do
    assert Draft.objects.get().terms == draft.terms
