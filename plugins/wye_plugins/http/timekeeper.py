"""How long exchanges may take: one task keeps the time of all, as a cancel scope for each costs a third of the exchange."""

from __future__ import annotations

import math
from typing import Protocol

import trio


class Hasty(Protocol):
    """What must not take too long."""

    def give_up(self) -> None:
        """Its time is over."""
        ...


class Timekeeper:
    """Tells each of what has begun and not ended that its time is over, when it is. Between ``open`` and ``close``."""

    def __init__(self) -> None:
        self._until: dict[Hasty, float] = {}
        self._wakes_at = math.inf
        self._sooner = trio.Event()
        self._working = trio.CancelScope()

    def open(self) -> None:
        trio.lowlevel.spawn_system_task(self._run)

    def close(self) -> None:
        self._working.cancel()

    def begin(self, one: Hasty, until: float) -> None:
        """``one`` has until then, on trio's clock."""
        self._until[one] = until
        if until < self._wakes_at:
            self._sooner.set()

    def end(self, one: Hasty) -> None:
        """``one`` is done, or given up."""
        self._until.pop(one, None)

    async def _run(self) -> None:
        with self._working:
            while True:
                self._sooner = trio.Event()
                self._wakes_at = min(self._until.values(), default=math.inf)
                with trio.move_on_at(self._wakes_at):
                    await self._sooner.wait()
                now = trio.current_time()
                for one in [one for one, until in self._until.items() if until <= now]:
                    del self._until[one]
                    one.give_up()
