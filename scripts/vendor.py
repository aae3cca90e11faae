"""Bring the front-end files that lie in the source, by npm, without what is not ours to use.

From govuk-frontend: the style sheet and the script, without the GDS Transport font, the crest and
the crown, which belong to GOV.UK alone. From axe-core, for the tests: its one file. Run it to move
to another version; then look at the pages and run the browser tests.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "src" / "commonthread" / "web" / "static" / "vendor"
TESTS = ROOT / "tests" / "browser" / "vendor"
GOVUK, AXE = "govuk-frontend@6.6.0", "axe-core@4.14.1"
# Rules that name a picture of GOV.UK's own, each with its selector.
CREST_RULE = re.compile(r"[^{}]*\{[^{}]*govuk-crest\.svg[^{}]*\}")
FONT_RULE = re.compile(r"@font-face\{[^}]*\}|/\*![^*]*font has been customised[^*]*\*/")
MAP_COMMENT = re.compile(r"(?://# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")


def package(name: str, room: Path) -> Path:
    """The unpacked folder of an npm package."""
    listed = subprocess.run(
        ["npm", "pack", "--json", "--silent", name],  # noqa: S607 - npm is where the machine has it
        cwd=room,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(listed.stdout)
    file = (told if isinstance(told, list) else list(told.values()))[0]["filename"]
    with tarfile.open(room / file) as archive:
        archive.extractall(room / name, filter="data")
    return room / name / "package"


def plain_style(text: str) -> str:
    """The style sheet without GOV.UK's font and crest; every address in it is then gone."""
    text = FONT_RULE.sub("", CREST_RULE.sub("", MAP_COMMENT.sub("", text)))
    text = re.sub(r'"?GDS Transport"?,\s*', "", text)
    text = text.replace("arial,sans-serif", "Arial,Helvetica,sans-serif")
    left = [word for word in ("GDS Transport", "crest.svg", "url(/assets") if word in text]
    if left or len(text) < 50_000:
        raise SystemExit(f"vendor: the style sheet is not as expected: {left or 'too short'}")
    return text + "\n"


def plain_script(text: str) -> str:
    text = MAP_COMMENT.sub("", text)
    if len(text) < 10_000:
        raise SystemExit("vendor: the script is not as expected: too short")
    return text + "\n"


def checksums(folder: Path) -> str:
    """One line for each file: its SHA-256 and its name, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != "README.md")
    return "\n".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files
    )


def main() -> int:
    for folder in (PAGES, TESTS):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ct-vendor-") as scratch:
        govuk = package(GOVUK, Path(scratch)) / "dist" / "govuk"
        style, script = govuk / "govuk-frontend.min.css", govuk / "govuk-frontend.min.js"
        (PAGES / style.name).write_text(plain_style(style.read_text()))
        (PAGES / script.name).write_text(plain_script(script.read_text()))
        axe = package(AXE, Path(scratch))
        (TESTS / "axe.min.js").write_bytes((axe / "axe.min.js").read_bytes())
        (TESTS / "axe-core.LICENCE.txt").write_bytes((axe / "LICENSE").read_bytes())
    print(f"{PAGES.relative_to(ROOT)}\n{checksums(PAGES)}\n\n{TESTS.relative_to(ROOT)}")
    print(checksums(TESTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
