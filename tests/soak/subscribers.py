"""Subscribers of the WebSocket sink: one that always reads, one that stalls, and visitors."""

from __future__ import annotations

import socket
from array import array
from collections.abc import Sequence
from contextlib import suppress

import trio
from msgspec import Struct, field

from faults import events
from faults.world import SinkView, World
from soak.plan import VISITS

_GREETING = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT, _PING = 1, 9
_EXTENDED = 126
_CHUNK = 262_144
_LEAVING_SECS = 5.0
_MORE = 65_536
_SYSTEM_BYTES = 262_144
"""What the system keeps for one that does not read, at this end."""


class Visit(Struct):
    """One subscription: the ``port`` it came from, the events it saw, and whether it had read all of them when it left."""

    port: int
    first: int = -1
    last: int = -1
    seen: int = 0
    whole: bool = False

    def note(self, number: int) -> None:
        self.first = number if self.first < 0 else self.first
        self.last = number
        self.seen += 1


class Order(Struct):
    """In which order the sink sent what it sent, as the subscriber saw that always reads."""

    places: array[int] = field(default_factory=lambda: array("I"))
    length: int = 0

    def place(self, number: int) -> int:
        """0 where it was not sent yet; the first has 1."""
        return self.places[number] if number < len(self.places) else 0

    def add(self, number: int) -> None:
        if len(self.places) <= number:
            self.places.extend([0] * (number + _MORE - len(self.places)))
        self.length += 1
        self.places[number] = self.length

    def missed(self, visit: Visit) -> int:
        """How many events were left out between the first and the last that a visit saw."""
        return self.place(visit.last) - self.place(visit.first) + 1 - visit.seen if visit.seen else 0


class Subscriber:
    """A subscription, and what was read of it beyond the last frame."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SYSTEM_BYTES)
        self._rest = b""
        self.visit = Visit(stream.socket.getsockname()[1])

    async def read(self) -> Sequence[tuple[int | None, bytes]]:
        """The documents that have come, with their numbers. Raises ``EOFError`` once the other end has gone."""
        try:
            received = await self._stream.receive_some(_CHUNK)
        except (OSError, trio.BrokenResourceError):
            received = b""
        if not received:
            raise EOFError
        frames, self._rest = _cut(self._rest + received)
        for payload in [payload for kind, payload in frames if kind == _PING]:
            # What has been read must not be lost to a cancellation.
            with suppress(OSError, trio.BrokenResourceError), trio.CancelScope(shield=True):
                await self._stream.send_all(_pong(payload))
        texts = [payload for kind, payload in frames if kind == _TEXT]
        return events.documents(b"[" + b",".join(texts) + b"]", "canonical")

    async def follow(self) -> None:
        """Read on and on, and note what comes. Raises ``EOFError``."""
        while True:
            await self.read_on()

    async def read_on(self) -> None:
        for number, _ in await self.read():
            assert number is not None
            self.visit.note(number)

    async def leave(self) -> None:
        await trio.aclose_forcefully(self._stream)


async def subscribe(port: int) -> Subscriber:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        await stream.send_all(_GREETING % port)
        head = b""
        while not head.endswith(b"\r\n\r\n") and (received := await stream.receive_some(1)):
            head += received
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    if not head.startswith(b"HTTP/1.1 101"):
        raise ValueError(f"no subscription: {head!r}")
    return Subscriber(stream)


class Audience:
    """All subscribers; the one that always reads tells ``view`` and ``order`` what came."""

    def __init__(self, world: World, view: SinkView, port: int) -> None:
        self._world = world
        self._view = view
        self._port = port
        self.order = Order()
        self.visits: list[Visit] = []
        self.open = 0

    async def reader(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until the process says goodbye."""
        subscriber = await subscribe(self._port)
        self.open += 1
        task_status.started()
        try:
            while True:
                self._take(await subscriber.read())
        except EOFError:
            pass
        finally:
            await self._exit(subscriber)

    def _take(self, documents: Sequence[tuple[int | None, bytes]]) -> None:
        self._world.arrive(self._view, documents)
        for number, _ in documents:
            assert number is not None
            self.order.add(number)

    async def staller(self, cycle_secs: float) -> None:
        """Reads for a while and stalls for a while, by turns; when it has been cut off it comes again."""
        while True:
            for turns in VISITS:
                await self._visit([(reading * cycle_secs, stalling * cycle_secs) for reading, stalling in turns])

    async def _visit(self, turns: Sequence[tuple[float, float]]) -> None:
        subscriber = await self._enter()
        try:
            for reading, stalling in turns:
                with trio.move_on_after(reading):
                    await subscriber.follow()
                await trio.sleep(stalling)
            await self._catch_up(subscriber)
        except EOFError:
            pass
        finally:
            await self._exit(subscriber)

    async def _catch_up(self, subscriber: Subscriber) -> None:
        """Read all that has been sent so far."""
        visit, until = subscriber.visit, self.order.length
        with trio.move_on_after(_LEAVING_SECS):
            while not visit.seen or self.order.place(visit.last) < until:
                await subscriber.read_on()
            visit.whole = True

    async def visitor(self, secs: float) -> None:
        """Comes, reads for a while, goes, and comes again."""
        while True:
            await self._visit([(secs, 0.0)])
            await trio.sleep(secs / 2)

    async def _enter(self) -> Subscriber:
        subscriber = await subscribe(self._port)
        self.open += 1
        self.visits.append(subscriber.visit)
        return subscriber

    async def _exit(self, subscriber: Subscriber) -> None:
        self.open -= 1
        with trio.CancelScope(shield=True):
            await subscriber.leave()


def _pong(payload: bytes) -> bytes:
    """Masked, as a client has to, with a mask that changes nothing."""
    return bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def _cut(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames of ``data``, which are not masked, as opcode and payload; and the rest."""
    frames: list[tuple[int, bytes]] = []
    at = 0
    while len(data) - at >= 2:
        size, start = data[at + 1], at + 2
        if size >= _EXTENDED:
            start += 2 if size == _EXTENDED else 8
            size = int.from_bytes(data[at + 2 : start], "big")
        if start + size > len(data):
            break
        frames.append((data[at] & 15, data[start : start + size]))
        at = start + size
    return frames, data[at:]
