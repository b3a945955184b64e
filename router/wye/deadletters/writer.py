"""Taking letters in: each is on the disk before anyone is told that it is safe, and all of them have a bound."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import trio
from msgspec import Struct

from wye.database import DamagedError, StoreError
from wye.deadletters import legacy, table
from wye.deadletters.letter import DeadLetter, now_text
from wye.deadletters.table import Row, Totals
from wye.options import LettersWhenFull
from wye.plugin import StartError
from wye.store import Store

log = logging.getLogger("wye.dead_letters")

BACKLOG_BYTES = 16 * 1024 * 1024
"""Letters waiting for the disk beyond which intake waits: a disk that is full must not fill the memory."""

MAX_BYTES = 1_073_741_824

LOOK_SECS = 1.0
"""How often it is seen to whether the command line has changed the file, or the disk has failed."""

SAY_SECS = 60.0
"""How often it is said how many were dropped, while some are."""


class _Submission(Struct, eq=False):
    """Letters that came together: those not handed to the store yet, and how many are not on the disk."""

    rows: deque[Row]
    left: int
    on_written: Callable[[], None]


class DeadLetters:
    """Puts letters into one file. One task writes; all who wait share one sync.

    ``marked``: some wait to be retried. ``redact`` takes secrets out of the reasons: a vendor may answer with the very key that
    it was sent. What counts against ``max_bytes`` is what ``table.Row.bytes`` says. Letters have numbers of their ``worker``'s.
    """

    def __init__(
        self,
        path: Path,
        redact: Callable[[str], str] = str,
        max_bytes: int = MAX_BYTES,
        when_full: LettersWhenFull = "block",
        worker: int = 0,
    ) -> None:
        self.path = path
        self._worker = worker
        self.totals = Totals()
        self.marked = False
        self.store = Store(path, table.SCHEMA, "dead letters")
        self._redact = redact
        self._max_bytes = max_bytes
        self._when_full = when_full
        self._line: deque[_Submission] = deque()
        self._pledged = 0
        self._waiting_bytes = 0
        self._written = trio.Event()
        self._closing = False
        self._ended = trio.Event()
        self._version: int | None = None
        self._full = False
        self._said_dropped = (-SAY_SECS, 0)

    @property
    def count(self) -> int:
        """Letters in the file."""
        return self.totals.letters

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, letters: Sequence[DeadLetter], on_written: Callable[[], None]) -> None:
        """Queue ``letters``; ``on_written`` is called when all are on the disk, and never when the disk has failed."""
        time = now_text()
        rows = [table.row_of(letter, time, self._redact) for letter in letters]
        self._waiting_bytes += sum(row.bytes for row in rows)
        submission = _Submission(deque(row for row in rows if row.id is None), len(rows), on_written)
        retried = [row for row in rows if row.id is not None]
        if retried:  # they have their place already, and need not stand in line for one
            self._write(retried, submission)
        if submission.rows:
            self._line.append(submission)
            self._hand_on()

    def remove(self, number: int, done: Callable[[], None]) -> None:
        """The entry was delivered after all."""
        self._change(lambda connection: table.remove(connection, [number]), done)

    def unmark(self, number: int, reason: str, done: Callable[[], None]) -> None:
        """The entry was retried, and is neither delivered nor refused."""
        time, reason = now_text(), self._redact(reason)
        self._change(lambda connection: table.unmark(connection, number, time, reason), done)

    def release(self, column: Literal["sink", "source"], names: Sequence[str | None]) -> None:
        """What waits to be retried at a part that there is none of need not wait."""
        self._change(lambda connection: table.release(connection, column, names), lambda: None)

    async def calm(self) -> None:
        """Wait while more letters wait for the disk, or for room, than should."""
        while not self.is_calm:
            await self._written.wait()

    @property
    def is_calm(self) -> bool:
        """Whether no more letters wait for the disk, or for room, than should."""
        return self._waiting_bytes <= min(BACKLOG_BYTES, self._max_bytes)

    # ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hand_on(self) -> None:
        """To the store what there is room for, in order."""
        while self._line and not self.store.broken:
            first = self._line[0]
            rows = self._fitting(first.rows)
            if rows:
                self._write(rows, first)
            if first.rows:
                self._note_full()
                return
            self._line.popleft()
        if self._full and not self._line:
            self._full = False
            log.warning("dead letters: %s has room again", self.path)
        if self._closing:
            self.store.finish()

    def _fitting(self, waiting: deque[Row]) -> list[Row]:
        """Takes those that can be written now. When nothing is there, whatever comes fits: it would never fit better."""
        room = self._max_bytes - self.totals.bytes - self._pledged
        rows: list[Row] = []
        while waiting:
            fits = self._when_full != "block" or waiting[0].bytes <= room
            if not fits and (rows or self.totals.letters or self._pledged):
                break
            row = waiting.popleft()
            rows.append(row)
            room -= row.bytes
        return rows

    def _write(self, rows: Sequence[Row], submission: _Submission) -> None:
        size = sum(row.bytes for row in rows)
        pledged = sum(row.bytes for row in rows if row.id is None)
        self._pledged += pledged

        def work(connection: sqlite3.Connection) -> None:
            table.write(connection, rows)
            if self._when_full == "drop_oldest":
                table.make_room(connection, self._max_bytes)

        def done() -> None:
            self._pledged -= pledged
            self._waiting_bytes -= size
            submission.left -= len(rows)
            if submission.left == 0:
                submission.on_written()
            self._written.set()
            self._written = trio.Event()

        self._change(work, done)

    def _change(self, work: Callable[[sqlite3.Connection], object], done: Callable[[], None]) -> None:
        """``done`` is called once it is on the disk, and never when the disk has failed."""
        found = Totals()

        def change(connection: sqlite3.Connection) -> None:
            nonlocal found
            work(connection)
            found = table.totals(connection)

        def changed(committed: bool) -> None:
            if committed:
                self._adopt(found)
                done()
            elif self._closing:
                self.store.finish()

        self.store.submit(change, changed)

    def _adopt(self, totals: Totals) -> None:
        less = totals.bytes < self.totals.bytes
        self.totals = totals
        self._note_dropped()
        if less:
            self._hand_on()

    def _note_full(self) -> None:
        if not self._full:
            self._full = True
            log.error(
                'dead letters: %s is full (max_bytes = %d); events wait, because when_full = "block": retry or drop some'
                " (wye dead-letters), or raise [dead_letters] max_bytes",
                self.path,
                self._max_bytes,
            )

    def _note_dropped(self) -> None:
        since, said = self._said_dropped
        now = trio.current_time()
        if self.totals.dropped > said and (now - since >= SAY_SECS or self._closing):
            self._said_dropped = (now, self.totals.dropped)
            log.warning(
                'dead letters: %s is full (max_bytes = %d); the oldest go, because when_full = "drop_oldest": %d since the'
                " last such line",
                self.path,
                self._max_bytes,
                self.totals.dropped - said,
            )

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(
        self,
        on_marks: Callable[[], None] | None = None,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Open the file, write what is submitted, until closed and empty. With ``on_marks``, look meanwhile whether the command
        line has made room, or has marked letters for a retry: then it is called. Raises ``StartError`` before it has
        started."""
        try:
            self._open()  # nothing goes on yet that this could hold up
            task_status.started()
            async with trio.open_nursery() as nursery:
                if on_marks is not None:
                    nursery.start_soon(self._watch, on_marks)
                await self.store.run()
                self._ended.set()
        except StoreError as error:
            raise StartError(f"dead letters: {error}") from None
        finally:
            self.store.close()

    def _open(self) -> None:
        try:
            self.store.open()
        except DamagedError as error:
            aside = self.store.set_aside()
            log.error("dead letters: %s; it is now %s, and a new file is begun", error, aside)
            self.store.open()
        if self._worker:
            self.store.change(partial(table.number_from, last=self._worker * table.NUMBERS))
        else:
            legacy.take_over(self.path)
        self.look()
        self._said_dropped = (-SAY_SECS, self.totals.dropped)

    async def _watch(self, on_marks: Callable[[], None]) -> None:
        while not self.store.broken:
            with trio.move_on_after(LOOK_SECS):
                await self._ended.wait()
                return
            self.look()
            if self.marked:
                on_marks()

    def look(self) -> None:
        """See what the command line has changed. Takes no time worth a thread: where nothing has changed, SQLite knows it from
        memory."""
        try:
            seen = self.store.query(partial(_look, self._version))
        except StoreError as error:
            log.error("dead letters: %s", error)
            return
        if seen is not None:
            self._version, totals, self.marked = seen
            self._adopt(totals)

    def close(self) -> None:
        """Let ``run`` end once everything is written."""
        self._closing = True
        self._note_dropped()
        self._hand_on()


def _look(known: int | None, connection: sqlite3.Connection) -> tuple[int, Totals, bool] | None:
    """The file's version, what is in it, and whether any is marked; ``None`` where that is the version ``known``."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return None if version == known else (version, table.totals(connection), table.any_marked(connection))
