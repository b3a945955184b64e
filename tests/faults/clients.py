"""Senders: each holds a connection, sends batches of new events, and sends a batch again until it is acknowledged."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import trio
from msgspec import Struct

from faults import events
from faults.channel import Channel, ClosedError
from faults.world import World

ANSWER_SECS = 6.0
MOST_EVENTS = 100
_PAUSE_SECS = 0.05
_PATHS = {
    events.CLICKSTREAM: "/collect?appId=shop",
    events.MOLOCO: "/rmp/event/v1/platforms/SHOP/userevents",
    events.REELEVANT: "/collect/0123456789abcdef01234567/rlvt",
}


class Phase(Struct):
    """What senders are to do: go on, finish what they have begun (``closing``), or pause between batches."""

    closing: bool = False
    pause_secs: float = 0.0


class Sender:
    """``number`` tells it from the others. It serves one kind of events, on one port."""

    def __init__(self, world: World, phase: Phase, number: int, kind: int, port: int, seed: int, broken: float) -> None:
        self._world = world
        self._phase = phase
        self._number = number
        self._kind = kind
        self._port = port
        self._random = Random(seed)
        self._broken = broken
        self._channel: Channel | None = None
        self._sent = 0
        self.sent_at = 0.0
        """When the latest batch was ready to be sent, on trio's clock."""

    async def run(self) -> None:
        """Until ``closing``, and what was sent is acknowledged."""
        while not self._phase.closing:
            await self.batch(self._size())
            await trio.sleep(self._phase.pause_secs)
        await self.hang_up()

    async def batch(self, size: int) -> range:
        """Send so many new events until they are acknowledged."""
        kinds = bytearray([self._kind]) * size
        if self._kind == events.CLICKSTREAM and size > 1 and self._random.random() < self._broken:
            kinds[self._random.randrange(size)] = events.BROKEN
        numbers = self._world.allocate(bytes(kinds), self._number)
        request = post(self._kind, [events.sent(n, kind, self._number) for n, kind in zip(numbers, kinds, strict=True)])
        self._sent = 0
        self.sent_at = trio.current_time()
        while not await self._acknowledged(request):
            await trio.sleep(_PAUSE_SECS * self._random.random())
        self._world.resent += size * (self._sent - 1)
        self._world.acknowledge(numbers)
        return numbers

    async def hang_up(self) -> None:
        if self._channel is not None:
            channel, self._channel = self._channel, None
            with trio.move_on_after(1, shield=True):
                await channel.stream.aclose()

    def _size(self) -> int:
        if self._kind == events.MOLOCO:
            return 1
        return MOST_EVENTS if self._random.random() < 0.8 else self._random.randint(1, MOST_EVENTS)

    async def _acknowledged(self, request: bytes) -> bool:
        """One attempt. Whatever is not a 2xx that was read to its end is none."""
        answer = None
        with suppress(ClosedError, OSError), trio.move_on_after(ANSWER_SECS):
            if self._channel is None:
                self._channel = Channel(await trio.open_tcp_stream("127.0.0.1", self._port))
            await self._channel.send(request)
            self._sent += 1
            answer = await self._channel.receive()
        if answer is None:
            await self.hang_up()
            return False
        first, headers, _ = answer
        if headers.get("connection") == "close":
            await self.hang_up()
        return first.startswith("HTTP/1.1 2")


def post(kind: int, documents: list[str]) -> bytes:
    """The request that carries these documents, which are all of this kind."""
    body = documents[0] if kind == events.MOLOCO else f"[{','.join(documents)}]"
    head = f"POST {_PATHS[kind]} HTTP/1.1\r\nHost: wye\r\nContent-Type: application/json"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
