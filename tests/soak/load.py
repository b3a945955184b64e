"""The load: senders that are paced by the clock, and clients that come and go without finishing what they began."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import trio
from msgspec import Struct, field

from faults import events
from faults.clients import Phase, Sender, post
from faults.world import World
from soak.plan import CLICKSTREAM_EVENTS, Setup

_BROKEN = 0.02
"""Requests with a record that nobody can decode."""

_RECONNECTS = 0.01
"""Batches after which a sender takes a new connection."""


class Seen(Struct):
    """What clients saw: answered requests and events by kind, and for each how long after it was due, and after it was sent
    for the first time, it was answered (seconds)."""

    requests: dict[int, int] = field(default_factory=lambda: {events.CLICKSTREAM: 0, events.MOLOCO: 0})
    acknowledged: int = 0
    latencies: list[float] = field(default_factory=list[float])
    after_sent: list[float] = field(default_factory=list[float])
    reconnects: int = 0
    left_early: dict[str, int] = field(default_factory=dict[str, int])
    unread: int = 0
    """Events whose sender did not stay for the answer."""


class Crowd:
    """All clients of one process."""

    def __init__(self, world: World, setup: Setup, port: int) -> None:
        self._world = world
        self._port = port
        self._random = Random(setup.seed)
        self._kinds = (events.CLICKSTREAM,) * setup.clickstream_clients + (events.MOLOCO,) * setup.moloco_clients
        self.seen = Seen()

    async def press(self, secs: float) -> None:
        """Closed loop: every sender sends its next batch at once."""
        await self._send({events.CLICKSTREAM: 0.0, events.MOLOCO: 0.0}, secs)

    async def keep_up(self, rates: dict[int, float], secs: float) -> None:
        """Open loop: so many requests of each kind a second, due at fixed times whatever the answers do."""
        await self._send({kind: self._kinds.count(kind) / rate for kind, rate in rates.items()}, secs)

    async def _send(self, every: dict[int, float], secs: float) -> None:
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number, kind in enumerate(self._kinds):
                sender = Sender(self._world, Phase(), number, kind, self._port, self._random.randrange(1 << 30), _BROKEN)
                due = start + every[kind] * self._random.random()
                nursery.start_soon(self._pace, sender, kind, due, every[kind], start + secs)

    async def _pace(self, sender: Sender, kind: int, due: float, every: float, until: float) -> None:
        size = CLICKSTREAM_EVENTS if kind == events.CLICKSTREAM else 1
        while (due := max(due, trio.current_time()) if not every else due) < until:
            await trio.sleep_until(due)
            await sender.batch(size)
            self.seen.latencies.append(trio.current_time() - due)
            self.seen.after_sent.append(trio.current_time() - sender.sent_at)
            self.seen.requests[kind] += 1
            self.seen.acknowledged += size
            due += every
            if self._random.random() < _RECONNECTS:
                self.seen.reconnects += 1
                await sender.hang_up()
        await sender.hang_up()

    async def come_and_go(self, secs: float) -> None:
        """Now and then a client connects, and goes: at once, in the middle of a request, or before its answer."""
        ways = {"said nothing": self._nothing, "half a request": self._half, "answer not read": self._whole}
        while True:
            await trio.sleep(self._random.random() * 2 * secs)
            name = self._random.choice(list(ways))
            with suppress(OSError, trio.BrokenResourceError):
                async with await trio.open_tcp_stream("127.0.0.1", self._port) as stream:
                    await stream.send_all(ways[name]())
                    await trio.sleep(self._random.random() * secs / 2)
                self.seen.left_early[name] = self.seen.left_early.get(name, 0) + 1

    def _nothing(self) -> bytes:
        return b""

    def _half(self) -> bytes:
        request = post(events.CLICKSTREAM, [events.sent(0, events.CLICKSTREAM, 0)] * 5)
        return request[: len(request) // 2]

    def _whole(self) -> bytes:
        client = len(self._kinds)
        numbers = self._world.allocate(bytes([events.CLICKSTREAM]) * CLICKSTREAM_EVENTS, client)
        self.seen.unread += len(numbers)
        return post(events.CLICKSTREAM, [events.sent(number, events.CLICKSTREAM, client) for number in numbers])
