"""A bounded queue in memory. Sans-io: it never waits, it only says whether there is room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio

from wye.batch import Batch, Lot
from wye.buffer.packed import packed, unpacked
from wye.delivery import Fate
from wye.ledger import SinkAccount
from wye.options import WhenFull

NEAR_EVENTS = 2_000
"""Events that wait as they are, at least."""

STILL_SECS = 0.1
"""A sink that has taken nothing for so long does not flow."""

LONG_SECS = 5.0
"""Nor does one whose oldest event has waited for so long."""


class MemoryBuffer:
    """Holds one sink's events in order, bounded by events and by bytes (as received).

    What was taken counts against the bound until it is settled, so that the bound holds for all that a sink keeps in memory,
    in flight or not. Batches that were given up because of ``when_full`` are returned from ``put`` for the caller to settle.
    """

    durable = False
    more = False
    safe_events = 0

    def __init__(self, max_events: int, max_bytes: int, when_full: WhenFull) -> None:
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.when_full: WhenFull = when_full
        self._queue: deque[Batch] = deque()
        self._taken: dict[Batch, int] = {}
        self._moved = True
        self._moved_at = 0.0
        self.queued_events = 0
        self.queued_bytes = 0
        self.held_events = 0
        self.held_bytes = 0

    @property
    def oldest_at(self) -> float | None:
        """When the oldest queued event came, on the clock of ``put``; ``None`` when nothing is queued."""
        return self._queue[0].came_at if self._queue else None

    @property
    def oldest_held_at(self) -> float | None:
        """When the oldest event came that is not settled; ``None`` when nothing is held."""
        oldest = next(iter(self._taken), None) or (self._queue[0] if self._queue else None)
        return oldest.came_at if oldest else None

    def room_for(self, count: int, event_bytes: int) -> bool:
        """Whether ``count`` more events fit. When nothing is held, whatever comes fits: it would never fit better."""
        return not self.held_events or count <= self._room(event_bytes)

    @property
    def half_empty(self) -> bool:
        """Whether at least half of the bound is free."""
        return 2 * self.held_events <= self.max_events and 2 * self.held_bytes <= self.max_bytes

    def most(self, event_bytes: int) -> int:
        """How many events of this size the buffer can hold, at least one."""
        return max(_within(self.max_events, self.max_bytes, event_bytes), 1)

    def _room(self, event_bytes: int) -> int:
        room = _within(self.max_events - self.held_events, self.max_bytes - self.held_bytes, event_bytes)
        return max(room, 0 if self.held_events else 1)

    def put(self, batch: Batch, now: float) -> list[Batch]:
        """Queue ``batch``, or as much of it as ``when_full`` allows; returns what was given up, oldest first.

        With ``block`` the caller has waited for room; what does not fit nevertheless is taken all the same. Otherwise a single
        event that is larger than the whole bound is taken when nothing else is held.
        """
        dropped: list[Batch] = []
        if self.when_full == "drop_newest":
            room = self._room(batch.event_bytes)
            if len(batch.events) > room:
                batch, given_up = batch.split(room)
                dropped.append(given_up)
        elif self.when_full == "drop_oldest":
            batch, dropped = self._make_room(batch)
        if batch.events:
            batch.came_at = now
            if self._flows(now):
                self._queue.append(batch)
            else:
                self._queue.extend(packed(batch))
            self._count(len(batch.events), batch.event_bytes)
        return [one for one in dropped if one.events]

    def _flows(self, now: float) -> bool:
        """Whether what is put now will be taken soon, so that packing it would cost more than it gives."""
        if self._moved:
            self._moved, self._moved_at = False, now
        if self.queued_events < NEAR_EVENTS:
            return True
        return now - self._moved_at < STILL_SECS and now - self._queue[0].came_at < LONG_SECS

    def _make_room(self, batch: Batch) -> tuple[Batch, list[Batch]]:
        """As many of ``batch``, the last ones, as fit beside what is in flight; and what had to go for them."""
        count = len(batch.events)
        if count <= self._room(batch.event_bytes):
            return batch, []
        flying_events = self.held_events - self.queued_events
        flying_bytes = self.held_bytes - self.queued_bytes
        fits = _within(self.max_events - flying_events, self.max_bytes - flying_bytes, batch.event_bytes)
        too_old, kept = batch.split(count - min(count, max(fits, 0 if flying_events else 1)))
        return kept, [*self._evict(len(kept.events), kept.event_bytes), too_old]

    def _evict(self, count: int, event_bytes: int) -> list[Batch]:
        dropped: list[Batch] = []
        while count and self._queue and count > self._room(event_bytes):
            oldest = self._queue.popleft()
            missing = self.held_events + count - self.max_events
            if oldest.event_bytes:
                missing = max(missing, -((self.max_bytes - self.held_bytes - count * event_bytes) // oldest.event_bytes))
            gone, missing = oldest, max(missing, 1)
            if missing < len(oldest.events):
                gone, kept = unpacked(oldest).split(missing)
                self._queue.appendleft(kept)
            self._count(-len(gone.events), gone.event_bytes)
            dropped.append(gone)
        return dropped

    def _count(self, events: int, event_bytes: int) -> None:
        self.queued_events += events
        self.held_events += events
        self.queued_bytes += events * event_bytes
        self.held_bytes += events * event_bytes

    def take(self, max_events: int, max_bytes: int) -> Lot:
        """The oldest events, at most so many; at least one where any is queued. They stay held until ``settled``."""
        lot = Lot([], [], 0)
        self._moved = True
        while self._queue and len(lot.events) < max_events:
            batch = unpacked(self._queue[0])
            fits = max_events - len(lot.events)
            if batch.event_bytes > 0:
                fits = min(fits, (max_bytes - lot.bytes) // batch.event_bytes)
            if fits <= 0:
                if lot.events:
                    break
                fits = 1
            if fits < len(batch.events):
                batch, rest = batch.split(fits)
                self._queue[0] = rest
            else:
                self._queue.popleft()
            self._taken[batch] = len(batch.events)
            lot.events.extend(batch.events)
            lot.batches.extend([batch] * len(batch.events))
            lot.bytes += len(batch.events) * batch.event_bytes
        self.queued_events -= len(lot.events)
        self.queued_bytes -= lot.bytes
        return lot

    def settled(self, batch: Batch, count: int, fate: Fate) -> None:
        """``count`` taken events of ``batch`` have come to their end; their room is free again."""
        self.held_events -= count
        self.held_bytes -= count * batch.event_bytes
        self._taken[batch] -= count
        if not self._taken[batch]:
            del self._taken[batch]

    async def run(
        self,
        account: SinkAccount,
        wake: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Nothing needs doing apart: memory is at hand at once."""
        task_status.started()

    def finish(self) -> None:
        """There is nothing left to write."""


def _within(events: int, size: int, event_bytes: int) -> int:
    return min(events, size // event_bytes) if event_bytes else events
