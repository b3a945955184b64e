"""A SQLite file of wye's: made and brought up to date, held by one process at a time, and known to the disk by its name."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

APPLICATION_ID = 0x77796530
"""The ``application_id`` of every file of wye's: ``wye0``."""

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Result codes for a file that is no sound database."""

_BUSY_MS = 5_000


class StoreError(Exception):
    """A file cannot be used. One line that says what to do."""


class DamagedError(StoreError):
    """The file is no sound database."""


class Schema(Struct, frozen=True):
    """What a kind of file holds. ``steps`` are SQL scripts: number n brings a file from version n to n + 1, so that every file
    that was ever written can be read. ``wipes``: what is deleted is overwritten at once where SQLite was built to do so; else
    it stays in free pages until these are used again."""

    kind: str
    steps: Sequence[str]
    wipes: bool = True

    @property
    def version(self) -> int:
        return len(self.steps)


def connect(path: Path, schema: Schema) -> sqlite3.Connection:
    """A connection to a file of this kind, made or brought to this version where needed. Raises ``StoreError``."""
    connection: sqlite3.Connection | None = None
    try:
        connection = plain_connection(path)
        _prepare(connection, path, schema)
        if not schema.wipes:
            connection.execute("PRAGMA secure_delete = OFF")
        return connection
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise _fault(path, schema, error) from None
    except (OSError, StoreError):
        if connection is not None:
            connection.close()
        raise


def _fault(path: Path, schema: Schema, error: sqlite3.Error) -> StoreError:
    if code_of(error) in DAMAGED:
        return DamagedError(f"{path} is damaged: {error}")
    return StoreError(f"cannot open {path} as a {schema.kind}: {error}; mend it or choose another path")


def plain_connection(path: Path) -> sqlite3.Connection:
    """A connection, whatever the file holds; made where it is missing."""
    # Made here for its mode, which SQLite gives to the log beside it too: events are personal data. A file that is there must
    # not be opened by anyone but SQLite: closing it would end the locks that other connections of this process hold on it, and
    # the next process to look at it would then throw the log away under them.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    found = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    empty = _number(connection, "SELECT count(*) FROM sqlite_master") == 0
    if found != APPLICATION_ID and not empty:
        raise StoreError(f"{path} is a database, but none of wye's; choose another path")
    if version > schema.version:
        raise StoreError(
            f"{path} has version {version}, and this wye knows {schema.kind}s up to {schema.version}; use the newer wye"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    _settle_log(connection)
    for number in range(version, schema.version):
        connection.executescript(
            f"BEGIN IMMEDIATE; {schema.steps[number]}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _settle_log(connection: sqlite3.Connection) -> None:
    """Move what an earlier process left in the log into the file, and begin the log anew.

    If its last sync failed, the system shows pages of the log that never reached the disk and will never be written: what was
    appended behind them would be lost with them. Moved, they are written again.
    """
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        if code_of(error) != sqlite3.SQLITE_FULL:  # a full disk is waited for, later
            raise


def _number(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0]


def code_of(error: sqlite3.Error) -> int:
    """The primary result code; extended ones hold it in their low byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def beside(path: Path, suffix: str) -> Path:
    """The file that lies beside ``path`` under its name and ``suffix``."""
    return path.with_name(path.name + suffix)


def make_directory(path: Path) -> None:
    """With all above it, each known to the disk by its name. One that is there may have been made by a process that was killed
    before it came to that."""
    if path.is_dir():
        with suppress(PermissionError):  # not ours, and so not made by us
            sync_directory(path.parent)
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Let the disk know the names in this directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(path: Path) -> int:
    """Held as long as the process lives, however it dies. Raises ``StoreError`` when another one has it."""
    descriptor = os.open(beside(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreError(f"{path} is in use by another process (pid {owner}); stop that one first") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def in_use(path: Path) -> bool:
    """Whether a running wye has this file."""
    try:
        os.close(lock(path))
    except StoreError:
        return True
    return False
