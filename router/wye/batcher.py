"""When a sink's waiting events make a lot, and how its documents are cut into requests. Sans-io: time in, decision out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from wye.plugin import Limits

AT_A_TIME = 64
"""So many events are taken and encoded together where a request has fewer of them: one by one costs twice as much."""


class Batcher(Struct, frozen=True):
    """A lot is due when ``max_events`` or ``max_bytes`` wait, or when the oldest has waited ``linger_secs``. ``requests``: what
    is cut is requests to a vendor, and not just documents for a file or a stream."""

    max_events: int
    max_bytes: int
    linger_secs: float
    requests: bool = True

    def due_at(self, queued_events: int, queued_bytes: int, oldest_at: float | None) -> float:
        """When the next lot is due, on the clock of ``oldest_at``: ``-inf`` for now, ``inf`` while nothing waits."""
        if oldest_at is None:
            return math.inf
        if queued_events >= self.max_events or queued_bytes >= self.max_bytes:
            return -math.inf
        return oldest_at + self.linger_secs

    def takes(self, queued_events: int) -> int:
        """How many events to take when a lot is due: those of one request, or of several that are full."""
        return max(min(queued_events, AT_A_TIME) // self.max_events, 1) * self.max_events

    def cuts(self, documents: Sequence[bytes], limits: Limits) -> Iterator[tuple[int, int]]:
        """Where shipments start and end in ``documents``: each within this batcher's bounds and, where they are requests, the
        vendor's ``limits``."""
        return cuts(documents, limits if self.requests else _NONE, self.max_events, self.max_bytes)


_NONE = Limits()


def cuts(
    documents: Sequence[bytes], limits: Limits, max_events: float = math.inf, max_bytes: float = math.inf
) -> Iterator[tuple[int, int]]:
    """Where parts start and end in ``documents``: each within the vendor's ``limits``, and within these bounds too. A document
    that alone is larger goes alone."""
    max_events = min(max_events, limits.max_events or max_events)
    max_bytes = min(max_bytes, limits.max_bytes or max_bytes) - limits.overhead_bytes
    count = len(documents)
    if 0 < count <= max_events and sum(map(len, documents)) + (count - 1) * limits.separator_bytes <= max_bytes:
        yield 0, count  # as nearly always; asked of all at once, for a loop over them costs more than their bytes do
        return
    start = size = 0
    for index, document in enumerate(documents):
        if index > start and (index - start >= max_events or size + len(document) > max_bytes):
            yield start, index
            start, size = index, 0
        size += len(document) + limits.separator_bytes
    if start < count:
        yield start, count


def largest_document(limits: Limits) -> float:
    """The bytes of the largest document that a request of this vendor can carry; ``inf`` where there is no limit."""
    return math.inf if limits.max_bytes is None else limits.max_bytes - limits.overhead_bytes
