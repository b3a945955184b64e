"""What the tests of this folder share: a tiny format of their own, a door with a key, and ends of connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import trio
from trio.testing import memory_stream_pair
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
    wrap_client_stream,
    wrap_server_stream,
)
from wsproto.utilities import LocalProtocolError

from wye.event import Event
from wye.message import Decoded, Failure, Head, Payload, Reply, Shipment, Unfit
from wye.plugin import Inbound, Limits, Outbound, SinkContext, Source, SourceContext, Transport
from wye.testing import FakeIntake, make_event, shipment_of
from wye_plugins.websocket import build_sink, build_source
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions
from wye_plugins.websocket.link import Link, ReaderTask, Wire
from wye_plugins.websocket.serve import WebSocketServeSink

KEY = "s3cret-key"


class WordDecoder:
    """A message is words with spaces between; each is an event's id, but words that begin with ``!`` are failures."""

    def __init__(self, type: str = "item_view") -> None:  # noqa: A002
        self._type = type

    def decode(self, payload: Payload, /) -> Decoded:
        events: list[Event] = []
        failures: list[Failure] = []
        for index, word in enumerate(payload.body.decode().split()):
            if word.startswith("!"):
                failures.append(Failure("bad word", word.encode(), index))
            else:
                events.append(make_event(word, self._type, time_ms=payload.received_ms))
        return Decoded(events, failures, len(payload.body))


class IdEncoder:
    limits = Limits()

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [event.id.encode() for event in events]


class KeyedStream:
    """Admits who comes to ``path`` with the key, and connects in the same way."""

    def __init__(self, path: str = "/stream", key: str = KEY) -> None:
        self._path = path
        self._key = key

    def admit(self, head: Head, /) -> Reply | None:
        if head.path != self._path:
            return Reply(404, body=b"no such path")
        if head.query.get("key") != self._key:
            return Reply(403, (("X-Why", "key"),), b"wrong key")
        return None

    def connect_url(self, url: str, /) -> str:
        return f"{url}{self._path}?key={self._key}"


def inbound(stream: KeyedStream | None = None, type: str = "item_view") -> Inbound:  # noqa: A002
    return Inbound(WordDecoder(type), stream=stream)


def new_source(options: WebSocketSourceOptions, *adapters: Inbound) -> Source:
    return build_source(options, SourceContext("shop", "", adapters or (inbound(),)))


def new_sink(options: WebSocketSinkOptions, stream: KeyedStream | None = None) -> Transport:
    return build_sink(options, SinkContext("live", Outbound(IdEncoder(), stream)))


def sink_with(stream: KeyedStream | None = None, **options: Any) -> WebSocketServeSink:
    """A sink that serves subscribers, on a port of the system's choice."""
    return cast(WebSocketServeSink, new_sink(WebSocketSinkOptions(address="127.0.0.1:0", **options), stream))


def shipment(*ids: str, type: str = "item_view") -> Shipment:  # noqa: A002
    return shipment_of([make_event(one, type) for one in ids], [one.encode() for one in ids])


@asynccontextmanager
async def running(source: Source, intake: FakeIntake) -> AsyncGenerator[None]:
    """The source runs inside; at the end it is stopped and must come to its end by itself."""
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(source.run, intake))
        yield
        intake.stop()


@asynccontextmanager
async def serving(sink: Transport) -> AsyncGenerator[str]:
    """The serving sink is open inside. Gives its ``ws://`` URL."""
    async with sink.open():
        yield sink.target


def address_of(source: Source) -> str:
    """The ``ws://`` URL of a listening source."""
    return source.listens[0]


@asynccontextmanager
async def websocket_server(handler: Callable[[WebSocketRequest], Awaitable[None]], port: int = 0) -> AsyncGenerator[str]:
    """A server of somebody else's make. Gives its ``ws://`` URL."""

    async def patiently(request: WebSocketRequest) -> None:
        with suppress(ConnectionClosed):
            await handler(request)

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, patiently, "127.0.0.1", port, None))
        yield f"ws://127.0.0.1:{server.port}"
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool], within_secs: float = 5) -> None:
    """Let others run until ``condition`` holds. Fails when it does not within real ``within_secs``."""
    with trio.fail_after(within_secs):
        while not condition():
            await trio.sleep(0.001)


OPENING = (
    "GET {target} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def open_by_hand(url: str) -> trio.SocketStream:
    """A plain TCP connection on which the request for a WebSocket has been sent."""
    parts = urlsplit(url)
    stream = await trio.open_tcp_stream(parts.hostname or "", parts.port or 80)
    target = f"{parts.path or '/'}?{parts.query}"
    await stream.send_all(OPENING.format(target=target).encode())
    return stream


async def refusal(url: str) -> tuple[int, str, str]:
    """Status, header and body with which a server refuses a connection."""
    async with await open_by_hand(url) as stream:
        head, _, body = (await read_to_the_end(stream)).decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), head.lower(), body


async def let_in(url: str, count: int) -> int:
    """How many come in of so many who ask at once, and stay until all have been answered."""
    answers: list[bytes] = []

    async def ask() -> None:
        async with await open_by_hand(url) as stream:
            answers.append(bytes(await stream.receive_some()))
            await until(lambda: len(answers) == count)

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(ask)
    return sum(answer.startswith(b"HTTP/1.1 101") for answer in answers)


async def read_to_the_end(stream: trio.abc.ReceiveStream) -> bytes:
    received = b""
    with trio.fail_after(5):
        while chunk := await stream.receive_some():
            received += chunk
    return received


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[WebSocketConnection]:
    """A client of somebody else's make, on a socket that is closed at the end whatever happens."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}"
    try:
        async with await trio.open_tcp_stream(parts.hostname or "", parts.port or 80) as stream, trio.open_nursery() as nursery:
            connection = await wrap_client_stream(nursery, stream, "here", target)
            yield connection
            with trio.move_on_after(2):
                await connection.aclose()
            nursery.cancel_scope.cancel()
    except* LocalProtocolError:
        pass  # its library answers a ping that comes while it closes


async def receive_all(connection: WebSocketConnection, count: int) -> list[str | bytes]:
    with trio.fail_after(5):
        return [await connection.get_message() for _ in range(count)]


async def linked(nursery: trio.Nursery) -> tuple[Link, WebSocketConnection, trio.CancelScope]:
    """A connection in memory: our end, the peer's, and a scope that makes the peer deaf and mute when cancelled."""
    ours, theirs = memory_stream_pair()
    wire, reader = Wire(ours), ReaderTask(nursery)
    peer_scope = trio.CancelScope()
    peer: list[WebSocketConnection] = []

    async def be_the_peer(task_status: trio.TaskStatus[None]) -> None:
        with peer_scope:
            async with trio.open_nursery() as peer_nursery:
                request = await wrap_server_stream(peer_nursery, theirs)
                peer.append(await request.accept())
                task_status.started()
                await trio.sleep_forever()

    async with trio.open_nursery() as handshake:

        async def shake_hands() -> None:
            connection = await wrap_client_stream(reader.as_nursery, wire, "peer", "/")  # type: ignore[arg-type]
            links.append(Link(connection, wire, reader))

        links: list[Link] = []
        handshake.start_soon(shake_hands)
        await nursery.start(be_the_peer)
    return links[0], peer[0], peer_scope
