"""When to try again: exponential backoff with full jitter. Sans-io: the attempt's number in, a wait out."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

# 2.0**1000 is still a float; beyond 1023 it is an OverflowError.
_MAX_DOUBLINGS = 1000


class Backoff(Struct, frozen=True):
    """The longest possible wait begins at ``first_secs`` and doubles with each attempt, up to ``max_secs``.

    The wait itself is drawn evenly from zero to that bound, so that many who failed together do not come back together.
    """

    first_secs: float
    max_secs: float

    def bound_secs(self, attempt: int) -> float:
        """The longest wait after failed attempt number ``attempt``, counted from 1. Raises ``ValueError`` below 1."""
        if attempt < 1:
            raise ValueError(f"attempts are counted from 1, not {attempt}")
        return min(self.max_secs, self.first_secs * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))

    def delay_secs(self, attempt: int, random: Callable[[], float], asked_secs: float | None = None) -> float:
        """How long to wait after failed attempt number ``attempt``, counted from 1.

        ``random`` gives a number in [0, 1). ``asked_secs`` is what the peer asked for; the wait is never shorter than that,
        even where that is more than ``max_secs``.
        """
        drawn = self.bound_secs(attempt) * random()
        return drawn if asked_secs is None else max(drawn, asked_secs)
