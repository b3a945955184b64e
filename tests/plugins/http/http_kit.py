"""What the tests of the HTTP transports share: an endpoint, a source on a real port or in memory, and a client of raw bytes."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import trio
from msgspec import Struct
from trio.testing import memory_stream_pair

from wye.message import Decoded, Head, Payload, Received, Reply
from wye.plugin import Accepted, Claim, Endpoint, Inbound, SourceContext
from wye.testing import FakeIntake, make_event
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.link import SocketLink, StreamLink
from wye_plugins.http.reception import attend
from wye_plugins.http.server import Server
from wye_plugins.http.site import Site
from wye_plugins.http.source import HttpSource

SUCCESS = Reply(200, (("Content-Type", "application/json"),), b'{"ok":true}')
FAILURE = Reply(503, (("Content-Type", "application/json"), ("Retry-After", "30")), b'{"no":503}')
"""This vendor's way to say 503; it says other statuses alike."""

OVER_SOCKETS = False
"""Whether a server without a port is connected to by sockets instead of streams; see the fixture ``link``."""


class NoDecoder:
    def decode(self, payload: Payload, /) -> Decoded:
        return Decoded([], (), len(payload.body))


class Vendor:
    """An endpoint whose events are the words of the body. The path says what else it does."""

    def __init__(self) -> None:
        self.seen: list[Received] = []

    def claim(self, head: Head, /) -> Claim | None:
        if head.path == "/claim-boom":
            raise LookupError("claim")
        return {
            "/in": Claim(),
            "/echo": Claim(),
            "/boom": Claim(),
            "/boom-twice": Claim(),
            "/empty": Claim(),
            "/bad-header": Claim(),
            "/ten": Claim(max_body_bytes=10),
            "/ping": Claim(reply=Reply(200, (), b"pong")),
            "/denied": Claim(reply=Reply(403, (), b"denied")),
        }.get(head.path)

    def receive(self, request: Received, /) -> Accepted | Reply:
        self.seen.append(request)
        match request.head.path:
            case "/boom" | "/boom-twice":
                raise KeyError("receive")
            case "/echo":
                return Reply(200, (), request.body)
            case "/empty":
                return Reply(204, (("X-Empty", "yes"),), b"never sent")
            case "/bad-header":
                return Reply(200, (("X-Bad", "a\r\nInjected: b"),), b"")
            case _:
                events = [make_event(word) for word in request.body.decode().split()]
                return Accepted(Decoded(events, (), len(request.body)), SUCCESS)

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        if head.path == "/boom-twice":
            raise IndexError("refusal")
        return FAILURE if status == 503 else Reply(status, (("Content-Type", "application/json"),), b'{"no":%d}' % status)


def new_source(endpoint: Endpoint | None = None, **options: Any) -> HttpSource:
    options.setdefault("address", "127.0.0.1:0")
    adapters = [Inbound(NoDecoder(), endpoint or Vendor())]
    return HttpSource(HttpSourceOptions(**options), SourceContext("web", "", adapters))


def port_of(source: HttpSource) -> int:
    return int(source.listens[0].rpartition(":")[2])


@asynccontextmanager
async def serving(source: HttpSource, intake: FakeIntake | None = None) -> AsyncGenerator[int]:
    """The source on its port; at the end it is stopped as wye does it, and must come to its end by itself."""
    intake = intake or FakeIntake("web")
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(_run, source, intake))
        with trio.fail_after(10):
            yield port_of(source)
        intake.stop()


async def _run(source: HttpSource, intake: FakeIntake, task_status: trio.TaskStatus[None]) -> None:
    with trio.fail_after(20):
        await source.run(intake, task_status=task_status)


class InMemory(Struct):
    """A server without a port."""

    server: Server
    nursery: trio.Nursery
    sockets: list[socket.socket] = []

    def connect(self, ip: str = "10.0.0.1") -> Client:
        if OVER_SOCKETS:
            near, far = socket.socketpair()
            self.sockets.append(near)
            self.server.attach(SocketLink(far), ip, self.nursery)
            return Client(trio.SocketStream(trio.socket.from_stdlib_socket(near)))
        ours, theirs = memory_stream_pair()
        self.server.attach(StreamLink(theirs), ip, self.nursery)
        return Client(ours)


@asynccontextmanager
async def in_memory(intake: FakeIntake, endpoint: Endpoint | None = None, **options: Any) -> AsyncGenerator[InMemory]:
    settings = HttpSourceOptions(address="127.0.0.1:0", **options)
    site = Site(settings, Endpoints([endpoint or Vendor()], intake.name), intake)
    server = Server(site)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.sweep)
        nursery.start_soon(attend, site)
        memory = InMemory(server, nursery)
        try:
            yield memory
        finally:
            for one in memory.sockets:
                one.close()
        nursery.cancel_scope.cancel()


class Answer(Struct):
    """An answer as the client sees it; names of ``headers`` are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Sends bytes as they are and reads answers."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._data = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer()

    async def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer. Raises ``EOFError`` when the connection ends before it is complete."""
        head = await self._until(lambda data: data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else None)
        start, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if to_head else int(headers.get("content-length", 0))
        body = await self._until(lambda data: length if len(data) >= length else None)
        return Answer(int(start.split()[1]), headers, body)

    async def ended(self) -> bool:
        """Wait for the end of the connection; whether nothing came before it."""
        try:
            return not self._data and not await self.stream.receive_some(1000)
        except trio.BrokenResourceError:
            return not self._data

    async def _until(self, find: Callable[[bytes], int | None]) -> bytes:
        while (end := find(self._data)) is None:
            data = await self.stream.receive_some(65536)
            if not data:
                raise EOFError(self._data)
            self._data += data
        found, self._data = self._data[:end], self._data[end:]
        return found


async def connect(port: int) -> Client:
    return Client(await trio.open_tcp_stream("127.0.0.1", port))


def post(body: bytes = b"", path: str = "/in", *fields: str) -> bytes:
    """A request with a Content-Length."""
    extra = "".join(f"{field}\r\n" for field in fields)
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*chunks: bytes, path: str = "/in", fields: tuple[str, ...] = ()) -> bytes:
    """A request in chunks."""
    extra = "".join(f"{field}\r\n" for field in fields)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}Transfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n\r\n"


def get(path: str = "/ping", *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/{version}", "Host: x", *fields, "", "")).encode()
