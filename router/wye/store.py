"""One SQLite file that survives a crash: what waits together is committed together, and nobody is told before the sync.

WAL with ``synchronous = FULL``: a commit returns when the log is on the disk. One task writes; a thread does each commit. A
disk that is full is waited for. A disk that fails ends the store: what was not committed was never promised, and nothing is
guessed. A file that is no sound database any more ends it too (``damaged``), and can be set aside for another one.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import trio
from msgspec import Struct

from wye.database import (
    DAMAGED,
    DamagedError,
    Schema,
    StoreError,
    beside,
    code_of,
    connect,
    in_use,
    lock,
    make_directory,
    plain_connection,
    sync_directory,
)

__all__ = ["DamagedError", "Schema", "Store", "StoreError", "connect", "in_use"]

log = logging.getLogger("wye.store")

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], None]

RETRY_SECS = 1.0
"""The wait after a disk was full."""

_WAIT = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_ROOM = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}


class _Piece(Struct):
    work: Work
    done: Callable[[bool], None]


class Store:
    """One file, written by one process. ``broken`` says why it is not used any more, ``damaged`` that the file is the reason;
    ``refusing`` that the disk is full.

    ``who`` begins every line that is logged: ``sink partner``.
    """

    def __init__(self, path: Path, schema: Schema, who: str) -> None:
        self.path = path
        self.broken: str | None = None
        self.damaged = False
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
        self._writing = trio.Lock()

    # ── open and close: in a thread ──────────────────────────────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Take the file for this process, make or migrate it. Raises ``StoreError``, ``DamagedError`` where it is no sound
        database."""
        try:
            make_directory(self.path.parent)
            if self._lock_file is None:
                self._lock_file = lock(self.path)
            new = not self.path.exists()
            self._writer = connect(self.path, self._schema)
            self._reader = plain_connection(self.path)
            if new:
                sync_directory(self.path.parent)
        except OSError as error:
            self.close()
            raise StoreError(f"cannot open {self.path}: {error.strerror}; mend it or choose another path") from None
        except DamagedError:
            self._disconnect()  # the lock is kept: who sets the file aside must be the only one who does
            raise
        except StoreError:
            self.close()
            raise

    async def replace(self) -> Path:
        """While it runs: set the damaged file aside and go on with a new one. Returns the old one's name. Raises
        ``StoreError``."""
        async with self._writing, self._reading:
            aside = await trio.to_thread.run_sync(self._replace)
            self.broken, self.damaged = None, False
            return aside

    def _replace(self) -> Path:
        aside = self.set_aside()
        self.open()
        return aside

    def set_aside(self) -> Path:
        """Give a damaged file, with its log, another name, so that ``open`` makes a new one. Returns that name. Raises
        ``StoreError``."""
        self._disconnect()
        stem = f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside = self.path.with_name(stem)
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{stem}-{number}")
        try:
            # The log first: a crash between the two leaves a sound name without it, never a new file with an old log.
            with suppress(FileNotFoundError):
                beside(self.path, "-wal").rename(beside(aside, "-wal"))
            self.path.rename(aside)
            beside(self.path, "-shm").unlink(missing_ok=True)
            sync_directory(self.path.parent)
        except OSError as error:
            self.close()
            raise StoreError(f"cannot set {self.path} aside, which is damaged: {error.strerror}; move it away") from None
        return aside

    def close(self) -> None:
        """Give the file back. Idempotent."""
        self._disconnect()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _disconnect(self) -> None:
        for connection in (self._reader, self._writer):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._writer = None

    # ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, work: Work, done: Callable[[bool], None]) -> None:
        """Queue ``work``, which changes the database inside a transaction, in a thread. ``done(True)`` is called once it is on
        the disk, ``done(False)`` once it is known that it never will be.

        What is submitted is committed in order, but for works that a full disk has no room for: others may overtake these."""
        if self.broken is not None:
            done(False)
            return
        self._queue.append(_Piece(work, done))
        self._queued.set()

    async def write(self, work: Work) -> bool:
        """Submit ``work`` and wait for the word on it."""
        words: list[bool] = []
        heard = trio.Event()

        def done(written: bool) -> None:
            words.append(written)
            heard.set()

        self.submit(work, done)
        await heard.wait()
        return words[0]

    def finish(self) -> None:
        """Let ``run`` end once everything is written."""
        self._closing = True
        self._queued.set()

    async def run(self) -> None:
        """Commit what is submitted, until finished and empty."""
        while not (self._closing and not self._queue):
            await self._queued.wait()
            self._queued = trio.Event()
            await self._commit_queue()

    async def _commit_queue(self) -> None:
        """All that is queued, and what comes while a full disk is waited for."""
        while self._queue and self.broken is None:
            pieces, self._queue = self._queue, []
            full = await self._commit(pieces)
            if full is None:
                self._note_room()
                continue
            left = [piece for piece in pieces if not await self._fits_alone(piece)] if len(pieces) > 1 else pieces
            if self.broken is not None:
                for piece in left:
                    piece.done(False)
                return
            self._queue = left + self._queue
            if left:
                self._note_full(full)
                await trio.sleep(RETRY_SECS)
            else:
                self._note_room()

    async def _fits_alone(self, piece: _Piece) -> bool:
        """What takes little room, or makes some, need not wait for what takes much."""
        return self.broken is None and await self._commit([piece]) is None

    async def _commit(self, pieces: Sequence[_Piece]) -> sqlite3.Error | None:
        """One transaction, and the word about it; returns the error where the disk is full, and nobody is told."""
        try:
            async with self._writing:
                await trio.to_thread.run_sync(self._transact, pieces)
        except sqlite3.Error as error:
            if await trio.to_thread.run_sync(self._is_passing, error):
                return error
            if self.broken is None:
                self._break(error)
        # A reader may have found damage meanwhile: what this file holds now is not promised.
        for piece in pieces:
            piece.done(self.broken is None)
        return None

    def _is_passing(self, error: sqlite3.Error) -> bool:
        """Whether waiting may help. SQLite knows a full disk, but tells a quota from a fault no more than any other error."""
        if code_of(error) in _WAIT:
            return True
        return getattr(error, "sqlite_errorcode", None) in _NO_ROOM and _is_full(self.path.parent)

    def _note_full(self, error: sqlite3.Error) -> None:
        if not self.refusing:
            log.error("%s: cannot write %s: %s; events wait until it can be written", self._who, self.path, error)
        self.refusing = True

    def _note_room(self) -> None:
        if self.refusing:
            log.warning("%s: %s can be written again", self._who, self.path)
        self.refusing = False

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

    def _break(self, error: sqlite3.Error) -> None:
        self.broken = str(error)
        self.damaged = code_of(error) in DAMAGED
        if self.damaged:
            log.error("%s: %s is damaged: %s", self._who, self.path, error)
        else:
            log.error(
                "%s: %s failed: %s; it is not used any more, nothing is promised; restart wye", self._who, self.path, error
            )
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
                if code_of(error) not in _WAIT and self.broken is None:
                    self._break(error)
                raise StoreError(f"cannot read {self.path}: {error}") from None

    def query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The same, in a thread and before ``run``. Raises ``DamagedError`` too."""
        try:
            return query(self._connection(self._reader))
        except sqlite3.Error as error:
            if code_of(error) in DAMAGED:
                raise DamagedError(f"{self.path} is damaged: {error}") from None
            raise StoreError(f"cannot read {self.path}: {error}; mend it or choose another path") from None

    def change(self, work: Work) -> None:
        """One transaction without ``run``. Raises ``StoreError``."""
        try:
            self._transact([_Piece(work, lambda _: None)])
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {self.path}: {error}") from None

    def _connection(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        if connection is None:
            raise StoreError(f"{self.path} is not open")
        return connection


def _is_full(directory: Path) -> bool:
    """Whether a little file finds no room there."""
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(65536))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return False
