"""What moves: batches of events towards one sink, lots taken from its buffer, parcels on their way out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from wye.delivery import Delivery
from wye.event import Event


class Batch(Struct, eq=False):
    """Events on their way to one sink, with the delivery that waits for them.

    ``event_bytes`` is the mean size of one event as received, used for bounds in bytes. ``came_at`` is when the events came, on
    trio's clock; a buffer sets it.
    """

    events: Sequence[Event]
    delivery: Delivery
    event_bytes: int = 0
    came_at: float = 0.0

    def split(self, count: int) -> tuple[Batch, Batch]:
        """The first ``count`` events, and the others; both answer to the same delivery."""
        return (
            Batch(self.events[:count], self.delivery, self.event_bytes, self.came_at),
            Batch(self.events[count:], self.delivery, self.event_bytes, self.came_at),
        )


class Lot(Struct, eq=False):
    """Events taken out of a buffer together. They count against its bound until they are settled.

    ``batches`` says, aligned with ``events``, which batch each came in. ``bytes`` is their size as received.
    """

    events: list[Event]
    batches: list[Batch]
    bytes: int


class Parcel(Struct, eq=False):
    """Events for one request, column by column: what is sent, the batch each came in, and how often each was tried at its own
    cost."""

    events: Sequence[Event]
    documents: Sequence[bytes]
    batches: Sequence[Batch]
    attempts: list[int]

    def pick(self, places: Sequence[int]) -> Parcel:
        """The events at ``places``."""
        return Parcel(
            [self.events[place] for place in places],
            [self.documents[place] for place in places],
            [self.batches[place] for place in places],
            [self.attempts[place] for place in places],
        )

    def slice(self, start: int, end: int) -> Parcel:
        """The events from ``start`` up to ``end``; this parcel itself where that is all of them."""
        if start == 0 and end == len(self.events):
            return self
        return Parcel(self.events[start:end], self.documents[start:end], self.batches[start:end], self.attempts[start:end])


def runs(batches: Iterable[Batch]) -> list[tuple[Batch, int]]:
    """Neighbours of the same batch counted together: most events travel with those they came with."""
    return [(batch, len(list(same))) for batch, same in groupby(batches)]
