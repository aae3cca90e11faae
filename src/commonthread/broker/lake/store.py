"""The files of the lake: encrypted Parquet, one random key per file, wrapped for its place.

Beside each `X.parquet` lies `X.parquet.key`: the file's data key, its SHA-256 and its number of
rows, wrapped under the home key with a label that names the place. A file moved to another place,
or changed in place, is refused. Whoever destroys the `.key` destroys the file (DESIGN §4 rule 4).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
from sqlglot import exp

from commonthread.broker.keyring import KEY_BYTES, Keyring
from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.fields import DATASET, DIGEST
from commonthread.broker.rules.standing import Deposit

# How each declared type is stored. A filter's decimal has 18 digits before the point, 10 behind.
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(28, 10)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
DIGEST_BYTES = 32
ROWS_BYTES = 8
ROW_GROUP = 122_880
FOLDERS = ("deposits", "quarantine", "profiles", "extracts", "members", "temp")
BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=")

# (path, modified, size, inode) → SHA-256, so that a process reads a file whole only once.
_digests: dict[tuple[str, int, int, int], str] = {}


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted file in its place. `digest` is the SHA-256 of its bytes as they lie there."""

    path: Path
    digest: str
    rows: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Store:
    """The lake under `home`. `memory` limits each connection ("512MB"); empty: no limit of ours."""

    home: Path
    keyring: Keyring = field(repr=False)
    memory: str = ""

    def __post_init__(self) -> None:
        for name in FOLDERS:
            (self.home / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    # Where things lie.

    def deposit_path(self, dataset: str, deposit_id: str) -> Path:
        return self._placed("deposits", dataset, deposit_id)

    def quarantine_path(self, dataset: str, deposit_id: str) -> Path:
        return self._placed("quarantine", dataset, deposit_id)

    def profile_path(self, dataset: str, deposit_id: str) -> Path:
        return self._placed("profiles", dataset, deposit_id)

    def extract_path(self, address: str) -> Path:
        return self.home / "extracts" / f"{_checked(address)}.parquet"

    def members_path(self, address: str) -> Path:
        return self.home / "members" / f"{_checked(address)}.parquet"

    def _placed(self, kind: str, dataset: str, deposit_id: str) -> Path:
        if not DATASET.fullmatch(dataset):
            raise IntegrityFailure("A stored file has the name of no dataset.")
        owner, _, name = dataset.partition("/")
        return self.home / kind / owner / name / f"{_checked(deposit_id)}.parquet"

    # Reading and writing.

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that may see everything: for trusted code, never for a stranger's SQL.

        What does not fit its memory is spilled under the home, encrypted.
        """
        temporary = self.home / "temp" / f"{os.getpid()}-{secrets.token_hex(8)}"
        connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                "python_enable_replacements": "false",
                "temp_directory": str(temporary),
                **({"memory_limit": self.memory} if self.memory else {}),
            }
        )
        connection.execute(f"LOAD {_literal(str(extension('httpfs')))}")
        # Only after httpfs: without its OpenSSL there is no spilling under encryption.
        connection.execute("SET temp_file_encryption = true")
        connection.execute("SET enable_progress_bar = false")
        return connection

    def seal(
        self,
        connection: duckdb.DuckDBPyConnection,
        query_sql: str,
        path: Path,
        *,
        row_group: int = ROW_GROUP,
    ) -> Sealed:
        """Write the query's rows to `path`, encrypted under a fresh key, whole or not at all."""
        _make_folder(path.parent, self.home)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        key = secrets.token_bytes(KEY_BYTES)
        try:
            rows = self._copy(connection, query_sql, draft, key, row_group)
            sealed = Sealed(path, _sha256(draft), rows, key)
            # An old file under a new key would be unreadable; between the two there is none.
            path.unlink(missing_ok=True)
            self._write_key(sealed)
            draft.replace(path)
            _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        return sealed

    def seal_reader(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: pyarrow.RecordBatchReader,
        path: Path,
    ) -> Sealed:
        """Seal rows as they stream in."""
        name = f"_incoming_{secrets.token_hex(4)}"
        connection.register(name, reader)
        try:
            return self.seal(connection, f"SELECT * FROM {name}", path)
        finally:
            connection.unregister(name)

    def _copy(
        self,
        connection: duckdb.DuckDBPyConnection,
        query_sql: str,
        draft: Path,
        key: bytes,
        row_group: int,
    ) -> int:
        name = _hold_key(connection, key)
        # Made before DuckDB opens it, so that nobody else may read it from the first byte on.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        answer = connection.execute(
            f"COPY ({query_sql}) TO {_literal(str(draft))} (FORMAT parquet, COMPRESSION zstd,"
            f" USE_TMP_FILE false, ROW_GROUP_SIZE {int(row_group)},"
            f" ENCRYPTION_CONFIG {{footer_key: {_literal(name)}}})"
        ).fetchone()
        _sync(draft)
        return int(answer[0]) if answer else 0

    def scan(self, connection: duckdb.DuckDBPyConnection, path: Path) -> str:
        """The table function that reads `path` on this connection, as SQL text."""
        return self._scan(connection, self.opened(path))

    def _scan(self, connection: duckdb.DuckDBPyConnection, sealed: Sealed) -> str:
        name = _hold_key(connection, sealed.key)
        return (
            f"read_parquet({_literal(str(sealed.path))}, hive_partitioning = false,"
            f" encryption_config = {{footer_key: {_literal(name)}}})"
        )

    def open_deposit(self, connection: duckdb.DuckDBPyConnection, deposit: Deposit) -> str:
        """The name of a view over a deposit whose bytes are those that the ledger names."""
        sealed = self.opened(self.deposit_path(deposit.dataset, deposit.id))
        if sealed.digest != deposit.file:
            raise IntegrityFailure("A stored deposit is not the one that the ledger names.")
        name = f"deposit_{deposit.file}"
        scan = self._scan(connection, sealed)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {scan}")
        return name

    def holds(self, path: Path) -> bool:
        """Whether the file and its key are both there."""
        return path.exists() and _key_path(path).exists()

    def opened(self, path: Path) -> Sealed:
        """The file's key, digest and rows; `IntegrityFailure` if it is not what was sealed."""
        try:
            wrapped = _key_path(path).read_text(encoding="ascii").strip()
            said = self.keyring.unwrap(wrapped, self._label(path))
            found = _sha256_cached(path)
        except (OSError, UnicodeDecodeError):
            raise IntegrityFailure("A stored file, or its key, is not there.") from None
        if len(said) != KEY_BYTES + DIGEST_BYTES + ROWS_BYTES:
            raise IntegrityFailure("The key of a stored file cannot be read.")
        key, rest = said[:KEY_BYTES], said[KEY_BYTES:]
        digest, rows = rest[:DIGEST_BYTES].hex(), int.from_bytes(rest[DIGEST_BYTES:], "big")
        if found != digest:
            raise IntegrityFailure("A stored file is not the one that was sealed.")
        return Sealed(path, digest, rows, key)

    def key_of(self, path: Path) -> bytes:
        """The data key of one file, for the worker that is to read it."""
        return self.opened(path).key

    def destroy(self, path: Path) -> None:
        """Make the file unreadable for ever: first its key, then its bytes."""
        wrapped = _key_path(path)
        with contextlib.suppress(FileNotFoundError), wrapped.open("r+b") as file:
            file.write(os.urandom(wrapped.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        wrapped.unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _write_key(self, sealed: Sealed) -> None:
        said = sealed.key + bytes.fromhex(sealed.digest) + sealed.rows.to_bytes(ROWS_BYTES, "big")
        target = _key_path(sealed.path)
        draft = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self.keyring.wrap(said, self._label(sealed.path)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _sync(target.parent)

    def _label(self, path: Path) -> str:
        return f"lake/{path.relative_to(self.home).as_posix()}"


def extension(name: str) -> Path:
    """The file of a DuckDB extension that came as a wheel: nothing is fetched at run time."""
    module = importlib.import_module(f"duckdb_extension_{name}")
    pattern = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    return next(Path(str(module.__file__)).parent.glob(pattern))


def _hold_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> str:
    """Give the connection a data key; the name under which it holds it."""
    name = "k" + hashlib.sha256(b"name" + key).hexdigest()[:32]
    text = base64.b64encode(key).decode()
    if not BASE64.fullmatch(text):
        raise IntegrityFailure("The key of a stored file cannot be read.")
    # PRAGMA takes no bound parameter; base64 holds no quote.
    connection.execute(f"PRAGMA add_parquet_key('{name}', '{text}')")
    return name


def _literal(text: str) -> str:
    return str(exp.Literal.string(text).sql("duckdb"))


def _key_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.key")


def _checked(digest: str) -> str:
    if not DIGEST.fullmatch(digest):
        raise IntegrityFailure("A stored file has a name that is no digest.")
    return digest


def _make_folder(folder: Path, home: Path) -> None:
    """Each folder up to the home is its owner's only: `mkdir(parents=True)` forgets the mode."""
    for part in reversed([folder, *folder.parents]):
        if part.is_relative_to(home) and not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_cached(path: Path) -> str:
    found: Any = path.stat()
    seen = (str(path), found.st_mtime_ns, found.st_size, found.st_ino)
    if seen not in _digests:
        _digests[seen] = _sha256(path)
    return _digests[seen]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
