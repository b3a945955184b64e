"""What the sink's tests share: an encoder, and a raw server that records what it gets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from wye.event import Event
from wye.message import HttpRequest, HttpResponse, Shipment, Unfit
from wye.plugin import Limits, Outbound, SinkContext
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED, Verdict, Verdicts, per_event
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.sink import HttpSink

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Encoder:
    """One request an event, or whatever ``make`` says. 200 delivers, 429 is busy, everything else is refused."""

    def __init__(self, make: Callable[[Shipment], Iterable[HttpRequest]] | None = None) -> None:
        self.make = make or one_each
        self.answers: list[HttpResponse] = []

    @property
    def limits(self) -> Limits:
        return Limits()

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [event.id.encode() for event in events]

    def requests(self, shipment: Shipment, /) -> Iterable[HttpRequest]:
        return self.make(shipment)

    def verdicts(self, request: HttpRequest, response: HttpResponse, /) -> Verdicts:
        self.answers.append(response)
        match response.status:
            case 200:
                return DELIVERED
            case 207:
                return [Verdict("rejected", word) for word in response.body.decode().split()]
            case 429:
                return Verdict("busy", "slow down", 7.0, 429)
            case status:
                return Verdict("rejected", status=status)


class StreamOnly:
    """An encoder that makes no requests."""

    @property
    def limits(self) -> Limits:
        return Limits()

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return []


def one_each(shipment: Shipment) -> Iterable[HttpRequest]:
    return [HttpRequest([i], document) for i, document in enumerate(shipment.documents)]


def all_in_one(shipment: Shipment, **fields: Any) -> Iterable[HttpRequest]:
    return [HttpRequest(range(len(shipment.events)), b"\n".join(shipment.documents), **fields)]


def new_sink(url: str | None, encoder: object | None = None, base_url: str | None = None, **options: Any) -> HttpSink:
    context = SinkContext("out", Outbound(encoder or Encoder(), base_url=base_url, name="crm"))  # type: ignore[arg-type]
    return HttpSink(HttpSinkOptions(url=url, **options), context)


def shipment(*ids: str) -> Shipment:
    return shipment_of([make_event(one) for one in ids], [one.encode() for one in ids])


class Recorder:
    """Answers requests one after the other, on as many connections as come, and remembers their heads and bodies."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                piece = await stream.receive_some(65536)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            length = next((int(x.partition(":")[2]) for x in lines if x.lower().startswith("content-length:")), 0)
            while len(data) < length:
                data += await stream.receive_some(65536)
            self.heads.append(head.decode())
            self.bodies.append(data[:length])
            data = data[length:]
            answer = self.answers.pop(0) if self.answers else OK
            if not answer:
                return
            await stream.send_all(answer)

    def fields(self, index: int = 0) -> dict[str, str]:
        return {n.lower(): v for n, _, v in (line.partition(": ") for line in self.heads[index].split("\r\n")[1:])}

    def start_line(self, index: int = 0) -> str:
        return self.heads[index].partition("\r\n")[0]


@asynccontextmanager
async def recording(recorder: Recorder, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    async def handle(stream: trio.SocketStream) -> None:
        link = stream if context is None else trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await recorder.serve(link)
        except trio.BrokenResourceError:
            pass
        finally:
            await trio.aclose_forcefully(link)

    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_tcp, handle, 0, host="127.0.0.1")
        listeners: list[trio.SocketListener] = await nursery.start(serve)
        with trio.fail_after(10):
            yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def verdicts_of(sink: HttpSink, *ids: str) -> list[Verdict]:
    async with sink.open():
        verdicts = await sink.send(shipment(*ids))
    return list(per_event(verdicts, len(ids)))
