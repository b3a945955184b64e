"""Waiting for word from the dead letters' file, which says nothing any more once it has failed."""

from __future__ import annotations

import trio

from wye.deadletters.writer import LOOK_SECS
from wye.store import Store


class Outstanding:
    """How many changes one part has submitted and not heard of yet; ``store`` is that of the file."""

    def __init__(self, store: Store, count: int = 0) -> None:
        self._store = store
        self._count = count
        self._none_left = trio.Event()

    def submitted(self, count: int) -> None:
        """So many more."""
        self._count += count

    def heard(self, count: int = 1) -> None:
        """What became of so many."""
        self._count -= count
        if not self._count:
            self._none_left.set()
            self._none_left = trio.Event()

    async def over(self) -> None:
        """Wait until all were heard of, or none will be."""
        while self._count and not self._store.broken:
            with trio.move_on_after(LOOK_SECS):
                await self._none_left.wait()
