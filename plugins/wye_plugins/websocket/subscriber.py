"""What waits for one subscriber. Sans-io: bounded, in order, and exact about what it dropped."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice


class SubscriberQueue:
    """Frames that wait to be written to one subscriber, ``max_events`` at most. ``dropped`` counts those given up."""

    def __init__(self, max_events: int) -> None:
        self._frames: deque[bytes] = deque()
        self._max_events = max_events
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def room(self) -> int:
        """How many more frames fit."""
        return self._max_events - len(self._frames)

    def put(self, frames: Sequence[bytes]) -> int:
        """Append as many of ``frames`` as fit, and return how many those are."""
        taken = min(self.room, len(frames))
        self._frames.extend(frames if taken == len(frames) else islice(frames, taken))
        return taken

    def push(self, frames: Sequence[bytes]) -> int:
        """Append all of ``frames``; the oldest of all make room and are dropped. Returns how many were dropped."""
        excess = max(len(frames) - self.room, 0)
        from_queue = min(excess, len(self._frames))
        for _ in range(from_queue):
            self._frames.popleft()
        self._frames.extend(islice(frames, excess - from_queue, None))
        self.dropped += excess
        return excess

    def clear(self) -> None:
        """Give up everything that waits."""
        self.dropped += len(self._frames)
        self._frames.clear()

    def take(self, max_bytes: int) -> bytes:
        """The oldest frames, joined: as many as have ``max_bytes`` together, and one at least. Empty when nothing waits."""
        frames: list[bytes] = []
        size = 0
        while self._frames and (not frames or size + len(self._frames[0]) <= max_bytes):
            frame = self._frames.popleft()
            frames.append(frame)
            size += len(frame)
        return frames[0] if len(frames) == 1 else b"".join(frames)
