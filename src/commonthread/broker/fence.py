"""What a child that runs a stranger's code or parses a stranger's file can still reach: nothing.

`fence` is the first thing such a child does. It binds the calling thread and those it starts later,
so it stands before the import of any engine: importing one starts threads that would stay outside.
The child has to be started by a thread that outlives it (it dies with that thread) and gets what it
works on through its standard input or as a readable file.

| fence        | what it takes away                                       | by what              |
|--------------|----------------------------------------------------------|----------------------|
| `limits`     | memory beyond the limit, core dumps, files growing       | resource limits      |
| `network`    | every network interface                                  | a network namespace  |
| `privileges` | what root may do beyond reading                          | capabilities         |
| `private`    | its memory and environment, to siblings of the same user | undumpable           |
| `orphan`     | outliving the parent, even when that is killed           | parent death signal  |
| `files`      | reading all but named files; writing, TCP, signals       | Landlock             |
| `calls`      | sockets, processes, tracing, shared memory, file modes   | seccomp              |

What this machine cannot do is returned by name and reason, never passed over: the caller decides.
No fence holds against a fault in the kernel itself. Nothing here may import beyond the standard
library.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

__all__ = ["NAMES", "fence", "survey"]

NAMES = ("limits", "network", "privileges", "private", "orphan", "files", "calls")

# An engine stops the process when one of the two cgroup paths can be read and the other cannot.
_SYSTEM = (
    "/usr/lib",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self/cgroup",
    "/sys/fs/cgroup",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
)
_FILES_AT_MOST = 64
_SURVEY_SECONDS = 20

_libc = ctypes.CDLL(None, use_errno=True)


def fence(*, readable: Sequence[str], limit_bytes: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """Shut this process in for good; what it may still read is its own code and `readable`.

    - Raises RuntimeError when a second thread exists: it would stay outside.
    - `limit_bytes` bounds the address space, not the resident memory: an engine needs about 1 GiB.
    - Returns the fences that hold and, by name, why the others do not.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("a second thread exists and would stay outside the fence")
    # The order matters: entering a namespace clears the death signal and makes dumpable again,
    # and the last fence refuses the calls that the ones before it need.
    steps: dict[str, Callable[[], None]] = {
        "limits": lambda: _limits(limit_bytes),
        "network": _no_network,
        "privileges": _no_privileges,
        "private": lambda: _prctl(_PR_SET_DUMPABLE, 0),
        "orphan": lambda: _prctl(_PR_SET_PDEATHSIG, 9),
        "files": lambda: _landlock((*_SYSTEM, *_code(), *readable)),
        "calls": _seccomp,
    }
    held, missing = [], {}
    for name, step in steps.items():
        try:
            step()
            held.append(name)
        except (OSError, ValueError) as error:
            missing[name] = str(error)
    return tuple(held), missing


@cache
def survey() -> dict[str, str]:
    """What this machine cannot fence, name to reason; empty when all holds.

    A throw-away child shuts itself in and then tries to break out: a fence that let it through is
    named too. Asked once per process; the answer of a machine does not change while it runs.
    """
    command = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    try:
        child = subprocess.run(
            command, env={}, cwd="/", capture_output=True, timeout=_SURVEY_SECONDS, check=True
        )
        said = json.loads(child.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return dict.fromkeys(NAMES, f"the trial child did not answer ({type(error).__name__})")
    return {str(name): str(reason) for name, reason in said.items()}


def _try_out() -> dict[str, str]:
    """In the throw-away child: shut in, then try the way out that each fence should close."""
    _, missing = fence(readable=(), limit_bytes=1 << 30)
    ways_out: dict[str, Callable[[], object]] = {
        "limits": lambda: bytearray(2 << 30),
        "files": lambda: list(Path("/").iterdir()),
        "calls": _child_of_the_child,
    }
    if "calls" not in missing:  # which is what keeps a private memory private
        ways_out["private"] = lambda: _prctl(_PR_SET_DUMPABLE, 1)
    for name, way_out in ways_out.items():
        if name in missing:
            continue
        try:
            way_out()
        except (OSError, MemoryError):
            continue
        missing[name] = "set up without an error, but it does not hold"
    return missing


def _child_of_the_child() -> None:
    if os.fork() == 0:
        os._exit(0)


def _code() -> tuple[str, ...]:
    """Where this interpreter imports from: code, never data."""
    return tuple(entry for entry in sys.path if entry)


def _must(done: bool, what: str) -> None:
    if not done:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_CAP_DAC_READ_SEARCH = 2


def _prctl(option: int, value: int) -> None:
    _must(_libc.prctl(option, value, 0, 0, 0) == 0, f"prctl {option}")


def _limits(limit_bytes: int) -> None:
    wanted = {
        resource.RLIMIT_AS: limit_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _FILES_AT_MOST,
    }
    for what, limit in wanted.items():
        _, hard = resource.getrlimit(what)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (lower, lower))


def _no_network() -> None:
    """A namespace of one's own: root has the right to one, others get it with a user namespace."""
    alone = _libc.unshare(_CLONE_NEWNET) == 0 or _libc.unshare(_CLONE_NEWNET | _CLONE_NEWUSER) == 0
    _must(alone, "network namespace")


def _no_privileges() -> None:
    """Root keeps reading files it does not own, which Landlock bounds; nothing else stays."""
    header = struct.pack("=II", 0x20080522, 0)
    held = ctypes.create_string_buffer(24)
    _must(_libc.capget(header, held) == 0, "capabilities")
    low_effective, low_permitted = struct.unpack_from("=II", held.raw)
    keep = 1 << _CAP_DAC_READ_SEARCH
    kept = struct.pack("=6I", low_effective & keep, low_permitted & keep, 0, 0, 0, 0)
    _must(_libc.capset(header, kept) == 0, "capabilities")


# The same numbers on x86_64 and aarch64.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3


def _landlock(readable: Sequence[str]) -> None:
    version = _libc.syscall(_CREATE_RULESET, None, 0, 1)
    _must(version >= 1, "landlock")
    attributes = _handled(version)
    rules = _libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    _must(rules >= 0, "landlock rules")
    try:
        for path in readable:
            _allow(rules, path)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _must(_libc.syscall(_RESTRICT_SELF, rules, 0) == 0, "landlock restriction")
    finally:
        os.close(rules)


def _handled(version: int) -> bytes:
    """All that this kernel's Landlock can refuse: files, then TCP, then signals and sockets."""
    files = (1 << 13) - 1 | (version >= 2) << 13 | (version >= 3) << 14 | (version >= 5) << 15
    network, scopes = 3 * (version >= 4), 3 * (version >= 6)
    size = 8 if version < 4 else 16 if version < 6 else 24
    return struct.pack("=QQQ", files, network, scopes)[:size]


def _allow(rules: int, path: str) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or not this user's to read, needs no rule
    try:
        access = _READ_FILE | (_READ_FOLDER if Path(path).is_dir() else 0)
        rule = struct.pack("=QI", access, file)
        _must(_libc.syscall(_ADD_RULE, rules, 1, rule, 0) == 0, "landlock rule")
    finally:
        os.close(file)


_X86, _ARM = 0xC000003E, 0xC00000B7
_MACHINES = {"x86_64": _X86, "aarch64": _ARM}
_CLONE3, _CLONE_THREAD = 435, 0x00010000
_CLONE = {_X86: 56, _ARM: 220}
_PRCTL = {_X86: 157, _ARM: 167}

# The aarch64 column is from the kernel's table and has not been run.
_DENIED: dict[int, tuple[int, ...]] = {
    _X86: (
        *(41, 42, 43, 44, 46, 49, 50, 53, 288),  # socket to listen, sendto, sendmsg, socketpair
        *(57, 58, 59, 322),  # fork, vfork, execve, execveat
        *(62, 129, 297, 424),  # kill and its kin; a thread of one's own may still be signalled
        *(101, 310, 311, 312, 434, 438, 440, 448),  # ptrace, process_*, kcmp, pidfd_*
        *(29, 30, 31, 67, 64, 65, 66, 220, 68, 69, 70, 71, 240),  # shared memory and queues
        *(90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280),  # mode, owner, times of a file
        *(188, 189, 190, 197, 198, 199, 76, 77),  # its attributes and length
        *(155, 161, 165, 166, 272, 308, 304, 442),  # pivot_root to setns, open_by_handle_at
        *(428, 429, 430, 431, 432, 433),  # the newer mounting
        *(175, 313, 246, 320, 248, 249, 250, 298, 321, 323, 103),  # modules to bpf, kernel log
        *(425, 426, 427),  # io_uring, which would pass the filter by
    ),
    _ARM: (
        *(198, 203, 202, 206, 211, 200, 201, 199, 242),
        *(221, 281),
        *(129, 138, 240, 424),
        *(117, 270, 271, 272, 434, 438, 440, 448),
        *(194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180),
        *(52, 53, 452, 54, 55, 88),
        *(5, 6, 7, 14, 15, 16, 45, 46),
        *(41, 51, 40, 39, 97, 268, 265, 442),
        *(428, 429, 430, 431, 432, 433),
        *(105, 273, 104, 294, 217, 218, 219, 241, 280, 282, 116),
        *(425, 426, 427),
    ),
}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026

Instruction = tuple[int, int, int, int]


def _filter(machine: int) -> list[Instruction]:
    """Berkeley packet filter code: (operation, jump if true, jump if false, operand)."""
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL),
    ]
    if machine == _X86:  # the x32 numbers are a second name for each call
        code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _KILL)]
    # clone3 hides its flags behind a pointer; without it the C library falls back to clone.
    code += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ENOSYS)]
    code += [
        (_EQUAL, 0, 4, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    code += [
        (_EQUAL, 0, 5, _PRCTL[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _PR_SET_DUMPABLE),
        (_EQUAL, 0, 1, _PR_SET_PDEATHSIG),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    denied = _DENIED[machine]
    code += [(_EQUAL, len(denied) - at, 0, number) for at, number in enumerate(denied)]
    return [*code, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]


def _seccomp() -> None:
    name = os.uname().machine
    if name not in _MACHINES or struct.calcsize("P") != 8:
        raise ValueError(f"no list of calls for {name}")
    _install(_filter(_MACHINES[name]))


def _install(code: Sequence[Instruction]) -> None:
    raw = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    program = struct.pack("=HxxxxxxQ", len(code), ctypes.addressof(raw))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    pointer = ctypes.create_string_buffer(program)
    _must(_libc.prctl(_PR_SET_SECCOMP, 2, pointer, 0, 0) == 0, "seccomp")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_try_out()))
