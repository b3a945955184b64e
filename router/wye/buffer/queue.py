"""What a sink asks of its queue, wherever that keeps its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from trio import TaskStatus

from wye.batch import Batch, Lot
from wye.delivery import Fate
from wye.ledger import SinkAccount
from wye.options import WhenFull


class Buffer(Protocol):
    """Holds one sink's events in the order in which they came.

    ``queued`` events can be taken now; ``held`` ones are all that are not settled: queued, taken, or on their way in or out of
    a file. What is held counts against the bound. ``oldest_at`` is when the oldest queued event came, on trio's clock.
    """

    @property
    def when_full(self) -> WhenFull: ...

    @property
    def durable(self) -> bool:
        """Whether what is held outlives the process."""
        ...

    @property
    def queued_events(self) -> int: ...

    @property
    def queued_bytes(self) -> int: ...

    @property
    def held_events(self) -> int: ...

    @property
    def held_bytes(self) -> int: ...

    @property
    def safe_events(self) -> int:
        """Held ones that outlive the process."""
        ...

    @property
    def oldest_at(self) -> float | None: ...

    @property
    def oldest_held_at(self) -> float | None:
        """When the oldest event came that is not settled, as far as that is known without looking into a file."""
        ...

    @property
    def more(self) -> bool:
        """Whether further events will be queued even if none is put: ``wake`` is called when they are, or will not be."""
        ...

    @property
    def half_empty(self) -> bool: ...

    def room_for(self, count: int, event_bytes: int) -> bool:
        """Whether so many events of this size can be put now."""
        ...

    def most(self, event_bytes: int) -> int:
        """How many events of this size it can ever hold, at least one."""
        ...

    def put(self, batch: Batch, now: float) -> list[Batch]:
        """Take a batch in. Returns what ``when_full`` gave up and whose sources still wait, for the caller to settle."""
        ...

    def take(self, max_events: int, max_bytes: int) -> Lot:
        """The oldest queued events, at most so many; at least one where any is queued. They are held until ``settled``.

        Each batch of the lot has the delivery that hears of its events' end: the source's own, or, where the source was told
        long ago, one of the buffer's.
        """
        ...

    def settled(self, batch: Batch, count: int, fate: Fate) -> None:
        """``count`` taken events of ``batch`` have come to their end; their room is free again. The caller settles the
        batch's delivery after this."""
        ...

    async def run(self, account: SinkAccount, wake: Callable[[], None], *, task_status: TaskStatus[None]) -> None:
        """Do what cannot be done at once (files), until ``finish``. ``wake`` is called when more is queued or room became
        free. A durable buffer brings ``account`` to where it was when the process before ended, and counts there what it
        drops of events whose sources were told long ago. Raises ``StartError`` before it has started."""
        ...

    def finish(self) -> None:
        """Nothing more is put or settled: let ``run`` write what is left, and end."""
        ...
