"""Waiting for room in a full sink: in turn, said once, and given up on where it stands still."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from contextlib import contextmanager

import trio

from wye.buffer import Buffer

log = logging.getLogger("wye.sink")

FULL_WARNING_SECS = 5.0
"""How long a full sink keeps its sources waiting before it is said."""

STILL_SECS = 10.0
"""A sink that has settled nothing for so long stands still."""


class Room:
    """The way into one sink's buffer. Who has to wait holds ``turn``, so that who came first is first."""

    def __init__(self, name: str, buffer: Buffer) -> None:
        self.turn = trio.Lock()
        self._name = name
        self._buffer = buffer
        self._freed = trio.Event()
        self._patient: set[trio.CancelScope] = set()
        self._full_since: float | None = None
        self._said = False

    def fits(self, count: int, event_bytes: int) -> bool:
        """Whether a batch can be put now; a sink that drops instead of blocking always has room."""
        return self._buffer.when_full != "block" or self._buffer.room_for(count, event_bytes)

    def is_open(self, count: int, event_bytes: int) -> bool:
        """Whether a batch of so many can be put at once and whole, and nobody waits for room."""
        return not self.turn.locked() and count <= self._buffer.most(event_bytes) and self.fits(count, event_bytes)

    def freed(self) -> None:
        """Something was settled."""
        self._freed.set()
        for patience in self._patient:
            patience.deadline = trio.current_time() + STILL_SECS

    async def wait(self, count: int, event_bytes: int) -> None:
        """Wait until a batch can be put; says so once when inputs have waited for long. Whoever waits holds ``turn``."""
        since = self._full_since = trio.current_time() if self._full_since is None else self._full_since
        try:
            while not self.fits(count, event_bytes):
                self._freed = trio.Event()
                with trio.move_on_at(math.inf if self._said else since + FULL_WARNING_SECS) as patience:
                    await self._freed.wait()
                if patience.cancelled_caught:
                    self._say(trio.current_time() - since)
        finally:
            if not self.turn.statistics().tasks_waiting:
                self._nobody_waits(trio.current_time() - since)

    @contextmanager
    def while_it_moves(self) -> Generator[trio.CancelScope]:
        """A cancel scope that ends when this sink has stood still for ``STILL_SECS``."""
        with trio.move_on_after(STILL_SECS) as patience:
            self._patient.add(patience)
            try:
                yield patience
            finally:
                self._patient.discard(patience)

    def _say(self, secs: float) -> None:
        self._said = True
        log.warning(
            'sink %s: buffer full (%d events) for %.0f s; its inputs wait, because when_full = "block"',
            self._name,
            self._buffer.held_events,
            secs,
        )

    def _nobody_waits(self, secs: float) -> None:
        if self._said:
            log.warning("sink %s: no input waits any more after %.1f s", self._name, secs)
        self._full_since = None
        self._said = False
