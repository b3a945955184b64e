"""What moves: batches of events, and lots taken from a buffer for one request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from wye.delivery import Delivery, Outcome
from wye.event import Event


class Batch(Struct):
    """Events on their way to one sink, with the delivery that waits for them.

    ``event_bytes`` is the mean size of one event as received, used for bounds in bytes.
    """

    events: Sequence[Event]
    delivery: Delivery
    event_bytes: int = 0

    def split(self, count: int) -> tuple[Batch, Batch]:
        """The first ``count`` events, and the others; both answer to the same delivery."""
        return (
            Batch(self.events[:count], self.delivery, self.event_bytes),
            Batch(self.events[count:], self.delivery, self.event_bytes),
        )


class Lot(Struct):
    """Events taken out of a buffer together. They count against its bound until the lot is released.

    ``runs`` says which delivery waits for how many of ``events``, in order.
    """

    events: list[Event]
    runs: list[tuple[Delivery, int]]
    bytes: int

    def settle_all(self, outcome: Outcome) -> None:
        """Settle every event of the lot with one outcome."""
        for delivery, count in self.runs:
            delivery.settle(count, outcome)

    def deliveries(self) -> list[Delivery]:
        """The delivery behind each event, aligned with ``events``."""
        return [delivery for delivery, count in self.runs for _ in range(count)]
