"""A bounded queue in memory. Sans-io: it never waits, it only says whether there is room."""

from __future__ import annotations

from collections import deque

from wye.batch import Batch, Lot
from wye.options import WhenFull


class MemoryBuffer:
    """Holds one sink's events in order, bounded by events and by bytes (as received).

    What was taken counts against the bound until it is released, so that the bound holds for all that a sink keeps in memory,
    in flight or not. Batches that were given up because of ``when_full`` are returned from ``put`` for the caller to settle.
    """

    def __init__(self, max_events: int, max_bytes: int, when_full: WhenFull) -> None:
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.when_full: WhenFull = when_full
        self._queue: deque[tuple[float, Batch]] = deque()
        self.queued_events = 0
        self.queued_bytes = 0
        self.held_events = 0
        self.held_bytes = 0

    @property
    def oldest_at(self) -> float | None:
        """When the oldest queued event came, on the clock of ``put``; ``None`` when nothing is queued."""
        return self._queue[0][0] if self._queue else None

    def room_for(self, count: int, event_bytes: int) -> bool:
        """Whether ``count`` more events fit. One that alone is larger than the whole bound fits when nothing else is held."""
        return count <= self._room(event_bytes)

    def _room(self, event_bytes: int) -> int:
        events = self.max_events - self.held_events
        if event_bytes > 0:
            events = min(events, (self.max_bytes - self.held_bytes) // event_bytes)
        return max(events, 0 if self.held_events else 1)

    def put(self, batch: Batch, now: float) -> list[Batch]:
        """Queue ``batch``, or as much of it as ``when_full`` allows; returns what was given up, oldest first.

        With ``block`` the caller has waited for room; what does not fit nevertheless is taken all the same.
        """
        dropped: list[Batch] = []
        if self.when_full == "drop_oldest":
            dropped = self._evict(len(batch.events), batch.event_bytes)
        if self.when_full != "block":
            room = self._room(batch.event_bytes)
            if len(batch.events) > room:
                if self.when_full == "drop_oldest":
                    old, batch = batch.split(len(batch.events) - room)
                    dropped.append(old)
                else:
                    batch, new = batch.split(room)
                    dropped.append(new)
        if batch.events:
            self._queue.append((now, batch))
            self._count(len(batch.events), batch.event_bytes)
        return dropped

    def _evict(self, count: int, event_bytes: int) -> list[Batch]:
        dropped: list[Batch] = []
        while self._queue and not self.room_for(count, event_bytes):
            came, oldest = self._queue.popleft()
            missing = max(count - self._room(event_bytes), 1)
            gone, kept = oldest.split(missing)
            if kept.events:
                self._queue.appendleft((came, kept))
            self._count(-len(gone.events), gone.event_bytes)
            dropped.append(gone)
        return dropped

    def _count(self, events: int, event_bytes: int) -> None:
        self.queued_events += events
        self.held_events += events
        self.queued_bytes += events * event_bytes
        self.held_bytes += events * event_bytes

    def take(self, max_events: int, max_bytes: int) -> Lot:
        """The oldest events, at most so many; at least one where any is queued. They stay held until ``release``."""
        lot = Lot([], [], 0)
        while self._queue and len(lot.events) < max_events:
            came, batch = self._queue[0]
            fits = max_events - len(lot.events)
            if batch.event_bytes > 0:
                fits = min(fits, (max_bytes - lot.bytes) // batch.event_bytes)
            if fits <= 0:
                if lot.events:
                    break
                fits = 1
            if fits < len(batch.events):
                batch, rest = batch.split(fits)
                self._queue[0] = (came, rest)
            else:
                self._queue.popleft()
            lot.events.extend(batch.events)
            lot.runs.append((batch.delivery, len(batch.events)))
            lot.bytes += len(batch.events) * batch.event_bytes
        self.queued_events -= len(lot.events)
        self.queued_bytes -= lot.bytes
        return lot

    def release(self, events: int, size: int) -> None:
        """Events that were taken (and their bytes) are settled; their room is free again."""
        self.held_events -= events
        self.held_bytes -= size
