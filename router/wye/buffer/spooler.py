"""Moves what lies between memory and file: three tasks, one to write, one to take out what is settled, one to read ahead."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import trio
from msgspec import structs

from wye.buffer import rows
from wye.buffer.backlog import Backlog, NewRow
from wye.buffer.rows import Counts, StoredRow, Totals
from wye.buffer.window import Row
from wye.event import Event
from wye.ledger import SinkAccount
from wye.message import Failure
from wye.store import DamagedError, Store, StoreError

log = logging.getLogger("wye.buffer")

READ_EVENTS = 2_000
"""Events that are read ahead in one go, about."""

READ_BYTES = 2 * 1_048_576
"""The same in bytes."""

AGAIN_SECS = 1.0
"""The wait after the file could not be read for a passing reason."""


class Listener(Protocol):
    """Who is told what has become of events."""

    def written(self, new: Sequence[NewRow]) -> None:
        """These rows are on the disk."""
        ...

    def spoilt(self, row: Row, stored: StoredRow, failures: Sequence[Failure]) -> None:
        """Of this row some events cannot be read; all of them where its checksum is wrong."""
        ...

    def came(self) -> None:
        """There is more to take."""
        ...

    def dropped(self, events: int) -> None:
        """Unread events were given up."""
        ...

    def evicted(self, events: int) -> None:
        """The same, to make room."""
        ...

    def failed(self) -> None:
        """The file cannot be used any more."""
        ...


class Spooler:
    """The tasks of one spool. ``to_evict`` are bytes of unread rows that have to go."""

    def __init__(
        self, name: str, store: Store, backlog: Backlog, now_ms: Callable[[], int], account: SinkAccount, listener: Listener
    ) -> None:
        self._name = name
        self._store = store
        self._backlog = backlog
        self._now_ms = now_ms
        self._account = account
        self._listener = listener
        self.to_evict = 0
        self._reading = True
        self._closing = False
        self._stirred: set[trio.Event] = set()
        self._unread_lock = trio.Lock()
        self._mending = trio.Lock()

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> Totals:
        """Take the file, a new one where the old one is damaged; what it holds. Raises ``StoreError``."""
        return await trio.to_thread.run_sync(self._open)

    def _open(self) -> Totals:
        try:
            self._store.open()
            return self._store.query(rows.read_totals)
        except DamagedError as error:
            self._say_aside(self._store.set_aside(), str(error))
            self._store.open()
            return self._store.query(rows.read_totals)

    def _say_aside(self, aside: Path, reason: str) -> None:
        log.error(
            "sink %s: %s; set aside as %s, going on with a new file; what waited in it may be saved: wye spool salvage %s FILE",
            self._name,
            reason,
            aside.name,
            aside,
        )

    async def run(self) -> None:
        """Until ``finish``, and everything is written."""
        async with trio.open_nursery() as store:
            store.start_soon(self._store.run)
            async with trio.open_nursery() as tasks:
                tasks.start_soon(self._write)
                tasks.start_soon(self._take_out)
                tasks.start_soon(self._read_ahead)
            while not self._closing:
                await self._stirring()
            self._store.finish()

    async def close(self) -> None:
        """Give the file back."""
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._store.close)

    def stop_reading(self) -> None:
        """Nobody will take what is unread."""
        self._reading = False

    def finish(self) -> None:
        """Let ``run`` end when everything is written and taken out."""
        self._closing = True
        self.stir()

    def stir(self) -> None:
        """There may be something to do."""
        for event in self._stirred:
            event.set()

    async def _stirring(self) -> None:
        stirred = trio.Event()
        self._stirred.add(stirred)
        try:
            await stirred.wait()
        finally:
            self._stirred.discard(stirred)

    async def _due(self, due: Callable[[], bool]) -> bool:
        """Wait until there is something to do. Not when it is all over, or the file is beyond use."""
        while self._store.broken is None or self._store.damaged:
            if due():
                return True
            if self._closing:
                return False
            await self._stirring()
        return False

    # ── the three tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self) -> None:
        backlog = self._backlog
        while await self._due(lambda: bool(backlog.pending)):
            new = backlog.compose(self._now_ms(), trio.current_time())
            stored = [row.stored for row in new]
            if await self._commit(lambda connection, stored=stored: rows.insert(connection, stored)):
                self._listener.written(backlog.written())

    async def _take_out(self) -> None:
        backlog, account = self._backlog, self._account
        while await self._due(lambda: bool(backlog.ended or self.to_evict)):
            if self.to_evict:
                await self._evict()
                continue
            seqs, counts = backlog.take_ended(), backlog.counts(account)
            await self._commit(lambda connection, seqs=seqs, counts=counts: _take_out(connection, seqs, counts))
        if self._store.broken is None:
            counts = backlog.counts(account)
            await self._commit(lambda connection: rows.write_ended(connection, counts))

    async def _evict(self) -> None:
        """Take out the oldest unread rows; nobody may read them meanwhile. What was read before is older, and goes first."""
        backlog = self._backlog
        async with self._unread_lock:
            self._evict_read()
            if not self.to_evict:
                return
            seqs, counts = backlog.take_ended(), backlog.counts(self._account)
            after, upto, size = backlog.read_upto, backlog.last_seq, self.to_evict
            found = (after, 0, 0)

            def work(connection: sqlite3.Connection) -> None:
                nonlocal found
                found = rows.evict(connection, after, upto, size)
                _take_out(connection, seqs, counts.plus(Counts(dropped=found[1])))

            written = await self._commit(work)
            self.to_evict = max(self.to_evict - size, 0)
            if written:
                backlog.evicted(*found)
                self._listener.evicted(found[1])

    def _evict_read(self) -> None:
        backlog, held = self._backlog, self._backlog.held_bytes
        while self.to_evict and (count := backlog.evict_from_window()):
            self._listener.dropped(count)
            self.to_evict = max(self.to_evict - (held - backlog.held_bytes), 0)
            held = backlog.held_bytes

    async def _read_ahead(self) -> None:
        backlog = self._backlog
        while await self._due(lambda: bool(backlog.unread_events) and backlog.window.low and self._reading):
            async with self._unread_lock:
                after, upto = backlog.read_upto, backlog.last_seq
                try:
                    found = await self._store.read(lambda connection, after=after, upto=upto: _load(connection, after, upto))
                except StoreError:
                    if self._store.broken is None:
                        await trio.sleep(AGAIN_SECS)
                    else:
                        await self._mend()
                    continue
                self._accept(found)

    def _accept(self, found: Sequence[Loaded]) -> None:
        backlog = self._backlog
        now_ms, now = self._now_ms(), trio.current_time()
        for stored, events, failures, told in found:
            if stored.count != told:
                self._correct(stored, told)
            row = backlog.read(stored, events, now - max(now_ms - stored.came_ms, 0) / 1000)
            if len(events) != stored.count:
                self._listener.spoilt(row, stored, failures)
        if not found and backlog.unread_events:
            log.error("sink %s: %d events are missing in %s", self._name, backlog.unread_events, self._store.path)
            self._lose_unread()
        self._listener.came()

    def _correct(self, stored: StoredRow, told: int) -> None:
        """A number that was damaged would go into the totals with its row."""
        path = self._store.path
        log.error("sink %s: row %d of %s says %d events and holds %d", self._name, stored.seq, path, told, stored.count)
        self._store.submit(lambda connection: rows.correct(connection, stored), lambda _: None)

    # ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _commit(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Whether it is on the disk, in a new file where the old one turned out to be damaged."""
        while not await self._store.write(work):
            await self._mend()
            if self._store.broken is not None:
                return False
        return True

    async def _mend(self) -> None:
        """Go on with a new file where the old one is damaged: what is in memory is written into it first."""
        async with self._mending:
            if self._store.broken is None:
                return  # somebody else has mended it meanwhile
            if self._store.damaged:
                reason = f"{self._store.path} is damaged: {self._store.broken}"
                try:
                    aside = await self._store.replace()
                except StoreError as error:
                    log.error("sink %s: %s", self._name, error)
                    self._store.damaged = False
                else:
                    self._lose_unread()
                    self._store.submit(self._rewrite(), lambda _: None)
                    self._say_aside(aside, reason)
                    return
            self._listener.failed()
            self.stir()

    def _rewrite(self) -> Callable[[sqlite3.Connection], None]:
        stored = [row.stored() for row in self._backlog.rows.values() if row.batch.events]
        counts = self._backlog.counts(self._account)

        def work(connection: sqlite3.Connection) -> None:
            rows.insert(connection, stored)
            rows.write_ended(connection, counts)

        return work

    def _lose_unread(self) -> None:
        backlog = self._backlog
        lost = backlog.unread_events
        backlog.lose(lost, backlog.unread_bytes)
        self.to_evict = 0
        self._listener.dropped(lost)


def _take_out(connection: sqlite3.Connection, seqs: Sequence[int], counts: Counts) -> None:
    rows.delete(connection, seqs)
    rows.write_ended(connection, counts)


Loaded = tuple[StoredRow, Sequence[Event], Sequence[Failure], int]
"""A row, what is in it, and how many events the file says that these are."""


def _load(connection: sqlite3.Connection, after: int, upto: int) -> list[Loaded]:
    return [_decoded(row) for row in rows.read(connection, after, upto, READ_EVENTS, READ_BYTES)]


def _decoded(row: StoredRow) -> Loaded:
    """What is sound says itself how many events it holds; the number beside it has no checksum."""
    if not row.is_sound:
        return row, (), (), row.count
    events, failures = rows.decoded(row.payload)
    return structs.replace(row, count=max(len(events) + len(failures), 1)), events, failures, row.count
