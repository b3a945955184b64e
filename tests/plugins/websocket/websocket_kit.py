"""What the tests of this folder share: a tiny format of their own, a door with a key, and ends of connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from wye.event import Event
from wye.message import Decoded, Failure, Head, Payload, Reply, Shipment, Unfit
from wye.plugin import Inbound, Limits, Outbound, SinkContext, Source, SourceContext, Transport
from wye.testing import FakeIntake, make_event, shipment_of
from wye_plugins.websocket import build_sink, build_source
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions

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


async def receive_all(connection: WebSocketConnection, count: int) -> list[str | bytes]:
    with trio.fail_after(5):
        return [await connection.get_message() for _ in range(count)]
