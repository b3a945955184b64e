"""One subscriber of the sink: its queue, the task that writes it out, and what becomes of it when it is too slow."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from itertools import islice
from math import inf

import trio

from wye_plugins.websocket.config import WebSocketSinkOptions
from wye_plugins.websocket.link import Link, LinkClosedError
from wye_plugins.websocket.watch import Keepalive, attend

WRITE_BYTES = 65536
"""Frames that go out in one write; one longer frame goes alone."""

_SAY_AFTER_SECS = 5
"""How long a subscriber holds up all others before it is said."""

_TRY_AGAIN_LATER = 1013
_GOING_AWAY = 1001

_log = logging.getLogger("wye.websocket.serve")


class SubscriberQueue:
    """Frames that wait to be written to one subscriber, ``max_events`` at most. ``dropped`` counts those given up. Sans-io."""

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


class Subscription:
    """Holds at most ``max_events`` waiting frames, and what one write holds. ``shown`` begins its log lines."""

    def __init__(self, link: Link, types: frozenset[str] | None, shown: str, options: WebSocketSinkOptions) -> None:
        self.types = types
        self.queue = SubscriberQueue(options.subscriber.max_events)
        self._link = link
        self._shown = shown
        self._when_full = options.subscriber.when_full
        self._keepalive = Keepalive(link, options.ping_interval_secs, options.ping_timeout_secs)
        self._changed = trio.Event()
        self._scope = trio.CancelScope()
        self._farewell: tuple[int, str] | None = None
        self._over = False
        self._finished = trio.Event()

    def offer(self, frames: Sequence[bytes]) -> int:
        """Enqueue ``frames`` as far as ``when_full`` has it, and return how many are dealt with: only ``block`` leaves some."""
        if self._over or self._farewell is not None or not frames:
            return len(frames)
        if self._when_full == "block":
            dealt_with = self.queue.put(frames)
        else:
            dealt_with = len(frames)
            if self._when_full == "drop_oldest":
                self._push(frames)
            elif self.queue.put(frames) < len(frames):
                self._disconnect()
        self._notify()
        return dealt_with

    async def offer_patiently(self, frames: Sequence[bytes]) -> None:
        """Enqueue all of ``frames`` as room appears. A subscriber that leaves has room for everything."""
        say_at = trio.current_time() + _SAY_AFTER_SECS
        while frames := frames[self.offer(frames) :]:
            with trio.move_on_at(say_at) as waiting:
                await self._changed.wait()
            if waiting.cancelled_caught:
                say_at = inf
                _log.warning('%s reads too slowly: everybody waits for it, because when_full = "block"', self._shown)
        if say_at == inf:
            _log.info("%s: nobody waits for it any longer", self._shown)

    async def run(self) -> None:
        """Write out what is enqueued until the subscriber leaves, is sent away, or ``finish`` is done."""
        try:
            with self._scope:
                await self._write_while_alive()
        finally:
            self._over = True
            self._notify()
            self._report()
        if self._scope.cancelled_caught:
            await self._link.cut()
        elif self._farewell is not None:
            await self._link.close(*self._farewell)
        self._finished.set()

    async def finish(self, within_secs: float) -> None:
        """Take nothing more, write out what waits, say goodbye."""
        self._farewell = self._farewell or (_GOING_AWAY, "going away")
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + within_secs)
        self._notify()
        await self._finished.wait()

    async def _write_while_alive(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._attend, nursery.cancel_scope)
            await self._write()
            nursery.cancel_scope.cancel()

    async def _write(self) -> None:
        while True:
            frames = self.queue.take(WRITE_BYTES)
            if frames:
                self._notify()
                try:
                    await self._link.send_frames(frames)
                except LinkClosedError:
                    return
                self._keepalive.patience.heard()
            elif self._farewell is not None:
                return
            else:
                await self._changed.wait()

    async def _attend(self, all_of_it: trio.CancelScope) -> None:
        await attend(self._link, self._keepalive)
        if self._keepalive.peer_is_dead:
            _log.info("%s: %s; closed", self._shown, self._keepalive.verdict)
        all_of_it.cancel()

    def _push(self, frames: Sequence[bytes]) -> None:
        first = self.queue.dropped == 0
        if self.queue.push(frames) and first:
            _log.warning("%s reads too slowly: its oldest events are dropped", self._shown)

    def _disconnect(self) -> None:
        """What waits is given up; the write that is under way gets a little time, so that the goodbye can still be read."""
        _log.warning("%s reads too slowly: disconnected", self._shown)
        self.queue.clear()
        self._farewell = (_TRY_AGAIN_LATER, "reading too slowly")
        self._scope.deadline = trio.current_time() + 1

    def _report(self) -> None:
        if self.queue.dropped:
            _log.info("%s has left; %d events were dropped because it read too slowly", self._shown, self.queue.dropped)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
