"""A bounded queue in a file: what it holds outlives the process.

A batch that is put waits for the next commit; then its source is told, and its events can be taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from msgspec import structs

from wye.batch import Batch, Lot
from wye.buffer import rows
from wye.buffer.backlog import Backlog, NewRow
from wye.buffer.pieces import Piece, cut, size_of
from wye.buffer.rows import StoredRow
from wye.buffer.spooler import Spooler
from wye.buffer.window import Row
from wye.deadletters import DeadLetter, DeadLetters, Outstanding
from wye.delivery import Fate, Outcome
from wye.ledger import SinkAccount
from wye.message import Failure
from wye.options import WhenFull
from wye.plugin import StartError
from wye.store import Store, StoreError

PENDING_BYTES = 16 * 1_048_576
"""What waits for a commit, beyond which there is no room: a disk that is slow or full must not fill the memory."""


class DiskBuffer:
    """Holds one sink's events in order, in one file, bounded by the bytes of their canonical JSON.

    What is held counts until its whole row is settled. The file is larger: SQLite's own pages, and a log beside it. ``now_ms``
    is the wall clock, in ms since the epoch.
    """

    durable = True

    def __init__(
        self,
        name: str,
        path: Path,
        max_bytes: int,
        when_full: WhenFull,
        dead_letters: DeadLetters,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.max_bytes = max_bytes
        self.when_full: WhenFull = when_full
        self._name = name
        self._dead_letters = dead_letters
        self._now_ms = now_ms
        self._store = Store(path, rows.SCHEMA, f"sink {name}")
        self._backlog = Backlog(self._stir)
        self._spooler: Spooler | None = None
        self._account = SinkAccount(name)
        self._wake: Callable[[], None] = lambda: None
        self._burying = 0
        self._letters = Outstanding(dead_letters.store)
        self._finishing = trio.Event()
        self._failed = False
        self._ratio = 1.5  # bytes in the file for one byte as received, lately

    # ── what a sink sees ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def queued_events(self) -> int:
        return self._backlog.window.events

    @property
    def queued_bytes(self) -> int:
        return self._backlog.window.bytes

    @property
    def held_events(self) -> int:
        return self._backlog.held_events + self._burying

    @property
    def held_bytes(self) -> int:
        return self._backlog.held_bytes

    @property
    def safe_events(self) -> int:
        """Held ones that are in the file, or were never taken out of the dead letters. None where the file failed."""
        return 0 if self._failed else self._backlog.safe_events

    @property
    def oldest_at(self) -> float | None:
        """When the oldest queued event came, on trio's clock; ``None`` when nothing is queued."""
        return self._backlog.window.oldest_at

    @property
    def oldest_held_at(self) -> float | None:
        return self._backlog.oldest_held_at

    @property
    def more(self) -> bool:
        """Whether further events will be queued even if none is put."""
        backlog = self._backlog
        return not self._failed and bool(backlog.unread_events or backlog.pending or backlog.writing)

    @property
    def half_empty(self) -> bool:
        """Whether at least half of the bound is free."""
        return 2 * self._backlog.held_bytes <= self.max_bytes

    def room_for(self, count: int, event_bytes: int) -> bool:
        """Whether ``count`` more events fit, as far as their size can be told from what was received. None does while the disk
        is full or the file cannot be used. When nothing is held, whatever comes fits: it would never fit better."""
        backlog = self._backlog
        if self._failed or self._store.refusing or backlog.pending_bytes > PENDING_BYTES:
            return False
        return not backlog.held_events or backlog.held_bytes + count * event_bytes * self._ratio <= self.max_bytes

    def most(self, event_bytes: int) -> int:
        """How many events of this size the buffer can hold, at least one."""
        return max(int(self.max_bytes / (max(event_bytes, 1) * self._ratio)), 1)

    def take(self, max_events: int, max_bytes: int) -> Lot:
        """The oldest events, at most so many; at least one where any is queued. They stay held until ``settled``."""
        lot = self._backlog.window.take(max_events, max_bytes)
        if self._backlog.unread_events and self._backlog.window.low:
            self._stir()
        return lot

    def settled(self, batch: Batch, count: int, fate: Fate) -> None:
        """``count`` taken events of ``batch`` have come to their end. Their row goes when all of its events have."""
        self._backlog.settled(batch, count, fate)
        if self._backlog.window.settled(batch, count):
            self._stir()

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, batch: Batch, now: float) -> list[Batch]:
        """Take ``batch`` to the next commit, or as much of it as ``when_full`` allows; returns what was given up and whose
        sources still wait, oldest first. What cannot be written down goes to the dead letters; what comes out of them is
        safe there, and not written again.

        With ``block`` the caller has waited for room; what does not fit nevertheless is taken all the same.
        """
        batch.came_at = now
        if self._failed:
            self._refuse(batch, len(batch.events))
            return []
        if batch.retried is not None:
            self._backlog.add_safe(batch)
            return []
        pieces, strange = cut(batch)
        for event, reason in strange:
            self._bury_strange(DeadLetter(stage="buffer", reason=reason, sink=self._name, event=event), batch)
        if batch.event_bytes:
            self._ratio += 0.1 * (size_of(pieces) / (len(batch.events) * batch.event_bytes) - self._ratio)
        dropped: list[Piece] = []
        if self.when_full == "drop_newest":
            pieces, dropped = self._first_that_fit(pieces)
        elif self.when_full == "drop_oldest":
            pieces, dropped = self._make_room(pieces)
        for piece in pieces:
            self._backlog.add(piece)
        self._stir()
        return [structs.replace(one.batch, events=one.events) for one in dropped]

    @property
    def _free_bytes(self) -> int:
        """Free now, or by the next commit."""
        leaving = self._spooler.to_evict if self._spooler else 0
        return self.max_bytes - self._backlog.held_bytes + leaving

    @property
    def _room_bytes(self) -> int:
        """Free, and with room in memory until the commit."""
        return min(self._free_bytes, PENDING_BYTES - self._backlog.pending_bytes)

    def _first_that_fit(self, pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
        """What has room of ``pieces``, from the first on; and the others. A single event always has where nothing is held."""
        kept: list[Piece] = []
        room = self._room_bytes
        for place, piece in enumerate(pieces):
            fits = piece.first_within(room) or (not self._backlog.held_events and not kept)
            if fits < len(piece.events):
                first, late = piece.split(fits)
                return [*kept, *([first] if fits else [])], [late, *pieces[place + 1 :]]
            kept.append(piece)
            room -= len(piece.payload)
        return kept, []

    def _last_that_fit(self, pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
        """The same from the last on."""
        kept: list[Piece] = []
        room = self._room_bytes
        for place in reversed(range(len(pieces))):
            piece = pieces[place]
            fits = piece.last_within(room) or (not self._backlog.held_events and not kept)
            if fits < len(piece.events):
                old, late = piece.split(len(piece.events) - fits)
                return [*([late] if fits else []), *kept], [*pieces[:place], old]
            kept.insert(0, piece)
            room -= len(piece.payload)
        return kept, []

    def _make_room(self, pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
        """As many of ``pieces``, the last ones, as can fit; and what was not written yet and had to go. What is written goes
        first, row by row."""
        backlog, need = self._backlog, size_of(pieces)
        while need > self._free_bytes and (count := backlog.evict_from_window()):
            self.dropped(count)
        if self._spooler is not None and need > self._free_bytes:
            self._spooler.to_evict += min(need - self._free_bytes, max(backlog.unread_bytes - self._spooler.to_evict, 0))
        gone: list[Piece] = []
        while need > self._room_bytes and backlog.pending:
            gone.append(backlog.give_back_oldest())
        kept, late = self._last_that_fit(pieces)
        return kept, [*gone, *late]

    def _refuse(self, batch: Batch, count: int) -> None:
        """Not taken, and its source hears so: for the account it never came."""
        self._account.received -= count
        batch.delivery.settle(count, Outcome.FAILED)

    # ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(
        self,
        account: SinkAccount,
        wake: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Move what lies between memory and file, until ``finish``. Raises ``StartError`` where the file cannot be used."""
        self._account, self._wake = account, wake
        spooler = self._spooler = Spooler(self._name, self._store, self._backlog, self._now_ms, account, self)
        try:
            try:
                totals = await spooler.open()
            except StoreError as error:
                raise StartError(str(error)) from None
            self._backlog.restore(totals)
            totals.restore(account)
            task_status.started()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(spooler.run)
                await self._finishing.wait()
                spooler.stop_reading()
                await self._letters.over()  # a row is taken out when they are safe
                spooler.finish()
        finally:
            await spooler.close()

    def finish(self) -> None:
        """Nothing more is put or settled: let ``run`` write what is left, and end."""
        self._finishing.set()

    def _stir(self) -> None:
        if self._spooler is not None:
            self._spooler.stir()

    # ── what the spooler says ────────────────────────────────────────────────────────────────────────────────────────────

    def written(self, new: Sequence[NewRow]) -> None:
        for row in new:
            for piece in row.pieces:
                piece.batch.delivery.settle(len(piece.events))
        self._wake()

    def came(self) -> None:
        self._wake()

    def dropped(self, events: int) -> None:
        self._account.dropped += events
        self._wake()

    def evicted(self, events: int) -> None:
        self.dropped(events)
        while self._free_bytes < 0 and (count := self._backlog.evict_from_window()):  # was read meanwhile
            self.dropped(count)

    def failed(self) -> None:
        """Nothing of what is in the file is taken any more; nothing of what is not is promised."""
        self._failed = True
        for piece in self._backlog.give_back_all():
            self._refuse(piece.batch, len(piece.events))
        self._backlog.window.clear()
        self._wake()

    def spoilt(self, row: Row, stored: StoredRow, failures: Sequence[Failure]) -> None:
        where = f"row {stored.seq} of {self._store.path}"
        if failures:
            letters = [self._letter(f"{where}: {failure.reason}", failure.original) for failure in failures]
        else:
            lines = stored.payload.splitlines() or [b""]
            letters = [self._letter(f"{where} is damaged: its checksum is wrong", line) for line in lines]
        count = row.count - len(row.batch.events)
        batch = row.batch

        def on_written() -> None:
            self._account.dead_lettered += count
            self._backlog.settled(batch, count, "dead_lettered")
            batch.delivery.settle(count)
            self._letters.heard(count)
            self._wake()

        self._letters.submitted(count)
        self._dead_letters.submit(letters, on_written)

    def _letter(self, reason: str, line: bytes) -> DeadLetter:
        return DeadLetter(stage="buffer", reason=reason, sink=self._name, original=line)

    def _bury_strange(self, letter: DeadLetter, batch: Batch) -> None:
        def on_written() -> None:
            self._burying -= 1
            self._account.dead_lettered += 1
            batch.delivery.settle(1)
            self._letters.heard()
            self._wake()

        self._burying += 1
        self._letters.submitted(1)
        self._dead_letters.submit([letter], on_written)
