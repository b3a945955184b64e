"""When a sink's waiting events make a lot. Sans-io: time in, decision out."""

from __future__ import annotations

import math

from msgspec import Struct


class Batcher(Struct, frozen=True):
    """A lot is due when ``max_events`` or ``max_bytes`` wait, or when the oldest has waited ``linger_secs``."""

    max_events: int
    max_bytes: int
    linger_secs: float

    def due_at(self, queued_events: int, queued_bytes: int, oldest_at: float | None) -> float:
        """When the next lot is due, on the clock of ``oldest_at``: ``-inf`` for now, ``inf`` while nothing waits."""
        if oldest_at is None:
            return math.inf
        if queued_events >= self.max_events or queued_bytes >= self.max_bytes:
            return -math.inf
        return oldest_at + self.linger_secs
