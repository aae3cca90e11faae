"""An old agreement beside a draft: who may, mapping, copying, undoing, two at once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from tests import old_agreements as old
from tests.assessed import AT, LEAD, OTHER, AssessedBroker, member, terms, world

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.standing import Member
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting.sections import BY_ID, seen
from commonthread.gateway.importing import imports, reading
from commonthread.gateway.importing.imports import MEANWHILE, Choice, seen_word
from commonthread.gateway.importing.targets import STATEMENT_IDS, TARGETS
from commonthread.gateway.models import LEFT_OUT, Draft, ImportedClause, ImportedText
from commonthread.web import importing as importing_pages
from commonthread.web import pages

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(hours=1)
BREACH = f"{old.OLD[8]}\n{old.OLD[9]}"
# The clauses of the old agreement, by what they say.
TITLE, PARTIES, BASIS, PURPOSE, BREACHES, SUNDRY = range(1, 7)
COUNT = 6


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AssessedBroker:
    made = world()
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture
def officer() -> Member:
    return Member("g.penn", "g.penn", LEAD, ("governance-officer",), ())


@pytest.fixture
def draft(officer: Member) -> Draft:
    return drafts.start(officer, terms(), "blank", AT)


@pytest.fixture
def text(draft: Draft, officer: Member) -> ImportedText:
    return imports.bring_in(draft.id, "old.txt", old.old_text(), by=officer, at=AT)


def clause(text: ImportedText, number: int) -> ImportedClause:
    return text.clauses.get(number=number)


def mapped(
    text: ImportedText, by: Member | None, number: int, section: str, reason: str = ""
) -> dict[int, str]:
    chosen = Choice(section, reason, seen_word(clause(text, number)))
    return imports.map_clauses(text.pk, {number: chosen}, by=by, at=LATER)


def copied(text: ImportedText, by: Member, number: int, section: str) -> Draft:
    assert mapped(text, by, number, section) == {}
    return imports.copy(text.pk, number, by=by, at=LATER)


def said(draft: Draft, section: str) -> str:
    draft.refresh_from_db()
    rows: Any = draft.terms.get("statement", [])
    return next((row["text"] for row in rows if row["section"] == section), "")


def saved(draft: Draft, by: Member, section: str, **values: Any) -> Draft:
    draft.refresh_from_db()
    word = seen(draft.terms, BY_ID[section])
    return drafts.save(draft.id, section, values, word, by=by, at=LATER)


# What is kept


def test_the_text_is_kept_whole_with_its_digests(text: ImportedText) -> None:
    whole = "".join(f"{line}\n" for line in old.OLD)
    assert text.text == whole
    assert "".join(text.clauses.order_by("number").values_list("text", flat=True)) == whole
    assert text.text_digest == sha256(whole.encode()).hexdigest()
    assert text.file_digest == sha256(old.old_text()).hexdigest()
    assert (text.by, text.at, text.kind) == ("g.penn", AT, "text")


def test_nothing_is_mapped_or_copied_by_itself(text: ImportedText, draft: Draft) -> None:
    before = dict(draft.terms)
    draft.refresh_from_db()
    assert draft.terms == before
    assert draft.revision == 1
    assert set(text.clauses.values_list("section", "mapped_by", "copied_by")) == {("", "", "")}
    assert text.clauses.count() == COUNT


@pytest.mark.parametrize("made", [old.old_word, old.old_pdf])
def test_word_and_pdf_come_through_the_child(made: Any, draft: Draft, officer: Member) -> None:
    found = imports.bring_in(draft.id, "old", made(), by=officer, at=AT)
    assert found.text == "".join(f"{line}\n" for line in old.OLD)
    assert found.clauses.count() == COUNT


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/pass\x00wd", "passwd"),
        ("C:\\Agreements\\Old 'final'<1>.docx", "Old final1.docx"),
        ("\u202e", "agreement"),
        ("x" * 400, "x" * 150),
    ],
)
def test_a_name_is_only_ever_shown(name: str, shown: str) -> None:
    assert imports.shown_name(name) == shown


def test_a_file_that_cannot_be_read_leaves_nothing(draft: Draft, officer: Member) -> None:
    with pytest.raises(BadInput, match="not a Word file"):
        imports.bring_in(draft.id, "x", b"\x00\x01", by=officer, at=AT)
    assert not ImportedText.objects.exists()


def test_the_same_file_is_brought_in_once(text: ImportedText, officer: Member) -> None:
    with pytest.raises(BadInput, match="already"):
        imports.bring_in(text.draft_id, "again.txt", old.old_text(), by=officer, at=LATER)
    assert ImportedText.objects.count() == 1


def test_more_clauses_than_anybody_maps_are_refused(draft: Draft, officer: Member) -> None:
    many = "\n".join(f"Clause {number}" for number in range(imports.MOST_CLAUSES + 1))
    with pytest.raises(BadInput, match="more than 600 clauses"):
        imports.bring_in(draft.id, "many.txt", many.encode(), by=officer, at=AT)


# Who may


@pytest.mark.parametrize(
    "by",
    [
        None,
        Member("x", "X", OTHER, ("governance-officer",), ()),
        Member("y", "Y", LEAD, ("signatory",), ()),
    ],
)
def test_only_an_officer_of_the_lead_does_anything(
    by: Member | None, text: ImportedText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ask", lambda _: pytest.fail("the file was read"))
    with pytest.raises(Refused):
        imports.bring_in(text.draft_id, "x", b"x", by=by, at=AT)
    with pytest.raises(Refused):
        mapped(text, by, BREACHES, "statement-breach")
    with pytest.raises(Refused):
        imports.copy(text.pk, BREACHES, by=by, at=AT)
    with pytest.raises(Refused):
        imports.take_out(text.pk, BREACHES, by=by, at=AT)
    with pytest.raises(Refused):
        imports.put_away(text.pk, by=by, at=AT)
    assert clause(text, BREACHES).section == ""


def test_the_old_text_is_the_leads_even_when_the_draft_is_shared(
    draft: Draft, officer: Member
) -> None:
    other = Member("x", "X", OTHER, ("governance-officer",), ())
    shared = drafts.share(draft.id, by=officer, at=AT)
    assert drafts.may_read(shared, other)
    assert not imports.may_see(shared, other)
    assert imports.may_see(shared, Member("y", "Y", LEAD, (), ()))


def test_a_draft_that_is_not_open_takes_nothing(text: ImportedText, officer: Member) -> None:
    drafts.abandon(text.draft_id, by=officer, at=AT)
    with pytest.raises(BadInput, match="not open"):
        imports.bring_in(text.draft_id, "x", b"x", by=officer, at=AT)
    with pytest.raises(BadInput, match="not open"):
        mapped(text, officer, BREACHES, "statement-breach")


def test_there_has_to_be_a_draft_a_text_and_a_clause(text: ImportedText, officer: Member) -> None:
    with pytest.raises(BadInput, match="no such draft"):
        imports.bring_in(uuid.uuid4(), "x", b"x", by=officer, at=AT)
    with pytest.raises(BadInput, match="no such text"):
        imports.copy(text.pk + 1, 1, by=officer, at=AT)
    with pytest.raises(BadInput, match="no such clause"):
        imports.copy(text.pk, COUNT + 1, by=officer, at=AT)


# Mapping


@pytest.mark.parametrize("target", TARGETS)
def test_a_clause_goes_to_any_section(target: str, text: ImportedText, officer: Member) -> None:
    assert mapped(text, officer, SUNDRY, target) == {}
    one = clause(text, SUNDRY)
    assert (one.section, one.mapped_by, one.mapped_at) == (target, "g.penn", LATER)


def test_a_clause_is_left_out_with_a_reason(text: ImportedText, officer: Member) -> None:
    assert mapped(text, officer, SUNDRY, LEFT_OUT, " Costs are not shared. ") == {}
    assert clause(text, SUNDRY).reason == "Costs are not shared."


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_clause_is_not_left_out_without_one(
    reason: str, text: ImportedText, officer: Member
) -> None:
    assert "Say why" in mapped(text, officer, SUNDRY, LEFT_OUT, reason)[SUNDRY]
    assert clause(text, SUNDRY).section == ""


def test_a_section_that_no_draft_has_is_refused(text: ImportedText, officer: Member) -> None:
    assert "Choose" in mapped(text, officer, SUNDRY, "anywhere")[SUNDRY]
    assert clause(text, SUNDRY).section == ""


def test_a_mapping_is_taken_back_and_made_anew(text: ImportedText, officer: Member) -> None:
    mapped(text, officer, SUNDRY, LEFT_OUT, "Not needed.")
    assert mapped(text, officer, SUNDRY, "") == {}
    one = clause(text, SUNDRY)
    assert (one.section, one.reason, one.mapped_by, one.mapped_at) == ("", "", "", None)
    assert mapped(text, officer, SUNDRY, "about") == {}


def test_of_two_at_once_one_is_told_and_the_rest_is_saved(
    text: ImportedText, officer: Member
) -> None:
    words = {number: seen_word(clause(text, number)) for number in (PURPOSE, BREACHES)}
    assert mapped(text, officer, BREACHES, "statement-breach") == {}
    other = Member("g.holt", "g.holt", LEAD, ("governance-officer",), ())
    chosen = {
        PURPOSE: Choice("purposes", "", words[PURPOSE]),
        BREACHES: Choice("duties", "", words[BREACHES]),
    }
    faults = imports.map_clauses(text.pk, chosen, by=other, at=LATER)
    assert faults == {BREACHES: MEANWHILE}
    assert clause(text, BREACHES).mapped_by == "g.penn"
    assert clause(text, PURPOSE).mapped_by == "g.holt"


# Copying


@pytest.mark.parametrize("target", STATEMENT_IDS)
def test_a_statement_is_written_where_there_was_none(
    target: str, text: ImportedText, officer: Member
) -> None:
    made = copied(text, officer, BREACHES, target)
    assert said(made, target.removeprefix("statement-")) == BREACH
    assert clause(text, BREACHES).copied_by == "g.penn"


def test_what_a_statement_says_already_stays_before_it(
    text: ImportedText, draft: Draft, officer: Member
) -> None:
    held = [
        {"section": "breach", "text": "Ring first."},
        {"section": "rights", "text": "Ask the county."},
    ]
    saved(draft, officer, "rights", statement=held)
    made = copied(text, officer, BREACHES, "statement-breach")
    assert said(made, "breach") == f"Ring first.\n\n{BREACH}"
    assert said(made, "rights") == "Ask the county."


@pytest.mark.parametrize(
    ("target", "name"), [("purposes", "purpose"), ("duties", "duty"), ("risks", "risk")]
)
def test_a_list_gets_one_more_under_a_name_of_its_own(
    target: str, name: str, text: ImportedText, draft: Draft, officer: Member
) -> None:
    held = [{"id": "clause-5", "text": "There before."}]
    saved(draft, officer, target, **{name: held})
    made: Any = copied(text, officer, BREACHES, target)
    assert made.terms[name] == [*held, {"id": "clause-5-2", "text": BREACH}]


def test_a_copy_is_a_revision_of_the_draft(text: ImportedText, officer: Member) -> None:
    made = copied(text, officer, BREACHES, "statement-breach")
    assert made.revision == 2
    assert made.revisions.get(number=2).section == "rights"


@pytest.mark.parametrize("target", ["about", "parties", "data", "assurance", "assessment"])
def test_a_section_that_asks_for_more_than_words_takes_no_copy(
    target: str, text: ImportedText, officer: Member
) -> None:
    with pytest.raises(BadInput, match="more than words"):
        copied(text, officer, BREACHES, target)


def test_what_is_not_mapped_or_left_out_is_not_copied(text: ImportedText, officer: Member) -> None:
    with pytest.raises(BadInput):
        imports.copy(text.pk, SUNDRY, by=officer, at=LATER)
    mapped(text, officer, SUNDRY, LEFT_OUT, "Not needed.")
    with pytest.raises(BadInput):
        imports.copy(text.pk, SUNDRY, by=officer, at=LATER)


def test_a_clause_is_copied_once(text: ImportedText, officer: Member) -> None:
    made = copied(text, officer, BREACHES, "statement-breach")
    with pytest.raises(BadInput, match="already"):
        imports.copy(text.pk, BREACHES, by=officer, at=LATER)
    assert said(made, "breach") == BREACH


def test_a_copied_clause_is_not_mapped_elsewhere(text: ImportedText, officer: Member) -> None:
    copied(text, officer, BREACHES, "statement-breach")
    assert "Take it out" in mapped(text, officer, BREACHES, "duties")[BREACHES]


def test_a_section_that_somebody_saves_meanwhile_is_not_overwritten(
    text: ImportedText, draft: Draft, officer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped(text, officer, BREACHES, "statement-breach")
    monkeypatch.setattr(imports, "seen", lambda *_: "what stood there before")
    with pytest.raises(drafts.SavedMeanwhile):
        imports.copy(text.pk, BREACHES, by=officer, at=LATER)
    assert said(draft, "breach") == ""
    assert clause(text, BREACHES).copied_at is None


def test_a_section_in_a_shape_that_is_wrong_is_left_alone(
    text: ImportedText, draft: Draft, officer: Member
) -> None:
    saved(draft, officer, "duties", duty="not a list")
    with pytest.raises(BadInput, match="cannot be added to"):
        copied(text, officer, BREACHES, "duties")
    draft.refresh_from_db()
    assert draft.terms["duty"] == "not a list"


# Undoing


@pytest.mark.parametrize("before", ["", "Ring first."])
@pytest.mark.parametrize("after", ["", "Then write."])
def test_a_copy_is_taken_out_and_the_rest_stays(
    before: str, after: str, text: ImportedText, draft: Draft, officer: Member
) -> None:
    if before:
        saved(draft, officer, "rights", statement=[{"section": "breach", "text": before}])
    made = copied(text, officer, BREACHES, "statement-breach")
    if after:
        more = f"{said(made, 'breach')}\n\n{after}"
        saved(draft, officer, "rights", statement=[{"section": "breach", "text": more}])
    assert imports.take_out(text.pk, BREACHES, by=officer, at=LATER)
    assert said(draft, "breach") == "\n\n".join(part for part in (before, after) if part)
    assert clause(text, BREACHES).copied_at is None


def test_a_copied_duty_is_taken_out_as_it_came(
    text: ImportedText, draft: Draft, officer: Member
) -> None:
    saved(draft, officer, "duties", duty=[{"id": "audit", "text": "Audit."}])
    copied(text, officer, BREACHES, "duties")
    assert imports.take_out(text.pk, BREACHES, by=officer, at=LATER)
    draft.refresh_from_db()
    assert draft.terms["duty"] == [{"id": "audit", "text": "Audit."}]


@pytest.mark.parametrize("target", ["statement-breach", "duties"])
def test_words_that_somebody_has_changed_stay_in_the_draft(
    target: str, text: ImportedText, draft: Draft, officer: Member
) -> None:
    made: Any = copied(text, officer, BREACHES, target)
    section, name = ("rights", "statement") if "-" in target else ("duties", "duty")
    changed = [{**row, "text": row["text"].upper()} for row in made.terms[name]]
    saved(draft, officer, section, **{name: changed})
    assert not imports.take_out(text.pk, BREACHES, by=officer, at=LATER)
    draft.refresh_from_db()
    assert draft.terms[name] == changed
    assert clause(text, BREACHES).copied_at is None


def test_what_was_not_copied_is_not_taken_out(text: ImportedText, officer: Member) -> None:
    with pytest.raises(BadInput, match="not copied"):
        imports.take_out(text.pk, BREACHES, by=officer, at=LATER)


def test_a_text_is_put_away_and_kept(text: ImportedText, officer: Member) -> None:
    imports.put_away(text.pk, by=officer, at=LATER)
    text.refresh_from_db()
    assert (text.put_away_by, text.put_away_at) == ("g.penn", LATER)
    assert text.clauses.count() == COUNT
    assert imports.brought_in(text.draft) == []
    with pytest.raises(BadInput, match="no such text"):
        mapped(text, officer, BREACHES, "about")
    imports.bring_in(text.draft_id, "again.txt", old.old_text(), by=officer, at=LATER)


def test_a_text_whose_words_are_in_the_draft_is_not_put_away(
    text: ImportedText, officer: Member
) -> None:
    copied(text, officer, BREACHES, "statement-breach")
    with pytest.raises(BadInput, match="in the draft"):
        imports.put_away(text.pk, by=officer, at=LATER)


# What no row may say


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"section": "about"}, "imported_clause_mapped_says_by_whom"),
        ({"mapped_by": "x", "mapped_at": AT}, "imported_clause_mapped_says_by_whom"),
        (
            {"section": LEFT_OUT, "mapped_by": "x", "mapped_at": AT},
            "imported_clause_left_out_says_why",
        ),
        ({"reason": "x"}, "imported_clause_left_out_says_why"),
        ({"copied_by": "x", "copied_at": AT}, "imported_clause_copied_is_mapped"),
        ({"number": 2}, "imported_clause"),
    ],
)
def test_a_clause_row_that_contradicts_itself_is_refused(
    change: dict[str, Any], constraint: str, text: ImportedText
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        text.clauses.filter(number=1).update(**change)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"text": ""}, "imported_text_says_something"),
        ({"put_away_by": "x"}, "imported_text_put_away_says_by_whom"),
        ({"put_away_at": AT}, "imported_text_put_away_says_by_whom"),
    ],
)
def test_a_text_row_that_contradicts_itself_is_refused(
    change: dict[str, Any], constraint: str, text: ImportedText
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ImportedText.objects.filter(pk=text.pk).update(**change)


# The pages


def signed_in(broker: AssessedBroker, id_: str) -> Client:
    assert member(broker, id_).id == id_
    client = Client()
    assert client.post("/sign-in/", {"member": id_}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


def upload(client: Client, draft: Draft, content: bytes, name: str = "old.txt") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"/drafts/{draft.id}/existing/", {"file": file})


def form_of(text: ImportedText, do: str, **answers: str) -> dict[str, str]:
    """What a browser sends of a page on which nothing was mapped yet, but for the answers."""
    sent = {"do": do}
    for one in text.clauses.filter(copied_at=None):
        sent[f"seen-{one.number}"] = seen_word(one)
        sent[f"section-{one.number}"] = one.section
        sent[f"reason-{one.number}"] = one.reason
    return sent | {key.replace("_", "-"): value for key, value in answers.items()}


def test_the_story_from_a_file_to_a_draft_that_says_it(
    broker: AssessedBroker, draft: Draft
) -> None:
    officer = signed_in(broker, "g.penn")
    assert "Bring in an existing agreement" in text_of(officer.get(f"/drafts/{draft.id}/"))
    address = upload(officer, draft, old.old_text())["Location"]
    page = text_of(officer.get(address))
    assert "6 of 6 clauses are not mapped yet." in page
    assert "Words in it speak for: Breaches (“breach”, “breaches”, “72 hours”)" in page
    text = ImportedText.objects.get()
    sent = form_of(text, f"copy-{BREACHES}", section_5="statement-breach", section_4="purposes")
    answer = officer.post(address, sent)
    assert answer["Location"] == f"{address}#clause-5"
    assert said(draft, "breach") == BREACH
    page = text_of(officer.get(address))
    assert "4 of 6 clauses are not mapped yet." in page
    assert "Take out of the draft (clause 5)" in page
    only = text_of(officer.get(f"{address}?only=unmapped"))
    assert "Clause 5 of 6" not in only
    assert "Clause 6 of 6" in only
    officer.post(address, form_of(text, f"take-{BREACHES}"))
    assert said(draft, "breach") == ""


def test_a_clause_without_a_known_word_says_so(broker: AssessedBroker, draft: Draft) -> None:
    officer = signed_in(broker, "g.penn")
    address = upload(officer, draft, b"1. Sundry\nEach bears its own costs.")["Location"]
    assert "No word in it suggests a section." in text_of(officer.get(address))


def test_a_reason_that_is_missing_is_asked_for_and_the_choice_stays(
    broker: AssessedBroker, text: ImportedText
) -> None:
    officer = signed_in(broker, "g.penn")
    sent = form_of(text, "save", section_6=LEFT_OUT, section_5="statement-breach")
    answer = officer.post(f"/drafts/{text.draft_id}/existing/{text.pk}/", sent)
    assert answer.status_code == 400
    assert "Clause 6: Say why it is left out" in text_of(answer)
    assert answer.content.decode().count('value="left-out" selected') == 1
    assert clause(text, BREACHES).section == "statement-breach"


def test_somebody_who_saves_a_page_that_is_old_is_told(
    broker: AssessedBroker, text: ImportedText, officer: Member
) -> None:
    sent = form_of(text, "save", section_5="duties")
    mapped(text, officer, BREACHES, "statement-breach")
    answer = signed_in(broker, "g.holt").post(f"/drafts/{text.draft_id}/existing/{text.pk}/", sent)
    assert MEANWHILE in text_of(answer)
    assert 'value="statement-breach" selected' in answer.content.decode()
    assert clause(text, BREACHES).section == "statement-breach"


def test_a_copy_that_cannot_be_made_keeps_the_mapping_and_says_why(
    broker: AssessedBroker, text: ImportedText
) -> None:
    sent = form_of(text, f"copy-{BASIS}", section_3="parties")
    answer = signed_in(broker, "g.penn").post(f"/drafts/{text.draft_id}/existing/{text.pk}/", sent)
    assert answer.status_code == 400
    assert "asks for more than words" in text_of(answer)
    assert clause(text, BASIS).section == "parties"


def test_words_that_are_gone_are_said_to_be(
    broker: AssessedBroker, text: ImportedText, officer: Member
) -> None:
    copied(text, officer, BREACHES, "statement-breach")
    drafts.undo(text.draft_id, by=officer, at=LATER)
    address = f"/drafts/{text.draft_id}/existing/{text.pk}/"
    answer = signed_in(broker, "g.penn").post(address, {"do": f"take-{BREACHES}"})
    assert answer.status_code == 200
    assert "Nothing in the draft was changed." in text_of(answer)


def test_a_long_text_has_several_pages(broker: AssessedBroker, draft: Draft) -> None:
    officer = signed_in(broker, "g.penn")
    long = "\n".join(f"Clause {number}" for number in range(1, 52)).encode()
    address = upload(officer, draft, long)["Location"]
    assert 'name="seen-40"' in officer.get(address).content.decode()
    second = officer.get(f"{address}?page=2").content.decode()
    assert 'name="seen-41"' in second
    assert 'name="seen-40"' not in second
    text = ImportedText.objects.get()
    sent = form_of(text, "save", section_51="about")
    assert officer.post(f"{address}?page=2", sent)["Location"] == f"{address}?page=2"


def test_putting_away_leads_back(
    broker: AssessedBroker, text: ImportedText, officer: Member
) -> None:
    client = signed_in(broker, "g.penn")
    address = f"/drafts/{text.draft_id}/existing/{text.pk}/"
    copied(text, officer, BREACHES, "duties")
    assert "Take them out" in text_of(client.post(address, {"do": "away"}))
    imports.take_out(text.pk, BREACHES, by=officer, at=LATER)
    assert client.post(address, {"do": "away"})["Location"] == f"/drafts/{text.draft_id}/existing/"
    assert client.get(address).status_code == 404


def test_another_partner_finds_neither_page_nor_link(
    broker: AssessedBroker, text: ImportedText, officer: Member
) -> None:
    drafts.share(text.draft_id, by=officer, at=AT)
    other = signed_in(broker, "m.dove")
    tasks = other.get(f"/drafts/{text.draft_id}/")
    assert tasks.status_code == 200
    assert "existing" not in text_of(tasks)
    for address in ("existing/", f"existing/{text.pk}/"):
        assert other.get(f"/drafts/{text.draft_id}/{address}").status_code == 404
        assert other.post(f"/drafts/{text.draft_id}/{address}", {"do": "away"}).status_code == 404


def test_the_leads_signatory_reads_and_changes_nothing(
    broker: AssessedBroker, text: ImportedText
) -> None:
    signatory = signed_in(broker, "d.ashe")
    address = f"/drafts/{text.draft_id}/existing/{text.pk}/"
    page = signatory.get(address).content.decode()
    assert "Its clauses" in page
    assert "seen-1" not in page
    assert signatory.post(address, form_of(text, "save", section_1="about")).status_code == 403
    assert upload(signatory, text.draft, b"x").status_code == 403
    assert clause(text, TITLE).section == ""


def test_a_text_is_found_under_its_own_draft_only(
    broker: AssessedBroker, text: ImportedText, officer: Member
) -> None:
    second = drafts.start(officer, terms(), "blank", AT)
    client = signed_in(broker, "g.penn")
    assert client.get(f"/drafts/{second.id}/existing/{text.pk}/").status_code == 404
    assert client.get(f"/drafts/{uuid.uuid4()}/existing/").status_code == 404
    address = f"/drafts/{text.draft_id}/existing/{text.pk}/"
    assert client.post(address, {"do": "everything"}).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "Choose a file"), (b"\x00", "not a Word file"), (old.encrypted_pdf(), "encrypted")],
)
def test_a_file_that_cannot_be_read_is_said_on_the_form(
    content: bytes, said: str, broker: AssessedBroker, draft: Draft
) -> None:
    client = signed_in(broker, "g.penn")
    answer = (
        upload(client, draft, content)
        if content
        else client.post(f"/drafts/{draft.id}/existing/", {})
    )
    assert answer.status_code == 400
    assert said in text_of(answer)


def test_a_file_too_large_is_not_read(broker: AssessedBroker, draft: Draft) -> None:
    large = bytes(reading.LARGEST_FILE + importing_pages.FORM_BYTES + 1)
    answer = upload(signed_in(broker, "g.penn"), draft, large)
    assert answer.status_code == 400
    assert "10 MB or less" in text_of(answer)


def test_a_form_of_another_site_brings_nothing_in(broker: AssessedBroker, draft: Draft) -> None:
    client = Client(enforce_csrf_checks=True)
    session = signed_in(broker, "g.penn")
    client.cookies = session.cookies
    assert upload(client, draft, old.old_text()).status_code == 403
    assert not ImportedText.objects.exists()


def test_what_a_text_says_is_shown_and_never_run(broker: AssessedBroker, draft: Draft) -> None:
    officer = signed_in(broker, "g.penn")
    hostile = b"1. <script>alert(1)</script>\n{% now 'Y' %}"
    made = upload(officer, draft, hostile, "<img src=x>.txt")
    page = officer.get(made["Location"]).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<img src=x>" not in page
