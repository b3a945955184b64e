"""How far a file is safe: batches may be settled in any order, the position moves in the order of the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio
from msgspec import Struct

from wye.lines import LineChunk


class Mark(Struct, frozen=True):
    """A place in a file: bytes before it, lines before it, and the length of a last line that had no newline (0 for none)."""

    offset: int = 0
    lines: int = 0
    unended: int = 0


class _Sent(Struct):
    end: Mark
    safe: bool = False


class Progress:
    """Of one file. ``safe`` is the mark before which everything was settled safely; what was given up stops it for good."""

    def __init__(self, start: Mark) -> None:
        self.safe = start
        self._sent: deque[_Sent] = deque()

    @property
    def caught_up(self) -> bool:
        """Whether all that was sent is safe."""
        return not self._sent

    def sent(self, chunk: LineChunk) -> Callable[[bool], None]:
        """Note that ``chunk`` is on its way; returns what is to be called with the word on it."""
        one = _Sent(Mark(chunk.end, chunk.end_line, chunk.unended))
        self._sent.append(one)

        def settle(safe: bool) -> None:
            one.safe = safe
            while self._sent and self._sent[0].safe:
                self.safe = self._sent.popleft().end

        return settle


class Flight:
    """How many batches of a source are on their way."""

    def __init__(self) -> None:
        self.count = 0
        self.unsafe = 0
        self.changed = trio.Event()
        self._landed = trio.Event()

    def took_off(self) -> None:
        self.count += 1
        if self._landed.is_set():
            self._landed = trio.Event()

    def landed(self, *, safe: bool) -> None:
        """One is settled, or was never sent."""
        self.count -= 1
        self.unsafe += not safe
        self.changed.set()
        if self.count == 0:
            self._landed.set()

    async def all_landed(self) -> None:
        """Wait until nothing is on its way."""
        while self.count:
            await self._landed.wait()
