"""Agreements as partners have them in their drawers: Word, PDF, text; sound and hostile."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

import typst
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINKS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns='
    '"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="{target}"{more}/></Relationships>'
)
STYLES = (
    f'<w:styles xmlns:w="{W}"><w:style w:type="paragraph" w:styleId="H1">'
    '<w:name w:val="heading 1"/>'
    '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Mine"><w:basedOn w:val="H1"/></w:style></w:styles>'
)
NUMBERING = (
    f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/>'
    "</w:lvl>"
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/>'
    '</w:lvl><w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/>'
    '<w:lvlText w:val="(%3)"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)
# Six clauses as a council would have them; no word of the last suggests a section.
OLD = (
    "Information sharing agreement",
    "1. Parties",
    "1.1 This agreement is between the county council, a controller, and the hospital trust.",
    "1.2 The lawful basis of each is Article 6(1)(e).",
    "2. Purpose",
    "The data will be used for planning winter beds.",
    "(a) by the trust",
    "12 months after the start the parties look at it again.",
    "3. Breaches",
    "A breach is told to the other party within 72 hours.",
    "4. Sundry",
    "The parties bear their own costs.",
)


def paragraph(text: str, properties: str = "") -> str:
    shown = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f'<w:p>{shown}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def numbered(depth: int) -> str:
    return f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="1"/></w:numPr>'


def body(inner: str, before: str = "") -> str:
    document = f'<w:document xmlns:w="{W}"><w:body>{inner}</w:body></w:document>'
    return f'<?xml version="1.0"?>{before}{document}'


def word(
    inner: str,
    more: Mapping[str, str | bytes] | None = None,
    *,
    target: str = "word/document.xml",
    links: str = "",
    before: str = "",
) -> bytes:
    """A .docx with this body; `more` are further parts, or others in place of its own."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": LINKS.format(target=target, more=links),
        "word/document.xml": body(inner, before),
        "word/styles.xml": STYLES,
        "word/numbering.xml": NUMBERING,
        **(more or {}),
    }
    return zipped(parts)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def old_word() -> bytes:
    return word("".join(map(paragraph, OLD)))


def old_text() -> bytes:
    return "\n".join(OLD).encode()


def pdf(*pages: tuple[str, ...]) -> bytes:
    """A PDF with these lines on its pages; a page without lines is a drawing and no text."""
    said = "\n#pagebreak()\n".join(
        "\n\n".join(f"#text({_quoted(line)})" for line in page) or "#rect(width: 5cm)"
        for page in pages
    )
    made: bytes = typst.compile(said.encode(), format="pdf")
    return made


def _quoted(line: str) -> str:
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def old_pdf() -> bytes:
    return pdf(OLD)


def encrypted_pdf() -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(old_pdf())))
    handler = StandardSecurityHandler.build_from_pw("secret", "secret")
    writer.security_handler = handler
    writer._encrypt = writer.add_object(handler.as_pdf_object())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
