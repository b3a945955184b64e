"""The rows of a spool that are in memory: the oldest, ready to be taken, and those that were taken and are not settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from wye.batch import Batch, Lot
from wye.buffer.rows import Counts, StoredRow, encoded
from wye.delivery import Delivery, Outcome
from wye.event import Event

WINDOW_EVENTS = 8_000
"""Events that wait in memory, at most; further ones are in the file only."""

WINDOW_BYTES = 8 * 1_048_576
"""The same, in bytes of their payload."""

TAKEN_EVENTS = 4 * WINDOW_EVENTS
"""Events that were taken and are not settled, beyond which no further ones come into memory: so many may be under way, wait to
be tried again, or for another one of their key."""

TAKEN_BYTES = 4 * WINDOW_BYTES
"""The same, in bytes of their payload."""


class Row(Delivery):
    """One row of the file, as the delivery of its events: their sources were told long ago, so it is the file that hears when
    all of them are settled. ``ended`` says how."""

    __slots__ = ("_on_end", "batch", "bytes", "came_ms", "count", "ended", "seq")

    def __init__(
        self,
        seq: int,
        events: Sequence[Event],
        count: int,
        size: int,
        came_ms: int,
        came_at: float,
        on_end: Callable[[Row], None],
    ) -> None:
        super().__init__(_nobody)
        self._on_end = on_end
        self.seq = seq
        self.count = count
        self.bytes = size
        self.came_ms = came_ms
        self.batch = Batch(events, self, size // count, came_at)
        self.ended = Counts()
        self.expect(count)
        self.seal()

    def settle(self, copies: int, outcome: Outcome = Outcome.SAFE) -> None:
        super().settle(copies, outcome)
        if not self.pending:
            self._on_end(self)
            del self.batch  # which knows this row: without the circle both go at once

    def stored(self) -> StoredRow:
        """As it was written, or would be."""
        return StoredRow.of(self.seq, len(self.batch.events), self.came_ms, encoded(self.batch.events))


def _nobody(_: Outcome) -> None: ...


class _Entry(Struct, eq=False):
    batch: Batch
    taken: int = 0

    @property
    def waiting(self) -> int:
        return len(self.batch.events) - self.taken


class Window:
    """The oldest events, in order. ``events`` and ``bytes`` are of what can be taken."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()
        self.events = 0
        self.bytes = 0
        self._taken_events = 0
        self._taken_bytes = 0

    @property
    def oldest_at(self) -> float | None:
        return self._entries[0].batch.came_at if self._entries else None

    def has_room(self, events: int, size: int) -> bool:
        """Whether such a row may wait here; one row always may, but for what is taken."""
        if self._is_crowded:
            return False
        return not self._entries or (self.events + events <= WINDOW_EVENTS and self.bytes + size <= WINDOW_BYTES)

    @property
    def low(self) -> bool:
        """Whether it is time to read further ones."""
        return 2 * self.events < WINDOW_EVENTS and 2 * self.bytes < WINDOW_BYTES and not self._is_crowded

    @property
    def _is_crowded(self) -> bool:
        return self._taken_events >= TAKEN_EVENTS or self._taken_bytes >= TAKEN_BYTES

    def append(self, batch: Batch) -> None:
        """One more at the end."""
        if batch.events:
            entry = _Entry(batch)
            self._entries.append(entry)
            self._count(entry, entry.waiting)

    def evict(self) -> Batch | None:
        """The oldest row of which nothing was taken, out of the window."""
        for place, entry in enumerate(self._entries):
            if not entry.taken and isinstance(entry.batch.delivery, Row):
                del self._entries[place]
                self._count(entry, -entry.waiting)
                return entry.batch
        return None

    def clear(self) -> None:
        """Nothing can be taken any more."""
        self._entries.clear()
        self.events = self.bytes = 0

    def take(self, max_events: int, max_bytes: int) -> Lot:
        """The oldest events, at most so many; at least one where there is any."""
        lot = Lot([], [], 0)
        while self._entries and len(lot.events) < max_events:
            entry = self._entries[0]
            batch, event_bytes = entry.batch, entry.batch.event_bytes
            fits = min(max_events - len(lot.events), entry.waiting)
            if event_bytes:
                fits = min(fits, (max_bytes - lot.bytes) // event_bytes)
            if fits <= 0:
                if lot.events:
                    break
                fits = 1
            lot.events.extend(batch.events[entry.taken : entry.taken + fits])
            lot.batches.extend([batch] * fits)
            lot.bytes += fits * event_bytes
            entry.taken += fits
            self._count(entry, -fits)
            if not entry.waiting:
                self._entries.popleft()
        self._taken_events += len(lot.events)
        self._taken_bytes += lot.bytes
        return lot

    def settled(self, batch: Batch, count: int) -> bool:
        """``count`` taken events of ``batch`` have come to their end. Whether that makes it ``low``."""
        crowded = self._is_crowded
        self._taken_events -= count
        self._taken_bytes -= count * batch.event_bytes
        return crowded and self.low

    def _count(self, entry: _Entry, events: int) -> None:
        self.events += events
        self.bytes += events * entry.batch.event_bytes
