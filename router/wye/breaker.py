"""Whether a sink as a whole is worth asking now. Sans-io: answers and times in, decisions out.

Closed: everybody may send. Open: nobody, until a time. Then half open: one probe, whose answer closes or opens it again.

What a vendor says of itself (``busy``, ``hold``, a broken connection) opens it at once. A request that fails as a whole with
``retry`` may be its events' fault or the vendor's: the attempt is on trial. When another request gets through, the attempt
counts. When requests of several parcels fail one after the other and none gets through, the vendor is down, and nobody's
attempts are used up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from wye.retry import Backoff

FAILURES = 4
"""So many failing requests in a row, of more than one parcel, mean that the vendor is down."""


class OnTrial(Protocol):
    """What a failing request carried."""

    def convict(self) -> None:
        """The failures so far were its own: they count."""
        ...

    def acquit(self) -> None:
        """The failures so far were the vendor's: they do not."""
        ...


class Breaker:
    """One sink's. ``random`` gives a number in [0, 1); waits are the backoff's, and never shorter than what was asked for."""

    def __init__(self, backoff: Backoff, random: Callable[[], float]) -> None:
        self._backoff = backoff
        self._random = random
        self._open_until: float | None = None
        self._probing = False
        self._openings = 0
        self._round: int = 0
        self._row = 0
        self._suspects: list[OnTrial] = []

    @property
    def is_open(self) -> bool:
        """Open or half open."""
        return self._open_until is not None

    def ready_at(self) -> float:
        """When the next request may be sent: ``-inf`` for now, ``inf`` while the answer to a probe is awaited."""
        if self._open_until is None:
            return -math.inf
        return math.inf if self._probing else self._open_until

    def sending(self) -> int:
        """A request is sent now, when ``ready_at`` allows it; what its answer is reported with."""
        self._probing = self.is_open
        return self._round

    def passed(self) -> None:
        """A request got through, or was refused for what was in it: the vendor works."""
        self._probing = False
        for suspect in self._suspects:
            suspect.convict()
        self._suspects.clear()
        self._row = self._openings = 0
        self._open_until = None

    def down(self, permit: int, now: float, asked_secs: float | None = None) -> None:
        """The vendor said so itself, or could not be reached."""
        self._acquit()
        self._open(permit, now, asked_secs)

    def failed(self, suspect: OnTrial, permit: int, now: float, asked_secs: float | None = None) -> None:
        """A request failed as a whole, and nobody knows whose fault it was."""
        self._row += 1
        if not any(one is suspect for one in self._suspects):
            self._suspects.append(suspect)
        if self.is_open or (self._row >= FAILURES and len(self._suspects) > 1):
            self.down(permit, now, asked_secs)

    def _acquit(self) -> None:
        for suspect in self._suspects:
            suspect.acquit()
        self._suspects.clear()

    def _open(self, permit: int, now: float, asked_secs: float | None) -> None:
        if permit != self._round:
            # Sent before it opened: several who are told the same do not make the wait longer.
            if self._open_until is not None:
                self._open_until = max(self._open_until, now + (asked_secs or 0.0))
            return
        self._openings += 1
        self._round += 1
        self._probing = False
        self._open_until = now + self._backoff.delay_secs(self._openings, self._random, asked_secs)
