"""How fast a ledger verifies, and what a tree costs beyond its hashes.

    python benchmarks/ledger.py [ENTRIES]

Writes a ledger of a million entries (one in ten a fact), then, each in a process of its own:
- verifies it as a stand-alone verifier does, against a checkpoint held elsewhere;
- does the same number of SHA-256 of the same lengths with hashlib alone: the floor;
- appends its leaves to a `Frontier`.

Prints a table of seconds, the ratio to the floor, and peak memory. Fails, exit 1, when verifying
takes 10 seconds for a million entries, or 100 MB.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from commonthread.broker.rules import ledger  # noqa: E402 - the path above comes first
from commonthread.broker.rules.canonical import canonical_bytes  # noqa: E402 - likewise

# The verifier is one file that needs nothing of commonthread: it is measured as it is handed out.
_SPEC = importlib.util.spec_from_file_location("verify", ROOT / "src/commonthread/cli/verify.py")
if _SPEC is None or _SPEC.loader is None:
    raise SystemExit("the verifier is not there")
verify = importlib.util.module_from_spec(_SPEC)
sys.modules["verify"] = verify
_SPEC.loader.exec_module(verify)

NAME = "benchmark.example/ledger"
SECONDS_PER_MILLION = 10.0
MOST_MEGABYTES = 100


def entries(count: int) -> Iterator[bytes]:
    chance, facts = random.Random(6962), 0
    for seq in range(count):
        entry = {
            "at": f"2026-{1 + seq * 12 // count:02d}-01T00:00:00Z",
            "body": base64.b64encode(chance.randbytes(150)).decode(),
            "commitment": chance.randbytes(32).hex(),
            "kind": "fact" if seq % 10 == 0 else "lease.opened",
            "public": {"agreement": chance.randbytes(32).hex()},
            "seq": seq,
            "tokens": [chance.randbytes(16).hex(), chance.randbytes(16).hex()],
        }
        if seq % 10 == 0:
            facts += 1
            entry["fact"] = facts
        yield canonical_bytes(entry)


def write(folder: Path, count: int) -> None:
    """The export, its key, and a checkpoint that somebody kept when nine tenths were written."""
    key, frontier, head, facts = Ed25519PrivateKey.generate(), ledger.Frontier(), bytes(32), 0

    def note() -> str:
        checkpoint = ledger.Checkpoint(NAME, frontier.size, frontier.root(), facts, head)
        return ledger.sign_note(checkpoint, NAME, key)

    text = ledger.key_text(NAME, key.public_key())
    (folder / "key").write_text(text + "\n")
    with (folder / "entries").open("wb") as lines:
        for entry in entries(count):
            leaf = ledger.leaf_hash(entry)
            if frontier.size % 10 == 0:
                head, facts = ledger.next_head(head, leaf), facts + 1
            frontier.append(leaf)
            lines.write(entry + b"\n")
            if frontier.size == count * 9 // 10:
                (folder / "held").write_text(note())
    with (folder / "export").open("wb") as export, (folder / "entries").open("rb") as lines:
        export.writelines(ledger.export_lines(note(), text, (line[:-1] for line in lines)))


def verifying(folder: Path) -> None:
    report = verify.verify_export(
        folder / "export", key=str(folder / "key"), checkpoints=[folder / "held"]
    )
    if not report.verified:
        raise SystemExit(report.as_text())


def hashing(folder: Path) -> None:
    """One hash for each entry, one for each node above, one for each fact; nothing else."""
    node, sha256 = bytes(65), hashlib.sha256
    with (folder / "entries").open("rb") as lines:
        for number, line in enumerate(lines):
            sha256(line).digest()
            sha256(node).digest()
            if number % 10 == 0:
                sha256(node).digest()


def appending(folder: Path) -> None:
    frontier, leaf = ledger.Frontier(), ledger.leaf_hash(b"")
    with (folder / "entries").open("rb") as lines:
        for _ in lines:
            frontier.append(leaf)


WORK = {"verifying": verifying, "hashing": hashing, "appending": appending}


def measured(name: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of the work in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def one(name: str, folder: Path) -> None:
    started = time.perf_counter()
    WORK[name](folder)
    seconds = time.perf_counter() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
        return 0
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(f"writing {count:,} entries ...", file=sys.stderr)
        write(folder, count)
        size = (folder / "export").stat().st_size / 1_000_000
        results = {name: measured(name, folder) for name in WORK}
    floor = results["hashing"][0]
    print(f"{count:,} entries, {size:,.0f} MB\n\n| work | seconds | ratio to hashing | MB |")
    print("|---|---|---|---|")
    for name, (seconds, megabytes) in results.items():
        print(f"| {name} | {seconds:.2f} | {seconds / floor:.1f} | {megabytes:.0f} |")
    seconds, megabytes = results["verifying"]
    slow = seconds > SECONDS_PER_MILLION * count / 1_000_000
    return int((slow and count >= 1_000_000) or megabytes > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
