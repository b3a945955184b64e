"""How fast a sink may be sent to: a token bucket. Sans-io. It makes events wait and never drops one."""

from __future__ import annotations


class Rate:
    """``events_per_sec`` on average, ``burst`` at once after a rest. A request of more events than ``burst`` goes when the
    bucket is full, and those after it wait the longer."""

    def __init__(self, events_per_sec: float, burst: int) -> None:
        self._per_sec = events_per_sec
        self._burst = burst
        self._tokens = float(burst)
        self._at: float | None = None

    def ready_at(self, count: int, now: float) -> float:
        """When ``count`` events may be sent; ``now`` at the earliest."""
        self._refill(now)
        missing = min(count, self._burst) - self._tokens
        return now + max(missing, 0.0) / self._per_sec

    def spend(self, count: int, now: float) -> None:
        """``count`` events are sent."""
        self._refill(now)
        self._tokens -= count

    def _refill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._tokens + (now - self._at) * self._per_sec, float(self._burst))
        self._at = now
