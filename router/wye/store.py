"""One SQLite file that survives a crash: what waits together is committed together, and nobody is told before the sync.

WAL with ``synchronous = FULL``: a commit returns when the log is on the disk. One task writes; a thread does each commit. A
disk that is full is waited for. A disk that fails ends the store: what was not committed was never promised, and nothing is
guessed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import trio
from msgspec import Struct

log = logging.getLogger("wye.store")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], None]

APPLICATION_ID = 0x77796530
"""The ``application_id`` of every file of wye's: ``wye0``."""

RETRY_SECS = 1.0
"""The wait after a disk was full."""

_BUSY_MS = 5_000
_WAIT = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StoreError(Exception):
    """A file cannot be used. One line that says what to do."""


class DamagedError(StoreError):
    """The file is no sound database."""


class Schema(Struct, frozen=True):
    """What a kind of file holds. ``steps`` are SQL scripts: number n brings a file from version n to n + 1, so that every file
    that was ever written can be read."""

    kind: str
    steps: Sequence[str]

    @property
    def version(self) -> int:
        return len(self.steps)


class _Piece(Struct):
    work: Work
    done: Callable[[bool], None]


class Store:
    """One file, written by one process. ``broken`` says why it is not written any more, ``refusing`` that the disk is full.

    ``who`` begins every line that is logged: ``sink partner``.
    """

    def __init__(self, path: Path, schema: Schema, who: str) -> None:
        self.path = path
        self.broken: str | None = None
        self.refusing = False
        self._schema = schema
        self._who = who
        self._queue: list[_Piece] = []
        self._queued = trio.Event()
        self._closing = False
        self._lock_file: int | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._reading = trio.Lock()

    # ── open and close: in a thread ──────────────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Take the file for this process, make or migrate it. Raises ``StoreError``, ``DamagedError`` where it is no sound
        database."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = _lock(self.path)
            new = not self.path.exists()
            self._writer = connect(self.path, self._schema)
            self._reader = _connect(self.path)
            if new:
                _sync_directory(self.path.parent)
        except OSError as error:
            self.close()
            raise StoreError(f"cannot open {self.path}: {error.strerror}; mend it or choose another path") from None
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back. Idempotent."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._writer = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    # ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, work: Work, done: Callable[[bool], None]) -> None:
        """Queue ``work``, which changes the database inside a transaction. ``done(True)`` is called once it is on the disk,
        ``done(False)`` once it is known that it never will be."""
        if self.broken is not None:
            done(False)
            return
        self._queue.append(_Piece(work, done))
        self._queued.set()

    def finish(self) -> None:
        """Let ``run`` end once everything is written."""
        self._closing = True
        self._queued.set()

    async def run(self) -> None:
        """Commit what is submitted, until finished and empty."""
        while not (self._closing and not self._queue):
            await self._queued.wait()
            self._queued = trio.Event()
            pieces, self._queue = self._queue, []
            if not pieces:
                continue
            committed = await self._commit(pieces)
            for piece in pieces:
                piece.done(committed)

    async def _commit(self, pieces: Sequence[_Piece]) -> bool:
        while self.broken is None:
            try:
                await trio.to_thread.run_sync(self._transact, pieces)
            except sqlite3.Error as error:
                if not _passing(error):
                    self._break(str(error))
                    break
                if not self.refusing:
                    log.error("%s: cannot write %s: %s; events wait until it can be written", self._who, self.path, error)
                self.refusing = True
                await trio.sleep(RETRY_SECS)
            else:
                if self.refusing:
                    self.refusing = False
                    log.warning("%s: %s can be written again", self._who, self.path)
                return True
        return False

    def _transact(self, pieces: Sequence[_Piece]) -> None:
        connection = self._connection(self._writer)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for piece in pieces:
                piece.work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise

    def _break(self, reason: str) -> None:
        self.broken = reason
        log.error("%s: %s failed: %s; it is not used any more, nothing is promised; restart wye", self._who, self.path, reason)
        pieces, self._queue = self._queue, []
        for piece in pieces:
            piece.done(False)

    # ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What ``query`` finds among what is committed. Raises ``StoreError`` when the file cannot be read."""
        async with self._reading:
            try:
                return await trio.to_thread.run_sync(query, self._connection(self._reader))
            except sqlite3.Error as error:
                if not _passing(error):
                    self._break(str(error))
                raise StoreError(f"cannot read {self.path}: {error}") from None

    def _connection(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        if connection is None:
            raise StoreError(f"{self.path} is not open")
        return connection


def connect(path: Path, schema: Schema) -> sqlite3.Connection:
    """A connection to a file of this kind, made or brought to this version where needed. Raises ``StoreError``."""
    connection: sqlite3.Connection | None = None
    try:
        connection = _connect(path)
        _prepare(connection, path, schema)
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
    if _code(error) in _DAMAGED:
        return DamagedError(f"{path} is damaged: {error}")
    return StoreError(f"cannot open {path} as a {schema.kind}: {error}; mend it or choose another path")


def _connect(path: Path) -> sqlite3.Connection:
    # Made here for its mode, which SQLite gives to the log beside it too: events are personal data.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
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
    for number in range(version, schema.version):
        connection.executescript(
            f"BEGIN IMMEDIATE; {schema.steps[number]}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _number(connection: sqlite3.Connection, query: str) -> int:
    return connection.execute(query).fetchone()[0]


def _code(error: sqlite3.Error) -> int:
    """The primary result code; extended ones hold it in their low byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _passing(error: sqlite3.Error) -> bool:
    return _code(error) in _WAIT


def _lock(path: Path) -> int:
    """Held as long as the process lives, however it dies. Raises ``StoreError`` when another one has it."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreError(f"{path} is in use by another process (pid {owner}); stop that one first") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def in_use(path: Path) -> bool:
    """Whether a running wye has this file."""
    try:
        os.close(_lock(path))
    except StoreError:
        return True
    return False
