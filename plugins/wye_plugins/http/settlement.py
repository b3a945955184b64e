"""The word on what became of a batch."""

from __future__ import annotations

from collections.abc import Callable

import trio


class Settlement:
    """``safe`` is ``None`` until it is known; ``then`` is called when it is."""

    __slots__ = ("safe", "then")

    def __init__(self) -> None:
        self.safe: bool | None = None
        self.then: Callable[[], object] | None = None

    def note(self, safe: bool) -> None:
        self.safe = safe
        if self.then is not None:
            self.then()

    async def wait(self) -> None:
        while self.safe is None:
            known = trio.Event()
            self.then = known.set
            await known.wait()
