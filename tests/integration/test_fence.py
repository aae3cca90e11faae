"""A child that shut itself in tries every way out, as whoever runs the tests and as nobody.

The child is a script of the test: the product has no entry for trying.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonthread.broker import fence

SOURCES = Path(__file__).resolve().parents[2] / "src"
LIMIT = 1 << 30

# Everything is imported before the fence: after it, nobody may not read root's interpreter.
TRIES = """
import ctypes, json, mmap, os, signal, socket, subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from commonthread.broker.fence import fence
identity, granted, limit = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
if identity == "nobody" and os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
libc, parent = ctypes.CDLL(None, use_errno=True), os.getppid()
held, missing = fence(readable=[str(granted)], limit_bytes=limit)

def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "call")

def prctl(*arguments):
    if libc.prctl(*arguments, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")

def fork():
    if os.fork() == 0:
        os._exit(0)

def peek():
    with open(f"/proc/{parent}/mem", "rb") as memory:
        memory.read(1)

ptrace, unshare = {"x86_64": (101, 272), "aarch64": (117, 97)}[os.uname().machine]
other = granted.parent / "other"
tries = {
    "read the granted file": lambda: granted.read_bytes(),
    "read another file of the machine": lambda: Path("/etc/passwd").read_bytes(),
    "read a file beside the granted one": lambda: (granted.parent / "secret").read_bytes(),
    "list the folder of the granted file": lambda: os.listdir(granted.parent),
    "list the root": lambda: os.listdir("/"),
    "write a new file": lambda: (granted.parent / "new").write_bytes(b"x"),
    "write to the granted file": lambda: granted.write_bytes(b"x"),
    "cut the granted file": lambda: os.truncate(granted, 0),
    "remove the granted file": lambda: granted.unlink(),
    "make a folder": lambda: (granted.parent / "folder").mkdir(),
    "rename the granted file": lambda: granted.rename(other),
    "link to the granted file": lambda: os.link(granted, other),
    "open the granted file to all": lambda: granted.chmod(0o777),
    "change the times of the granted file": lambda: os.utime(granted),
    "write to shared memory": lambda: Path("/dev/shm/ct-fence").write_bytes(b"x"),
    "make an internet socket": lambda: socket.socket(socket.AF_INET),
    "make a local socket": lambda: socket.socket(socket.AF_UNIX),
    "make a pair of sockets": lambda: socket.socketpair(),
    "fork": fork,
    "run a program": lambda: subprocess.run([sys.executable, "-c", ""]),
    "become a program": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"]),
    "trace the parent": lambda: call(ptrace, 16, parent, 0, 0),
    "read the memory of the parent": peek,
    "read the environment of the parent": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
    "read its own environment": lambda: Path("/proc/self/environ").read_bytes(),
    "signal the parent": lambda: os.kill(parent, 0),
    "make itself readable to siblings": lambda: prctl(4, 1),
    "outlive the parent": lambda: prctl(1, 0),
    "enter another namespace": lambda: call(unshare, 0x10000000),
    "take more memory than allowed": lambda: mmap.mmap(-1, limit),
    "raise its own limit": lambda: __import__("resource").setrlimit(9, (limit * 2, limit * 2)),
}
said = {}
for name, attempt in tries.items():
    try:
        attempt()
        said[name] = "done"
    except (OSError, MemoryError, ValueError):
        said[name] = "refused"
print(json.dumps({"held": held, "missing": missing, "said": said}))
"""
NOT_READ_AFTERWARDS = {"read the granted file"}

# What stands before the survey takes one call away, as an older kernel or a container would.
WITHOUT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from commonthread.broker import fence
load, equal, give = 0x20, 0x15, 0x06
fence._install([
    (load, 0, 0, 0), (equal, 0, 1, int(sys.argv[2])),
    (give, 0, 0, 0x00050026), (give, 0, 0, 0x7FFF0000),
])
print(json.dumps(fence.survey()))
"""
UNSHARE = {"x86_64": "272", "aarch64": "97"}[os.uname().machine]
LANDLOCK = "444"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that nobody can reach too, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="ct-fence-") as made:
        path = Path(made)
        path.chmod(0o777)
        (path / "granted").write_bytes(b"granted")
        (path / "secret").write_bytes(b"CANARY")
        (path / "granted").chmod(0o666)
        (path / "secret").chmod(0o666)
        yield path


def run(script: str, *arguments: str) -> dict[str, object]:
    child = subprocess.run(
        [sys.executable, "-I", "-c", script, str(SOURCES), *arguments],
        env={"SECRET": "CANARY"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr.decode()
    said = json.loads(child.stdout)
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize("identity", ["ourselves", "nobody"])
def test_a_fenced_child_reads_what_it_was_given_and_does_nothing_else(
    folder: Path, identity: str
) -> None:
    said = run(TRIES, identity, str(folder / "granted"), str(LIMIT))["said"]
    assert isinstance(said, dict)
    assert {name for name, outcome in said.items() if outcome == "done"} == NOT_READ_AFTERWARDS
    assert (folder / "granted").read_bytes() == b"granted"
    assert sorted(path.name for path in folder.iterdir()) == ["granted", "secret"]


@pytest.mark.parametrize("identity", ["ourselves", "nobody"])
def test_a_fenced_child_names_the_fences_that_hold(folder: Path, identity: str) -> None:
    said = run(TRIES, identity, str(folder / "granted"), str(LIMIT))
    assert {*said["held"], *said["missing"]} == set(fence.NAMES)  # type: ignore[misc]
    # A container may forbid namespaces; the other fences hold the network then.
    assert set(said["missing"]) <= {"network"}  # type: ignore[call-overload]


def test_the_survey_finds_nothing_that_this_machine_cannot_fence() -> None:
    assert set(fence.survey()) <= {"network"}


def test_a_kernel_without_landlock_is_named_by_the_survey() -> None:
    assert "landlock" in str(run(WITHOUT, LANDLOCK)["files"])


def test_a_machine_without_namespaces_is_named_by_the_survey() -> None:
    assert set(run(WITHOUT, UNSHARE)) == {"network"}


def test_a_fence_that_is_set_up_but_lets_through_is_named() -> None:
    script = WITHOUT.replace(
        "print(", "fence._code = lambda: ('/',)\nfence._seccomp = lambda: None\nprint("
    ).replace("fence.survey()", "fence._try_out()")
    said = run(script, "9999")
    assert {"files", "calls"} <= set(said)


def test_a_second_thread_is_a_fault() -> None:
    script = """
import sys, threading, time
sys.path.insert(0, sys.argv[1])
from commonthread.broker.fence import fence
threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
try:
    fence(readable=[], limit_bytes=1 << 30)
except RuntimeError:
    print("{}")
"""
    assert run(script) == {}
