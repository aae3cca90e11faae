"""Bringing in an old agreement: what is read, what is refused, and nothing is lost."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from tests import old_agreements as old
from tests.old_agreements import OLD, body, numbered, paragraph, word, zipped

from commonthread.broker.access import BadInput
from commonthread.broker.rules.canonical import plain
from commonthread.gateway.importing import found as bounds
from commonthread.gateway.importing import parsing, reading, targets
from commonthread.gateway.importing.clauses import split, whole_text
from commonthread.gateway.importing.found import Paragraph, Unreadable
from commonthread.gateway.importing.numbering import in_kind
from commonthread.gateway.importing.targets import suggest
from commonthread.web.drafts.asked import STATEMENTS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "importing.md"
SECRET = "what no reader may see"


def lines(content: bytes) -> list[str]:
    found = parsing.parse(content).paragraphs
    return [f"{one.number} {one.text}" if one.number else one.text for one in found]


def problem(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        parsing.parse(content)
    return caught.value.problem


def clauses(*said: str | Paragraph) -> list[str]:
    made = [one if isinstance(one, Paragraph) else Paragraph(one) for one in said]
    return [one.text for one in split(made)]


# What each kind says


@pytest.mark.parametrize("made", [old.old_word, old.old_pdf, old.old_text])
def test_a_word_file_a_pdf_and_a_text_say_the_same(made: Callable[[], bytes]) -> None:
    assert lines(made()) == list(OLD)


def test_word_counts_its_own_numbers() -> None:
    heading = '<w:pStyle w:val="Mine"/>'
    made = [("Parties", heading), ("We.", numbered(1)), ("You.", numbered(1)), ("x", numbered(2))]
    found = lines(word("".join(paragraph(*one) for one in [*made, ("Purpose", heading)])))
    assert found == ["1. Parties", "1.1 We.", "1.2 You.", "(a) x", "2. Purpose"]


def test_a_heading_of_word_is_a_heading() -> None:
    (found,) = parsing.parse(word(paragraph("Parties", '<w:pStyle w:val="Mine"/>'))).paragraphs
    assert found.level == 1


@pytest.mark.parametrize(
    ("count", "kind", "printed"),
    [
        (4, "lowerRoman", "iv"),
        (9, "upperRoman", "IX"),
        (27, "lowerLetter", "aa"),
        (3, "decimalZero", "03"),
        (5, "chicago", "5"),
        (0, "upperLetter", "0"),
    ],
)
def test_numbers_are_printed_as_word_prints_them(count: int, kind: str, printed: str) -> None:
    assert in_kind(count, kind) == printed


def test_deleted_text_is_left_out_and_inserted_text_taken_and_that_is_said() -> None:
    changed = (
        "<w:p><w:r><w:t>The trust </w:t></w:r><w:del><w:r><w:delText>may</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>shall</w:t></w:r></w:ins></w:p>"
    )
    found = parsing.parse(word(changed))
    assert [one.text for one in found.paragraphs] == ["The trust shall"]
    assert found.notes == ("tracked-changes",)


def test_a_list_that_a_paragraph_was_in_before_does_not_number_it() -> None:
    before = f"<w:pPrChange><w:pPr>{numbered(0)}</w:pPr></w:pPrChange>"
    assert lines(word(paragraph("Now plain", before))) == ["Now plain"]


def test_a_text_box_is_read_once() -> None:
    box = "<w:txbxContent>" + paragraph("In a box") + "</w:txbxContent>"
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    both = (
        f'<w:p><w:r><mc:AlternateContent xmlns:mc="{mc}"><mc:Choice><w:drawing>{box}</w:drawing>'
        f"</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
        "<w:t>Around it</w:t></w:r></w:p>"
    )
    assert lines(word(both)) == ["In a box", "Around it"]


MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"


@pytest.mark.parametrize(
    ("inner", "note"),
    [
        ("<w:tbl><w:tr><w:tc>{p}</w:tc></w:tr></w:tbl>", "tables"),
        ("{p}<w:p><w:r><w:sym w:char='F0FC'/></w:r></w:p>", "symbols"),
        (f"{{p}}<w:p><m:oMath xmlns:m='{MATH}'><m:t>x</m:t></m:oMath></w:p>", "equations"),
        ("{p}<w:altChunk/>", "embedded"),
        ("{p}<w:p><w:r><w:commentReference w:id='1'/></w:r></w:p>", "comments"),
        ("{p}<w:p><w:r><w:drawing/></w:r></w:p>", "pictures"),
    ],
)
def test_what_is_left_out_is_said(inner: str, note: str) -> None:
    made = parsing.parse(word(inner.format(p=paragraph("Text"))))
    assert [one.text for one in made.paragraphs if one.text] == ["Text"]
    assert made.notes == (note,)
    assert note in reading.NOTES


@pytest.mark.parametrize("part", ["header1", "footer2"])
def test_what_stands_above_and_below_pages_is_said_to_be_left_out(part: str) -> None:
    made = parsing.parse(word(paragraph("Text"), {f"word/{part}.xml": SECRET}))
    assert (made.notes, [one.text for one in made.paragraphs]) == (("headers",), ["Text"])


def test_footnotes_come_after_the_text() -> None:
    notes = body(paragraph("See the Act.")).replace("document", "footnotes")
    assert lines(word(paragraph("Text"), {"word/footnotes.xml": notes})) == ["Text", "See the Act."]


def test_a_heading_of_markdown_is_a_heading() -> None:
    found = parsing.parse(b"# Parties\n#1 is no heading\n").paragraphs
    assert [one.level for one in found] == [1, 0]


def test_a_text_of_an_older_program_is_read() -> None:
    assert lines("The council’s data".encode("cp1252")) == ["The council’s data"]
    assert lines("The council’s data".encode("utf-16")) == ["The council’s data"]


def test_a_line_of_a_pdf_that_goes_on_is_joined_and_a_point_is_not() -> None:
    made = old.pdf(("The parties agree that", "the data is safe.", "a) always", "B) here"))
    assert lines(made) == ["The parties agree that the data is safe.", "a) always", "B) here"]


def test_a_page_without_text_is_said() -> None:
    assert parsing.parse(old.pdf(("Text",), ())).notes == ("pages-without-text",)


def test_form_fields_of_a_pdf_are_said_to_be_left_out() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(old.old_pdf()))
    append_signature_field(writer, SigFieldSpec("Here"))
    out = io.BytesIO()
    writer.write(out)
    made = parsing.parse(out.getvalue())
    assert made.notes == ("forms",)
    assert [one.text for one in made.paragraphs] == list(OLD)


# What is refused


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\x01\x02", "unknown"),
        (b"  \n\n", "no-text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old-word"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + parsing.ENCRYPTED, "encrypted"),
        (b"PK\x03\x04 cut off", "damaged"),
        (zipped({"xl/workbook.xml": "<workbook/>"}), "unknown"),
        (zipped({"_rels/.rels": "<not xml"}), "damaged"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (b"x\n" * (bounds.MOST_PARAGRAPHS + 1), "too-large"),
        (b"x" * (bounds.MOST_CHARACTERS + 1), "too-large"),
        (word(""), "no-text"),
    ],
)
def test_what_cannot_be_read_has_its_reason(content: bytes, said: str) -> None:
    assert problem(content) == said
    assert said in reading.PROBLEMS


def test_a_part_that_grows_too_large_is_not_unpacked() -> None:
    assert problem(word("", {"word/document.xml": b" " * (25 * 1024 * 1024)})) == "too-large"


def test_a_part_that_packs_too_well_is_not_unpacked() -> None:
    assert problem(word("", {"word/document.xml": b" " * (2 * 1024 * 1024)})) == "too-large"


def test_a_part_that_lies_about_its_size_ends_at_what_it_said() -> None:
    made = word("", {"word/document.xml": b" " * (2 * 1024 * 1024)})
    size, lie = (2 * 1024 * 1024).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert made.count(size) == 2
    assert problem(made.replace(size, lie)) == "damaged"


def test_too_many_parts_are_too_many() -> None:
    assert problem(zipped({f"p/{number}": "" for number in range(2_001)})) == "too-large"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1/d.dtd">',
        '<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    ],
)
@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "_rels/.rels"])
def test_a_declaration_is_refused_in_every_part(declaration: str, part: str) -> None:
    sound = zipfile.ZipFile(io.BytesIO(old.old_word())).read(part).decode()
    xml = sound.partition("?>")[2] if sound.startswith("<?xml") else sound
    assert problem(word(paragraph("x"), {part: declaration + xml})) == "declared"


def test_an_entity_that_nobody_declared_is_damage() -> None:
    assert problem(word("<w:p><w:r><w:t>&passwd;</w:t></w:r></w:p>")) == "damaged"


@pytest.mark.parametrize(
    "target", ["../../../etc/passwd", "/etc/passwd", "word/../../etc/passwd", ""]
)
def test_the_document_lies_inside_the_file(target: str) -> None:
    assert problem(word(paragraph("x"), target=target)) == "unknown"


def test_a_document_that_lies_elsewhere_is_not_fetched() -> None:
    assert problem(word(paragraph("x"), links=' TargetMode="External"')) == "damaged"


def test_a_part_with_the_name_of_a_path_is_nothing() -> None:
    made = word(paragraph("Text"), {"../../etc/cron.d/x": SECRET, "/abs": SECRET, "word/../y": "z"})
    assert lines(made) == ["Text"]


def test_macros_are_neither_opened_nor_kept_and_that_is_said() -> None:
    parts = {"word/vbaProject.bin": SECRET, "word/vbaData.xml": SECRET}
    found = parsing.parse(word(paragraph("Text"), parts))
    assert [one.text for one in found.paragraphs] == ["Text"]
    assert found.notes == ("macros",)


def test_an_encrypted_part_is_said() -> None:
    made = bytearray(old.old_word())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = made.find(mark)
        while at >= 0:
            made[at + place] |= 1
            at = made.find(mark, at + 4)
    assert problem(bytes(made)) == "encrypted"


def test_two_parts_of_one_name_are_damage() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        out = io.BytesIO(old.old_word())
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr("word/document.xml", body(paragraph(SECRET)))
    assert problem(out.getvalue()) == "damaged"


def test_elements_within_elements_end_somewhere() -> None:
    assert problem(word("<w:sdt>" * 300 + "</w:sdt>" * 300)) == "too-large"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_word_file_is_damaged(share: float) -> None:
    whole = old.old_word()
    assert problem(whole[: int(len(whole) * share)]) == "damaged"


def test_a_pdf_with_a_password_is_said() -> None:
    assert problem(old.encrypted_pdf()) == "encrypted"


def test_a_scanned_pdf_is_said() -> None:
    assert problem(old.pdf((), ())) == "scanned"


def test_a_pdf_of_too_many_pages_is_too_large() -> None:
    assert problem(old.pdf(*[("x",)] * 301)) == "too-large"


def test_a_pdf_whose_pages_go_round_in_a_circle_ends() -> None:
    made = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    assert problem(made) in ("damaged", "scanned", "too-large")


def test_a_pdf_that_unpacks_without_end_is_stopped() -> None:
    packed = zlib.compress(b"(a) Tj " * 30_000_000, 9)
    stream = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
    made = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"4 0 obj" + stream + b"endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    assert len(made) < 1_000_000
    with pytest.raises(BadInput):
        reading.read_text(made)


# What the child says is believed of no shape


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b'{"kind": "exe", "paragraphs": [], "notes": []}',
        b'{"kind": "word", "paragraphs": {}, "notes": []}',
        b'{"kind": "word", "paragraphs": [["a", 1, 0]], "notes": []}',
        b'{"kind": "word", "paragraphs": [["a"], ["b", "", 0, 0]], "notes": []}',
        b'{"problem": "<b>made up</b>"}',
        b"[" * 100_000,
    ],
)
def test_a_child_that_was_taken_over_is_not_believed(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ask", lambda _: answer)
    with pytest.raises(BadInput, match="took too long or broke off"):
        reading.read_text(b"x")


def test_what_a_child_says_is_cleaned_and_its_notes_are_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = [["a\x00\u202eb\ud800e\u0301\tc", "1\n2" * 99, 99], [" ", "", 0], ["d", "", -1]]
    answer = {"kind": "pdf", "paragraphs": said, "notes": ["macros", "made up"]}
    monkeypatch.setattr(reading, "_ask", lambda _: json.dumps(answer).encode())
    found = reading.read_text(b"x")
    assert found.paragraphs[0].text == "ab\ufffd\u00e9 c"
    assert (len(found.paragraphs[0].number), found.paragraphs[0].level) == (40, 9)
    assert [one.text for one in found.paragraphs[1:]] == ["d"]
    assert found.notes == (reading.NOTES["macros"],)


def test_a_fence_that_is_missing_is_logged_by_its_name_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = {"kind": "text", "paragraphs": [["a", "", 0]], "notes": []}
    answer |= {"unfenced": ["network", "secret words"]}
    monkeypatch.setattr(reading, "_ask", lambda _: json.dumps(answer).encode())
    reading.read_text(b"x")
    assert "network" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (bytes(reading.LARGEST_FILE + 1), "too large")],
)
def test_an_empty_file_and_one_too_large_start_no_child(
    content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ask", lambda _: pytest.fail("a child was started"))
    with pytest.raises(BadInput, match=said):
        reading.read_text(content)


def test_one_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_SECONDS", 0.01)
    with pytest.raises(BadInput, match="took too long"):
        reading.read_text(old.old_text())


def test_no_more_are_read_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.01)
    for _ in range(reading.AT_ONCE):
        reading._TURNS.acquire()
    try:
        with pytest.raises(BadInput, match="Too many"):
            reading.read_text(b"x")
    finally:
        for _ in range(reading.AT_ONCE):
            reading._TURNS.release()


WRITTEN = st.text(st.characters(), max_size=60)


@given(WRITTEN)
def test_whatever_was_read_can_stand_in_terms(text: str) -> None:
    assert plain(reading.clean(text)) is not None


# Clauses


def test_an_agreement_is_cut_by_its_numbers() -> None:
    assert clauses(*OLD) == [
        "Information sharing agreement\n",
        f"1. Parties\n{OLD[2]}\n",
        f"{OLD[3]}\n",
        f"2. Purpose\n{OLD[5]}\n{OLD[6]}\n{OLD[7]}\n",
        f"3. Breaches\n{OLD[9]}\n",
        f"4. Sundry\n{OLD[11]}\n",
    ]


def test_a_clause_knows_the_heading_it_stands_under() -> None:
    found = split([Paragraph("1. Parties"), Paragraph("1.1 We."), Paragraph("1.2 You.")])
    assert [(one.title, one.under) for one in found] == [
        ("1. Parties", ""),
        ("1.2 You.", "1. Parties"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "12 months after the end the data is destroyed.",
        "31.12.2027 is the last day.",
        "7. of these are out of order",
        "(a) a point",
        "1.1.1 a point of a point",
        "2 of the parties may ask",
        "Section 115 of the Act lets the parties share, as its guidance has it.",
    ],
)
def test_a_number_that_does_not_go_on_begins_nothing(line: str) -> None:
    assert len(clauses("1. Parties", "These.", line)) == 1


@pytest.mark.parametrize("line", ["2. Purpose", "2 Purpose", "2) Purpose", "Schedule 1", "Annex B"])
def test_the_next_number_begins_a_clause(line: str) -> None:
    assert len(clauses("1. Parties", "These.", line)) == 2


def test_a_schedule_counts_anew() -> None:
    assert len(clauses("1. A", "x.", "2. B", "y.", "Schedule 1", "z.", "1. C", "v.", "2. D")) == 5


def test_a_number_that_word_gave_is_believed() -> None:
    assert len(clauses(Paragraph("Parties", "4."), "x.", Paragraph("Purpose", "9."))) == 2


def test_headings_begin_clauses_and_stay_with_what_they_head() -> None:
    found = clauses(Paragraph("A", level=1), Paragraph("B", level=2), "x.", Paragraph("C", level=2))
    assert found == ["A\nB\nx.\n", "C\n"]


def test_a_text_without_numbers_is_one_clause() -> None:
    assert clauses("One.", "Two.", "Three.") == ["One.\nTwo.\nThree.\n"]


SAID = st.builds(
    Paragraph,
    text=st.one_of(
        st.text(max_size=30),
        st.sampled_from([*OLD, "2. B", "2.1 c", "Schedule 2", "3", "1.\n2. x", "4) E"]),
    ),
    number=st.sampled_from(["", "", "1.", "1.1", "(a)", "•"]),
    level=st.integers(0, 9),
)


@given(st.lists(SAID, max_size=40))
def test_the_clauses_together_are_the_text(said: list[Paragraph]) -> None:
    found = split(said)
    assert "".join(one.text for one in found) == whole_text(said)
    assert all(one.text for one in found)


# Suggestions


def test_a_suggestion_names_the_words_that_made_it() -> None:
    found = suggest("A breach is told within 72 hours.")
    assert [(one.target, one.words) for one in found] == [
        ("statement-breach", ("breach", "72 hours"))
    ]


def test_what_a_heading_names_comes_first() -> None:
    found = suggest("9.1 Staff have training. Audit and destruction follow.", "9. Security")
    assert [one.target for one in found] == ["statement-security", "duties"]


def test_a_clause_that_says_nothing_known_suggests_nothing() -> None:
    assert suggest("4. Sundry\nThe parties bear their own costs.") == ()


def test_the_parties_are_named_everywhere_and_count_in_a_heading() -> None:
    assert suggest("1. Parties\nThe county and the trust.")[0].words == ("parties",)
    assert suggest("1.2 The county.", "1. Parties")[0].words == ("parties",)
    assert suggest("1.2 The parties meet.") == ()


@pytest.mark.parametrize("text", ["insecurity", "debenefits", "a riskless plan", "purposeful"])
def test_a_word_within_a_word_is_not_the_word(text: str) -> None:
    assert suggest(text) == ()


def test_a_word_goes_over_the_end_of_a_line() -> None:
    assert suggest("the Lawful\nBasis is")[0].words == ("lawful basis",)


def test_the_targets_are_the_sections_of_a_draft_and_the_statements_of_the_code() -> None:
    assert set(targets.WORDS) == set(targets.TARGETS)
    assert set(targets.STATEMENT_IDS) == {f"statement-{name}" for name in STATEMENTS}


def test_the_words_are_written_out_in_the_docs() -> None:
    rows = [row.split("|")[1:3] for row in DOCS.read_text().splitlines() if row.startswith("| `")]
    said = {target.strip(" `"): tuple(words.strip().split(", ")) for target, words in rows}
    headed = targets.IN_HEADINGS.items()
    first = {target: tuple(f"{word} (in a heading)" for word in words) for target, words in headed}
    assert said == {t: (*first.get(t, ()), *words) for t, words in targets.WORDS.items()}


def test_every_problem_and_note_ends_as_a_sentence() -> None:
    said: list[Any] = [
        *reading.NOTES.values(),
        *(one for both in reading.PROBLEMS.values() for one in both),
    ]
    assert all(one.endswith(".") for one in said)
