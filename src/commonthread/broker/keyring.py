"""The keys of one home: what wraps data keys, what signs checkpoints, what the platform signs with.

Every file lies under `keys/`, readable by its owner only; the home key may lie elsewhere, where
`COMMONTHREAD_HOME_KEY` names its file. Partners' and members' keys are not here, except in a demo
home, which is marked as such in its first ledger entry.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from .rules.errors import BadInput, IntegrityFailure

HOME_KEY, CHECKPOINT_KEY, SERVICE_KEY = "home.key", "checkpoint.key", "service.key"
WATERMARK = "ledger.watermark"
KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Keyring:
    """The opened keys of the home at `home`."""

    home: Path
    home_key: bytes = field(repr=False)
    # Every entry wraps a key, so the cipher is derived once. It has no state: threads share it.
    _wrapping: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_wrapping", AESGCM(self.derive("wrap")))

    @classmethod
    def create(cls, home: Path, home_key_file: str = "") -> Keyring:
        """Make a new home's keys; raises `BadInput` where a home is already."""
        folder = home / "keys"
        if (folder / CHECKPOINT_KEY).exists():
            raise BadInput(
                f"There is a home already at {home}.", mend="Choose another folder with --home."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in (HOME_KEY, CHECKPOINT_KEY, SERVICE_KEY):
            if name != HOME_KEY or not home_key_file:
                write_secret(folder / name, secrets.token_bytes(KEY_BYTES))
        return cls.load(home, home_key_file)

    @classmethod
    def load(cls, home: Path, home_key_file: str = "") -> Keyring:
        """Open a home's keys; raises `BadInput` where there is none, or where others may read."""
        if not (home / "keys" / CHECKPOINT_KEY).exists():
            raise no_home(home)
        return cls(home, read_secret(Path(home_key_file or home / "keys" / HOME_KEY)))

    def wrap(self, key: bytes, label: str) -> str:
        """A data key (or any short secret) under the home key, bound to its label; base64."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._wrapping.encrypt(nonce, key, label.encode())
        return base64.b64encode(nonce + sealed).decode()

    def unwrap(self, text: str, label: str) -> bytes:
        """The inverse of `wrap`; raises `IntegrityFailure` for another key or another label."""
        try:
            raw = base64.b64decode(text, validate=True)
            return self._wrapping.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], label.encode())
        except (InvalidTag, ValueError):
            raise IntegrityFailure("A stored key does not open with this home's key.") from None

    def derive(self, label: str) -> bytes:
        """A 32-byte key of its own for each use (HKDF, RFC 5869 §2.3)."""
        expand = HKDFExpand(SHA256(), KEY_BYTES, b"commonthread/v1/" + label.encode())
        return expand.derive(self.home_key)

    def checkpoint_key(self) -> Ed25519PrivateKey:
        return self._private(CHECKPOINT_KEY)

    def service_key(self) -> Ed25519PrivateKey:
        return self._private(SERVICE_KEY)

    def _private(self, name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(read_secret(self.home / "keys" / name))

    def demo_key(self, name: str, *, make: bool = False) -> Ed25519PrivateKey | None:
        """The private key that a demo home holds for a persona or a partner, if it does."""
        path = self.home / "keys" / "demo" / f"{name}.key"
        if not path.exists() and make:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_secret(path, secrets.token_bytes(KEY_BYTES))
        if not path.exists():
            return None
        return Ed25519PrivateKey.from_private_bytes(read_secret(path))

    def watermark(self) -> tuple[int, str]:
        """Size and root (hex) of the ledger as last committed from here; (0, "") before that."""
        path = self.home / "keys" / WATERMARK
        if not path.exists():
            return 0, ""
        try:
            said = json.loads(path.read_text())
            return int(said["size"]), str(said["root"])
        except (ValueError, KeyError, TypeError):
            raise IntegrityFailure("The ledger's watermark cannot be read.") from None

    def raise_watermark(self, size: int, root: str) -> None:
        """Remember a larger size, whatever the database says; call under the ledger's lock."""
        path = self.home / "keys" / WATERMARK
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with draft.open("w") as file:
            file.write(json.dumps({"size": size, "root": root}))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def no_home(home: Path) -> BadInput:
    return BadInput(
        f"There is no home at {home}.",
        mend="Make one with commonthread init, or name another with --home.",
    )


def write_secret(path: Path, secret: bytes) -> None:
    """Write a secret that only its owner may read, as base64; never over an existing file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secret) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_secret(path: Path) -> bytes:
    """Read what `write_secret` wrote; raises `BadInput` when others may read it, or it is none."""
    try:
        if path.stat().st_mode & 0o077:
            raise BadInput(f"{path} may be read by others.", mend=f"Run: chmod 600 {path}")
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise BadInput(f"{path} does not hold a key of {KEY_BYTES} bytes.")
    return secret
