"""The way back: a countdown from *accepted* to *safe*, shared by all the pieces of one source batch.

``expect`` before each fan-out, ``settle`` after each verdict. ``settle`` is a plain call: the way back never waits, so it can
never be blocked by the way forward. Nothing here relies on destructors.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Literal

Fate = Literal["delivered", "filtered", "dead_lettered"]
"""How one event's way to one sink ends, if it is not dropped."""


class Outcome(enum.IntEnum):
    """What became of a batch. The worst outcome of any of its copies wins."""

    SAFE = 0
    """Every copy was delivered, filtered on purpose, or lies in the dead letters on disk."""
    DROPPED = 1
    """Some copy was given up because a sink's ``when_full`` says so. The operator's word, hence still a success."""
    FAILED = 2
    """Some copy is neither delivered nor safe. The sender must not be told that it is."""


class Delivery:
    """Counts the copies of a batch down to none, then tells the source once, with the worst outcome.

    A delivery is born holding one copy for whoever makes it, so that it cannot settle while the fan-out is still going on;
    ``seal`` gives that copy back.
    """

    __slots__ = ("_on_settled", "_open", "_worst")

    def __init__(self, on_settled: Callable[[Outcome], None]) -> None:
        self._on_settled = on_settled
        self._open = 1
        self._worst = Outcome.SAFE

    @property
    def pending(self) -> int:
        """Copies that nobody has settled yet."""
        return self._open

    def expect(self, copies: int) -> None:
        """Announce ``copies`` more that will be settled. Raises ``RuntimeError`` once the delivery is over."""
        if self._open <= 0:
            raise RuntimeError("delivery is over; nothing more can be expected of it")
        self._open += copies

    def settle(self, copies: int, outcome: Outcome = Outcome.SAFE) -> None:
        """Take ``copies`` off the count. Raises ``RuntimeError`` when that is more than are pending: settled twice."""
        if copies > self._open:
            raise RuntimeError(f"settled {copies} copies where {self._open} were pending")
        if copies == 0:
            return
        if outcome > self._worst:
            self._worst = outcome
        self._open -= copies
        if self._open == 0:
            self._on_settled(self._worst)

    def seal(self) -> None:
        """The fan-out is complete: no further ``expect`` follows."""
        self.settle(1)
