from __future__ import annotations

import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection, WebSocketRequest

from plugins.websocket.websocket_kit import KEY, KeyedStream, linked, new_sink, receive_all, shipment, until, websocket_server
from wye.plugin import StartError, Transport
from wye.verdict import DELIVERED, Verdict, per_event
from wye_plugins.websocket import push
from wye_plugins.websocket.config import Tls, WebSocketSinkOptions
from wye_plugins.websocket.dial import Dial, RefusedError
from wye_plugins.websocket.link import Link
from wye_plugins.websocket.push import WebSocketPushSink


def sink_to(url: str, stream: KeyedStream | None = None, **options: Any) -> WebSocketPushSink:
    return cast(WebSocketPushSink, new_sink(WebSocketSinkOptions(url=url, **options), stream))


async def kinds(sink: Transport, *ids: str) -> list[str]:
    return [verdict.kind for verdict in per_event(await sink.send(shipment(*ids)), len(ids))]


# ── over real sockets ────────────────────────────────────────────────────────────────────────────────────────────────────


class Collector:
    """A server that notes what it is sent, and hangs up when told to."""

    def __init__(self) -> None:
        self.received: list[str | bytes] = []
        self.requests: list[WebSocketRequest] = []
        self.codes: list[int] = []
        self.connection: WebSocketConnection

    async def handle(self, request: WebSocketRequest) -> None:
        self.requests.append(request)
        self.connection = connection = await request.accept()
        try:
            while True:
                self.received.append(await connection.get_message())
        finally:
            self.codes.append(connection.closed.code if connection.closed else 0)

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[str]:
        async with websocket_server(self.handle) as url:
            yield url


async def test_events_are_sent_in_order_as_text_over_one_connection() -> None:
    server = Collector()
    async with server() as url:
        sink = sink_to(url)
        async with sink.open():
            assert server.requests == [], "it connects when there is something to send"
            assert await sink.send(shipment("a", "b")) == DELIVERED
            assert await sink.send(shipment("ü")) == DELIVERED
            await until(lambda: len(server.received) == 3)
        await until(lambda: bool(server.codes))
    assert server.received == ["a", "b", "ü"]
    assert len(server.requests) == 1
    assert server.codes == [1001]


async def test_a_lost_connection_is_noticed_while_idle_and_made_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wye")
    server = Collector()
    async with server() as url:
        sink = sink_to(url)
        async with sink.open():
            await sink.send(shipment("a"))
            await until(lambda: len(server.received) == 1)
            await server.connection.aclose(1012, "restarting")
            await until(lambda: "lost the connection" in caplog.text)
            assert await sink.send(shipment("b")) == DELIVERED
            await until(lambda: len(server.received) == 2)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("wye")]
    assert len(messages) == 3
    assert messages[0] == f"live: connected to {url}"
    assert "closed with 1012 service restart: restarting" in messages[1]
    assert messages[2].startswith(f"live: connected to {url} again after ")


async def test_a_server_that_is_down_keeps_the_events_waiting(caplog: pytest.LogCaptureFixture) -> None:
    async with websocket_server(Collector().handle) as url:
        pass
    sink = sink_to(url)
    async with sink.open():
        for _ in range(3):
            verdicts = per_event(await sink.send(shipment("a", "b")), 2)
            assert [verdict.kind for verdict in verdicts] == ["busy", "busy"]
            assert "connection refused" in verdicts[0].reason
    assert sum("cannot connect" in line for line in caplog.messages) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, "hold"), (403, "hold"), (404, "hold"), (429, "busy"), (500, "busy")])
async def test_a_refusal_holds_where_the_operator_has_to_act(status: int, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wye")

    async def refuse(request: WebSocketRequest) -> None:
        await request.reject(status, extra_headers=[(b"Retry-After", b"77")], body=f"not with {KEY}".encode())

    async with websocket_server(refuse) as url:
        sink = sink_to(url, KeyedStream(), headers={"Authorization": "Bearer t0ken-value"})
        async with sink.open():
            verdict = per_event(await sink.send(shipment("a")), 1)[0]
    assert (verdict.kind, verdict.status, verdict.after_secs) == (kind, status, 77)
    assert KEY not in caplog.text + str(verdict)
    assert "t0ken" not in caplog.text + str(verdict)


async def test_the_adapter_and_the_headers_open_the_door(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wye")
    server = Collector()
    async with server() as url:
        sink = sink_to(url, KeyedStream(), headers={"X-Token": "t0ken-value"})
        assert sink.target == url
        async with sink.open():
            await sink.send(shipment("a"))
            await until(lambda: len(server.received) == 1)
            await server.connection.aclose(1008, "token t0ken-value was revoked")
            await until(lambda: "lost the connection" in caplog.text)
    assert server.requests[0].path == f"/stream?key={KEY}"
    assert (b"x-token", b"t0ken-value") in server.requests[0].headers
    assert "t0ken" not in caplog.text
    assert KEY not in caplog.text


async def test_a_send_that_is_cancelled_leaves_no_half_message_behind() -> None:
    first = trio.Event()
    received: list[str | bytes] = []

    async def handler(request: WebSocketRequest) -> None:
        connection = await request.accept()
        if not first.is_set():
            first.set()
            await trio.sleep_forever()
        received.append(await connection.get_message())

    async with websocket_server(handler) as url:
        sink = sink_to(url)
        async with sink.open():
            with trio.move_on_after(0.2) as scope:
                await sink.send(shipment(*[str(number) + "x" * 200_000 for number in range(100)]))
            assert scope.cancelled_caught
            assert await sink.send(shipment("whole")) == DELIVERED
            await until(lambda: received == ["whole"])


async def test_a_tls_file_that_is_none_is_found_at_the_start(tmp_path: Any) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    sink = sink_to("wss://127.0.0.1:1", tls=Tls(ca=str(file)))
    with pytest.raises(StartError, match=rf"cannot use tls\.ca {file}: no certificate in it"):
        async with sink.open():
            pass


# ── with connections in memory ───────────────────────────────────────────────────────────────────────────────────────────


class Line:
    """Stands in for the network: each attempt raises what the script says next; after that they succeed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery, *script: Exception) -> None:
        self._script = list(script)
        self._nursery = nursery
        self.peer: WebSocketConnection
        self.peer_scope: trio.CancelScope
        self.attempts = 0
        monkeypatch.setattr(push, "connect", self._connect)
        monkeypatch.setattr(random, "random", lambda: 1.0)

    async def _connect(self, dial: Dial, nursery: trio.Nursery) -> Link:
        self.attempts += 1
        await trio.lowlevel.checkpoint()
        if self._script:
            raise self._script.pop(0)
        link, self.peer, self.peer_scope = await linked(self._nursery)
        return link


async def test_what_was_sent_before_the_loss_is_not_sent_again(monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery) -> None:
    line = Line(monkeypatch, nursery)
    sink = sink_to("ws://server")
    real_send = Link.send

    async def send_two(link: Link, document: bytes) -> None:
        if document == b"c":
            await line.peer.aclose(1011)
        await real_send(link, document)

    monkeypatch.setattr(Link, "send", send_two)
    async with sink.open():

        async def read() -> None:
            received.extend(await receive_all(line.peer, 2))

        received: list[str | bytes] = []
        await sink.send(shipment())
        nursery.start_soon(read)
        verdicts = per_event(await sink.send(shipment("a", "b", "c", "d")), 4)
    assert received == ["a", "b"]
    assert [verdict.kind for verdict in verdicts] == ["delivered", "delivered", "busy", "busy"]
    assert verdicts[2].reason == "ws://server:80: closed with 1011 internal error"


async def test_the_wait_that_is_asked_for_doubles_while_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    Line(monkeypatch, nursery, *[ConnectionError("down") for _ in range(8)])
    sink = sink_to("ws://server")
    async with sink.open():
        waits = [cast(list[Verdict], await sink.send(shipment("a")))[0].after_secs for _ in range(8)]
        assert await sink.send(shipment("a")) == DELIVERED
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


async def test_a_connection_that_lived_long_ends_the_doubling(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    line = Line(monkeypatch, nursery, ConnectionError("down"), ConnectionError("down"), ConnectionError("down"))
    sink = sink_to("ws://server")
    async with sink.open():
        for _ in range(4):
            await sink.send(shipment("a"))
        await trio.sleep(31)
        line._script.append(RefusedError(500))  # pyright: ignore[reportPrivateUsage]
        nursery.start_soon(line.peer.aclose)
        await trio.sleep(1)
        verdict = per_event(await sink.send(shipment("b")), 1)[0]
    assert verdict.after_secs == 1


async def test_a_server_that_no_longer_answers_is_given_up(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(monkeypatch, nursery)
    sink = sink_to("ws://server")
    async with sink.open():
        await sink.send(shipment("a"))
        line.peer_scope.cancel()
        await trio.sleep(60)
        assert "no answer to a ping for 20 s" in caplog.text
        assert await sink.send(shipment("b")) == DELIVERED
    assert line.attempts == 2
