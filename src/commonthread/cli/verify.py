"""Verify an exported ledger, off line and without trusting whoever exported it.

This one file needs Python 3.11 and the package `cryptography`, and nothing of commonthread: copy
it, read it, run it. That is why it is longer than other modules and repeats what they know: it
shares no code with the ledger that it checks. Its trust comes from outside:

- `--key`: the ledger's public key, as your organisation was given it (`name+id+base64`);
- `--checkpoint`: signed checkpoints that somebody other than the operator kept, each in a file.

It checks that
- every line is one entry: canonical JSON of the known shape, numbered 0, 1, 2 … without a gap,
  times never going back, facts numbered 1, 2, 3 …;
- the export's own checkpoint is signed by the key and covers exactly these entries;
- every checkpoint held elsewhere is signed by the key, and the first entries, as many as it counts,
  have the root and the chain of facts that it signed.

It cannot know what the operator never wrote down, nor whether entries after the newest checkpoint
held elsewhere were rewritten; it says how many there are.

Exit codes: 0 verified, 2 bad input (a file or key that cannot be used), 4 integrity failure.
Formats: RFC 9162 §2.1 (tree), C2SP tlog-checkpoint and signed-note (checkpoints), RFC 8785 (JSON).
No message repeats what an entry says, beyond its number, kind and time.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

VERIFIED, BAD_INPUT, INTEGRITY = 0, 2, 4
FORMAT = "commonthread-ledger/v1"
OWN = "The export's own checkpoint"
LONGEST_LINE = 16 * 1024 * 1024
LONGEST_NOTE = 1024 * 1024
LARGEST_NUMBER = 2**53 - 1
MOST_KINDS = 200
AT_ONCE = 50_000

# What each part of an entry looks like as canonical JSON. One expression made of them accepts a
# whole line in a microsecond; apart, they say which part of a refused line is wrong.
NUMBER = rb"(?:0|[1-9][0-9]{0,15})"
TOKEN = rb'"[A-Za-z0-9+/=:._-]{0,200}"'
PARTS = {
    "at": rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"',
    "body": rb'"[A-Za-z0-9+/]*+={0,2}"',
    "commitment": rb'"[0-9a-f]{64}"',
    "fact": rb"[1-9][0-9]{0,15}",
    "kind": rb'"[a-z][a-z0-9._-]{0,63}"',
    "public": rb"\{.*\}",
    "seq": NUMBER,
    "tokens": rb"\[(?:" + TOKEN + rb"(?:," + TOKEN + rb")*+)?\]",
}
ENTRY = re.compile(
    rb'\{"at":(%(at)b),"body":%(body)b,"commitment":%(commitment)b(?:,"fact":(%(fact)b))?'
    rb',"kind":(%(kind)b),"public":(%(public)b),"seq":(%(seq)b),"tokens":%(tokens)b\}\n'
    % {name.encode(): part for name, part in PARTS.items()}
)
HASH64 = rb"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"
SIGNATURE_LINE = re.compile(rb"\xe2\x80\x94 ([^\x00-\x20+]+) ([A-Za-z0-9+/]+={0,2})\n")
NOTE = re.compile(
    rb"(([^\x00-\x1f]+)\n(%b)\n%b\nfacts (%b) %b\n)\n((?:%b)+)"
    % (NUMBER, HASH64, NUMBER, HASH64, rb"\xe2\x80\x94 [^\x00-\x20+]+ [A-Za-z0-9+/]+={0,2}\n")
)
ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
ENCODE_SORTED = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True
).encode


class Unusable(Exception):
    """A key or a file that nothing can be verified with; exit code 2."""


class Broken(Exception):
    """The ledger or a checkpoint is not what it must be; becomes a failure in the report."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What does not hold. Entries `first` to `last` hold the fault, where that can be known."""

    message: str
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint held elsewhere. `verdict`: agrees, differs, beyond the export, not reached."""

    name: str
    size: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Tail:
    """The entries after the newest agreeing checkpoint held elsewhere, or all without one."""

    entries: int
    by_kind: dict[str, int]
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified, against what, and what remains open."""

    origin: str
    key: str
    entries: int
    facts: int
    root: str
    held: tuple[Held, ...]
    after: Tail
    failures: tuple[Failure, ...]

    @property
    def verified(self) -> bool:
        return not self.failures

    @property
    def exit_code(self) -> int:
        return VERIFIED if self.verified else INTEGRITY

    @property
    def anchored(self) -> bool:
        """Whether anything but the operator's own word supports the export."""
        return any(held.verdict == "agrees" and held.size for held in self.held)

    def as_json(self) -> dict[str, Any]:
        return {"verified": self.verified, "anchored": self.anchored, **asdict(self)}

    def as_text(self) -> str:
        word = "Verified" if self.verified else "NOT VERIFIED"
        lines = [f"{word}: {_counted(self.entries)} of {self.origin or 'an unknown ledger'}"]
        lines += [f"  - {failure.message}" for failure in self.failures]
        lines += [f"  key    {self.key}", f"  facts  {self.facts:,}", f"  root   {self.root}"]
        lines += [
            f"  held   {held.name}: {_counted(held.size)}, {held.verdict}" for held in self.held
        ]
        return "\n".join([*lines, *(self._what_remains_open() if self.verified else [])])

    def _what_remains_open(self) -> list[str]:
        tail, lines = self.after, []
        if not self.anchored:
            lines = [
                "No checkpoint held elsewhere covers any entry (--checkpoint). Without one it can",
                "stay hidden that entries were cut off at the end, or that the operator wrote",
                "another history and signed it again.",
            ]
        if not tail.entries:
            return lines or ["Every entry is covered by a checkpoint held elsewhere."]
        where = "after the newest checkpoint held elsewhere" if self.anchored else "in this export"
        return [
            *lines,
            f"{_counted(tail.entries)} {where} could still have been rewritten by the operator,",
            f"{tail.first_at} to {tail.last_at}:",
            *(f"  {count:>9,}  {kind}" for kind, count in tail.by_kind.items()),
        ]


@dataclass(frozen=True, slots=True)
class Key:
    """The trusted public key of a ledger."""

    text: str
    name: bytes
    id: bytes
    public: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signed:
    """The head of a ledger that the key signed."""

    name: str
    origin: str
    size: int
    root: bytes
    facts: int
    head: bytes


def verify_export(
    export: Path,
    *,
    key: str,
    checkpoints: Sequence[Path] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Verify a file; `key` is the key's text or the path of a file that holds it.

    `progress` is called with the number of entries read so far. Raises `Unusable`.
    """
    trusted = read_key(key)
    notes = [(path.name, _content(path, LONGEST_NOTE)) for path in checkpoints]
    try:
        with export.open("rb", buffering=1024 * 1024) as stream:
            return verify_stream(stream, trusted, notes, progress)
    except OSError as error:
        raise Unusable(f"{export} cannot be read: {error.strerror}.") from None


def verify_stream(
    stream: BinaryIO,
    key: Key,
    notes: Sequence[tuple[str, bytes]] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Verify an open export against a key and checkpoints held elsewhere, as (name, bytes)."""
    check = _Check(stream, key, progress)
    check.run(notes)
    return Report(
        origin=check.origin,
        key=key.text,
        entries=check.ledger.size,
        facts=check.ledger.facts,
        root=check.ledger.root().hex(),
        held=tuple(check.held),
        after=check.ledger.tail(),
        failures=tuple(check.failures),
    )


def read_key(text: str) -> Key:
    """A key from its text, or from the file of that name. Raises `Unusable`."""
    found = _parse_key(text)
    if found is None:
        content = _content(Path(text), 4096) if _is_file(text) else b""
        found = _parse_key(content.decode("utf-8", "replace").strip())
    if found is None:
        raise Unusable("--key is neither a ledger's public key (name+id+base64) nor a file of one.")
    return found


def _parse_key(text: str) -> Key | None:
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0].isprintable() or any(map(str.isspace, text)):
        return None
    try:
        material = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    name = parts[0].encode()
    digest = sha256(name + b"\n" + material).digest()[:4]
    if not name or len(material) != 33 or material[0] != 1 or digest.hex() != parts[1]:
        return None
    return Key(text, name, digest, Ed25519PublicKey.from_public_bytes(material[1:]))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > limit:
        raise Unusable(f"{path} is too large to be a key or a checkpoint.")
    return content


def open_note(name: str, note: bytes, key: Key) -> Signed:
    """A checkpoint once the key's signature on it holds. `name` says in messages which one it is.

    Signatures by other keys are ignored; one by this key that fails refuses the note.
    """
    found = NOTE.fullmatch(note) if len(note) <= LONGEST_NOTE else None
    if found is None:
        raise Broken(f"{name} is not a signed checkpoint.")
    body, origin, size, root, facts, head, lines = found.groups()
    _check_signatures(name, body, lines, key)
    signed = Signed(
        name=name,
        origin=origin.decode("utf-8", "replace"),
        size=int(size),
        root=base64.b64decode(root),
        facts=int(facts),
        head=base64.b64decode(head),
    )
    if not signed.origin.isprintable() or signed.facts > signed.size:
        raise Broken(f"{name} is signed, but no ledger has such a head.")
    return signed


def _check_signatures(name: str, body: bytes, lines: bytes, key: Key) -> None:
    marks = [
        base64.b64decode(mark) if len(mark) % 4 == 0 else b""
        for signer, mark in SIGNATURE_LINE.findall(lines)
        if signer == key.name
    ]
    mine = [mark[4:] for mark in marks if mark[:4] == key.id]
    if not mine:
        raise Broken(f"{name} is not signed by the key that you trust.")
    for signature in mine:
        try:
            key.public.verify(signature, body)
        except InvalidSignature:
            raise Broken(f"The signature on {name} does not hold.") from None


class _Check:
    """One verification: reads entries up to each signed size in turn, and compares there."""

    def __init__(self, stream: BinaryIO, key: Key, progress: Callable[[int], None] | None) -> None:
        self.stream, self.key, self.progress = stream, key, progress
        self.ledger = _Ledger()
        self.origin = ""
        self.held: list[Held] = []
        self.failures: list[Failure] = []
        self.proven = 0  # the entries before this one are what some checkpoint signed
        self.halted = False

    def run(self, notes: Sequence[tuple[str, bytes]]) -> None:
        try:
            named, own_note = _header(self.stream.readline(LONGEST_NOTE + 1))
        except Broken as broken:
            self._fail(str(broken))
            return
        if named != self.key.text:
            self._fail("The export names another key than the one that you trust.")
        own = self._opened(OWN, own_note)
        held = [note for note in (self._opened(*given) for given in notes) if note]
        self._check_origins([*held, own] if own else held)
        held.sort(key=lambda note: note.size)
        verdicts = [self._compare_held(note) for note in held]
        self._read(None)
        if own and not self.halted and self._agrees_at_end(own):
            held, verdicts = [*held, own], [*verdicts, "agrees"]
        self._name_forks(held, verdicts)

    def _fail(self, message: str, first: int | None = None, last: int | None = None) -> None:
        self.failures.append(Failure(message, first, last))

    def _opened(self, name: str, note: bytes) -> Signed | None:
        try:
            return open_note(name, note, self.key)
        except Broken as broken:
            self._fail(str(broken))
            return None

    def _check_origins(self, signed: Sequence[Signed]) -> None:
        self.origin = signed[-1].origin if signed else ""
        for note in signed:
            if note.origin != self.origin:
                self._fail(f"{note.name} is a checkpoint of another ledger.")

    def _read(self, until: int | None) -> None:
        """Read entries up to that number of them, or to the end of the file."""
        ledger, ended = self.ledger, False
        while not (self.halted or ended or ledger.size == until):
            goal = ledger.size + AT_ONCE
            try:
                ended = ledger.read(self.stream, goal if until is None else min(goal, until))
            except Broken as broken:
                self._fail(f"Entry {ledger.size} {broken}", ledger.size, ledger.size)
                self.halted = True
            if self.progress:
                self.progress(ledger.size)

    def _compare_held(self, note: Signed) -> str:
        self._read(note.size)
        size = self.ledger.size
        if self.halted:
            verdict = "not reached"
        elif size < note.size:
            missing = _span(size, note.size - 1)
            self._fail(f"{note.name} signs {missing}, cut off here.", size, note.size - 1)
            verdict = "beyond the export"
        else:
            verdict = "agrees" if self._agrees(note) else "differs"
        if verdict == "agrees":
            self.ledger.start_tail()
        self.held.append(Held(note.name, note.size, verdict))
        return verdict

    def _agrees(self, note: Signed) -> bool:
        ledger = self.ledger
        same_facts = (note.facts, note.head) == (ledger.facts, ledger.head)
        if note.root == ledger.root() and same_facts:
            self.proven = note.size
            return True
        if note.root == ledger.root():
            self._fail(f"{note.name} signs these entries with another chain of facts.")
            return False
        where = _span(self.proven, note.size - 1)
        message = f"{note.name} signs other entries: the first that differs is {where}"
        if note.size - self.proven > 1:
            message = f"{note.name} signs other entries: one or more differ in {where}"
        known = "; the facts among them are as signed." if same_facts else "."
        self._fail(message + known, self.proven, note.size - 1)
        return False

    def _agrees_at_end(self, own: Signed) -> bool:
        size = self.ledger.size
        if own.size > size:
            self._fail(
                f"{OWN} signs {_span(size, own.size - 1)}, cut off here.", size, own.size - 1
            )
        elif own.size < size:
            beyond = _span(own.size, size - 1)
            self._fail(f"{OWN} does not cover {beyond}.", own.size, size - 1)
        else:
            return self._agrees(own)
        return False

    def _name_forks(self, signed: Sequence[Signed], verdicts: Sequence[str]) -> None:
        """Two heads that one key signed and no one history can have are proof against its owner."""
        longest = max(
            (note for note, verdict in zip(signed, verdicts, strict=True) if verdict == "agrees"),
            key=lambda note: note.size,
            default=None,
        )
        for note, verdict in zip(signed, verdicts, strict=True):
            if longest and verdict == "differs" and note.size <= longest.size:
                self._fail(
                    f"The same key signed {note.name} and {_lower(longest.name)}, and no one "
                    "history fits both: it was rewritten. Keep both as proof."
                )


class _Ledger:
    """What has been read so far: the tree's right edge, the chain of facts, and the tail."""

    def __init__(self) -> None:
        self.size = self.facts = 0
        self.head = bytes(32)
        self.at = b""
        self._edge: list[bytes] = []
        self.start_tail()

    def start_tail(self) -> None:
        self._tail_from, self._tail_at, self._kinds = self.size, b"", dict[bytes, int]()

    def tail(self) -> Tail:
        ordered = sorted(self._kinds.items(), key=lambda item: (-item[1], item[0]))
        return Tail(
            entries=self.size - self._tail_from,
            by_kind={kind.decode().strip('"'): count for kind, count in ordered},
            first_at=self._tail_at.decode().strip('"'),
            last_at=self.at.decode().strip('"') if ordered else "",
        )

    def root(self) -> bytes:
        """RFC 9162 §2.1.1: the edge's subtrees, joined from the right."""
        if not self._edge:
            return sha256().digest()
        joined = self._edge[-1]
        for left in self._edge[-2::-1]:
            joined = sha256(b"\x01" + left + joined).digest()
        return joined

    def read(self, stream: BinaryIO, until: int) -> bool:
        """Read entries up to that number of them; returns whether the file has ended.

        Raises `Broken` for the entry numbered `self.size`.
        """
        # The one hot loop: a million entries pass here, so names are local and nothing is called
        # that need not be.
        readline, matches, edge, kinds = stream.readline, ENTRY.fullmatch, self._edge, self._kinds
        while self.size < until:
            line = readline(LONGEST_LINE)
            found = matches(line)
            if found is None:
                if not line:
                    return True
                raise Broken(_what_is_wrong(line))
            at, fact, kind, public, seq = found.groups()
            if int(seq) != self.size:
                raise Broken("has another number: one is missing, repeated or moved here.")
            if at != self.at:
                self._move_time(at)
            if public != b"{}" and not _is_canonical(public):
                raise Broken('has a part "public" that is not canonical JSON.')
            node = sha256(b"\x00" + line[:-1]).digest()
            if fact is not None:
                self._add_fact(int(fact), node)
            size = self.size
            while size & 1:
                node = sha256(b"\x01" + edge.pop() + node).digest()
                size >>= 1
            edge.append(node)
            self.size += 1
            if not kinds:
                self._tail_at = at
            if kind not in kinds and len(kinds) >= MOST_KINDS:
                kind = b"(other kinds)"
            kinds[kind] = kinds.get(kind, 0) + 1
        return False

    def _move_time(self, at: bytes) -> None:
        if at < self.at:
            raise Broken("is earlier than the one before it.")
        try:
            datetime.fromisoformat(at[1:-1].decode())
        except ValueError:
            raise Broken('has a part "at" that no calendar has.') from None
        self.at = at

    def _add_fact(self, ordinal: int, leaf: bytes) -> None:
        if ordinal != self.facts + 1:
            raise Broken("is not the next fact: one is missing, repeated or moved here.")
        self.facts = ordinal
        self.head = sha256(b"commonthread/facts/v1\n" + self.head + leaf).digest()


def _header(line: bytes) -> tuple[str, bytes]:
    """The key's text and the newest checkpoint out of the first line."""
    if not line:
        raise Broken("The export is empty.")
    value = _parsed(line[:-1]) if line.endswith(b"\n") and _is_canonical(line[:-1]) else None
    if not isinstance(value, dict) or sorted(value) != ["checkpoint", "format", "key"]:
        raise Broken("The first line is not the header of a ledger export.")
    texts = [value["format"], value["key"], value["checkpoint"]]
    if not all(isinstance(text, str) for text in texts) or texts[0] != FORMAT:
        raise Broken(f"The export is not of the format {FORMAT}.")
    return texts[1], texts[2].encode()


def _what_is_wrong(line: bytes) -> str:
    """Why a line that is no entry is none; names parts, never what they say."""
    if not line.endswith(b"\n"):
        return "is cut off, or longer than any entry."
    if line.isspace():
        return "is a blank line."
    if line.endswith(b"\r\n"):
        return "ends in a carriage return: the file was changed on its way."
    try:
        value = _parsed(line)
    except Broken as broken:
        return str(broken)
    if not isinstance(value, dict):
        return "is not a JSON object."
    for name, part in PARTS.items():
        if name not in value and name != "fact":
            return f'lacks its part "{name}".'
        if name in value and not re.fullmatch(part, _encoded(value[name])):
            return f'has a part "{name}" of the wrong form.'
    if not value.keys() <= PARTS.keys():
        return "has a part that no entry has."
    return "is not canonical JSON."


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) > LARGEST_NUMBER:
        raise ValueError
    return number


def _refuse(_: str) -> Any:
    raise ValueError


PARSE = json.JSONDecoder(parse_int=_whole, parse_float=_refuse, parse_constant=_refuse).decode


def _parsed(text: bytes) -> Any:
    try:
        return PARSE(text.decode())
    except UnicodeDecodeError:
        raise Broken("is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise Broken("is not JSON of whole numbers and text.") from None


def _is_canonical(text: bytes) -> bool:
    """RFC 8785 over text in NFC, whole numbers and truth values: no other spelling comes back."""
    try:
        value = _parsed(text)
        if b"null" in text and _holds_null(value):
            return False
        return _encoded(value) == text and (
            text.isascii() or unicodedata.is_normalized("NFC", text.decode())
        )
    except (Broken, RecursionError):
        return False


def _encoded(value: Any) -> bytes:
    try:
        text = ENCODE_SORTED(value)
        if not text.isascii():
            text = ENCODE(_ordered(value))
        return text.encode()
    except (ValueError, RecursionError):  # half a surrogate pair, or endless nesting
        return b""


def _ordered(value: Any) -> Any:
    """Names in the order of their UTF-16 code units, which is not Python's beyond U+FFFF."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _holds_null(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return value is None or (isinstance(value, dict | list) and any(map(_holds_null, items)))


def _counted(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def _span(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _lower(text: str) -> str:
    return "the" + text.removeprefix("The") if text == OWN else text


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        report = verify_export(
            chosen.export,
            key=chosen.key,
            checkpoints=chosen.checkpoint,
            progress=_show_progress if sys.stderr.isatty() else None,
        )
    except Unusable as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    print(json.dumps(report.as_json(), indent=2) if chosen.json else report.as_text())
    return report.exit_code


def _show_progress(entries: int) -> None:
    print(f"\r{entries:,} entries read\r", end="", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.py",
        description="Verify an exported ledger, off line, against a key and checkpoints that were "
        "not in the operator's hands.",
        epilog="""examples:
  python verify.py county.ledger --key county.vkey --checkpoint held-by-us.note
  python verify.py county.ledger --key 'trust.example/ledger+42a8a586+AQOh...' \\
      --checkpoint ours.note --checkpoint theirs.note --json

exit codes: 0 verified, 2 bad input, 4 integrity failure""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("export", type=Path, help="the exported ledger, a .ledger file")
    parser.add_argument("--key", required=True, help="the ledger's public key, or a file of it")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        help="a signed checkpoint that was held elsewhere; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
