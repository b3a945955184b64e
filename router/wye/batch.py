"""What moves: batches of events towards one sink, lots taken from its buffer, parcels on their way out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from wye.delivery import Delivery, Fate
from wye.event import Event


class Retried(Struct, eq=False):
    """The dead letter (its number) that an event was until now, and what has become of the event since."""

    id: int
    fate: Fate | None = None


class Batch(Struct, eq=False):
    """Events on their way to one sink, with the delivery that waits for them.

    ``event_bytes`` is the mean size of one event as received, used for bounds in bytes. ``came_at`` is when the events came, on
    trio's clock; a buffer sets it. ``retried``: the batch is one event out of the dead letters. It is safe there until it is
    delivered, so that no buffer need write it to a file.
    """

    events: Sequence[Event]
    delivery: Delivery
    event_bytes: int = 0
    came_at: float = 0.0
    retried: Retried | None = None

    def split(self, count: int) -> tuple[Batch, Batch]:
        """The first ``count`` events, and the others; both answer to the same delivery."""
        return (
            Batch(self.events[:count], self.delivery, self.event_bytes, self.came_at, self.retried),
            Batch(self.events[count:], self.delivery, self.event_bytes, self.came_at, self.retried),
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
    cost. ``on_trial`` are failures of the whole that may yet turn out to be the vendor's fault; ``tries`` are all attempts."""

    events: Sequence[Event]
    documents: Sequence[bytes]
    batches: Sequence[Batch]
    attempts: list[int]
    on_trial: int = 0
    tries: int = 0

    def pick(self, places: Sequence[int]) -> Parcel:
        """The events at ``places``."""
        return Parcel(
            [self.events[place] for place in places],
            [self.documents[place] for place in places],
            [self.batches[place] for place in places],
            [self.attempts[place] for place in places],
            self.on_trial,
            self.tries,
        )

    def slice(self, start: int, end: int) -> Parcel:
        """The events from ``start`` up to ``end``; this parcel itself where that is all of them."""
        if start == 0 and end == len(self.events):
            return self
        return Parcel(
            self.events[start:end],
            self.documents[start:end],
            self.batches[start:end],
            self.attempts[start:end],
            self.on_trial,
            self.tries,
        )

    def tried(self, place: int) -> int:
        """How often the event at ``place`` was tried at its own cost, as far as is known."""
        return self.attempts[place] + self.on_trial

    def charge(self, places: Sequence[int]) -> None:
        """The events at ``places`` failed on their own account."""
        for place in places:
            self.attempts[place] += 1

    def convict(self) -> None:
        """The failures on trial were its own."""
        for place in range(len(self.attempts)):
            self.attempts[place] += self.on_trial
        self.on_trial = 0

    def acquit(self) -> None:
        """The failures on trial were the vendor's."""
        self.on_trial = 0


def joined(parcels: Sequence[Parcel]) -> Parcel:
    """Parcels that were not tried yet as one."""
    return Parcel(
        [event for one in parcels for event in one.events],
        [document for one in parcels for document in one.documents],
        [batch for one in parcels for batch in one.batches],
        [attempts for one in parcels for attempts in one.attempts],
    )


def runs(batches: Iterable[Batch]) -> list[tuple[Batch, int]]:
    """Neighbours of the same batch counted together: most events travel with those they came with."""
    return [(batch, len(list(same))) for batch, same in groupby(batches)]
