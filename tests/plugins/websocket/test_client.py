from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection, WebSocketRequest

from plugins.websocket.websocket_kit import KEY, KeyedStream, inbound, linked, new_source, running, until, websocket_server
from wye.plugin import StartError
from wye.testing import FakeIntake
from wye_plugins.websocket import client
from wye_plugins.websocket.config import Reconnect, Tls, WebSocketSourceOptions
from wye_plugins.websocket.dial import Dial, RefusedError
from wye_plugins.websocket.link import Link

AT_ONCE = Reconnect(first_secs=0.001, max_secs=0.002)


def options(url: str, max_message_bytes: int = 1000) -> WebSocketSourceOptions:
    return WebSocketSourceOptions(url=url, reconnect=AT_ONCE, max_message_bytes=max_message_bytes)


def ids(intake: FakeIntake) -> list[str]:
    return [event.id for event in intake.events]


# ── over real sockets ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_text_and_binary_messages_become_events() -> None:
    async def handler(request: WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("a b")
        await connection.send_message(b"c")
        await connection.get_message()

    intake = FakeIntake()
    async with websocket_server(handler) as url, running(new_source(options(url)), intake):
        await until(lambda: len(intake.events) == 3)
    assert ids(intake) == ["a", "b", "c"]
    assert all(event.time_ms > 1_700_000_000_000 for event in intake.events)


async def test_a_server_that_drops_the_connection_is_connected_to_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wye")
    served = 0

    async def handler(request: WebSocketRequest) -> None:
        nonlocal served
        connection = await request.accept()
        served += 1
        await connection.send_message(f"from-{served}")
        if served > 2:
            await connection.get_message()

    intake = FakeIntake()
    async with websocket_server(handler) as url, running(new_source(options(url)), intake):
        await until(lambda: len(intake.events) == 3)
    assert ids(intake) == ["from-1", "from-2", "from-3"]
    lost = [line for line in caplog.messages if "lost the connection" in line]
    assert len(lost) == 2
    assert "closed with 1000" in lost[0]
    assert sum(" again after " in line for line in caplog.messages) == 2


async def test_a_message_that_is_too_long_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    served = 0

    async def handler(request: WebSocketRequest) -> None:
        nonlocal served
        connection = await request.accept()
        served += 1
        if served == 1:
            await connection.send_message("before")
            await connection.send_message("x" * 1001)
            codes.append(await close_code(connection))
        await connection.send_message("after")
        await connection.get_message()

    codes: list[int] = []
    intake = FakeIntake()
    async with websocket_server(handler) as url, running(new_source(options(url)), intake):
        await until(lambda: len(intake.events) == 2)
    assert ids(intake) == ["before", "after"]
    assert codes == [1009]
    assert "message 2 is longer than max_message_bytes (1000)" in caplog.text


async def close_code(connection: WebSocketConnection) -> int:
    await until(lambda: connection.closed is not None)
    assert connection.closed is not None
    return connection.closed.code


async def test_stop_says_goodbye() -> None:
    async def handler(request: WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("a")
        codes.append(await close_code(connection))

    codes: list[int] = []
    intake = FakeIntake()
    async with websocket_server(handler) as url:
        async with running(new_source(options(url)), intake):
            await until(lambda: len(intake.events) == 1)
        await until(lambda: bool(codes))
    assert codes == [1001]


async def test_the_adapter_says_where_to_connect_and_nobody_else_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wye")
    paths: list[str] = []
    headers: list[tuple[bytes, bytes]] = []

    async def handler(request: WebSocketRequest) -> None:
        paths.append(request.path)
        headers.extend(request.headers)
        if len(paths) == 1:
            connection = await request.accept()
            await connection.aclose(1008, f"key {KEY} has expired")
        else:
            await request.reject(403, body=f"bad key {KEY}".encode())

    async with websocket_server(handler) as url:
        settings = WebSocketSourceOptions(url=url, reconnect=AT_ONCE, headers={"X-Token": "t0ken-value"})
        source = new_source(settings, inbound(KeyedStream()))
        assert list(source.listens) == [url]
        async with running(source, FakeIntake()):
            await until(lambda: len(paths) > 5)
    assert set(paths) == {f"/stream?key={KEY}"}
    assert (b"x-token", b"t0ken-value") in headers
    assert KEY not in caplog.text
    assert "t0ken" not in caplog.text
    assert "lost the connection" in caplog.text
    loud = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in loud] == [f"shop: {url} refused (403): check the credentials"]


async def test_a_server_that_closes_during_the_handshake_is_tried_again_at_once() -> None:
    accepted = 0

    async def hang_up(stream: trio.SocketStream) -> None:
        nonlocal accepted
        accepted += 1
        await stream.receive_some()

    intake = FakeIntake()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, hang_up, 0)
        port = listeners[0].socket.getsockname()[1]
        async with running(new_source(options(f"ws://127.0.0.1:{port}")), intake):
            await until(lambda: accepted > 3)
        nursery.cancel_scope.cancel()


def test_a_stream_has_one_format() -> None:
    with pytest.raises(ValueError, match="exactly one adapter, and there are 2"):
        new_source(options("ws://127.0.0.1:1"), inbound(), inbound())


async def test_a_tls_file_that_is_missing_is_found_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    source = new_source(WebSocketSourceOptions(url="wss://127.0.0.1:1", tls=Tls(ca=str(file))))
    with pytest.raises(StartError, match=rf"cannot use tls\.ca {file}: no such file or directory"):
        await source.run(FakeIntake(), task_status=trio.TASK_STATUS_IGNORED)


# ── with a clock of our own ──────────────────────────────────────────────────────────────────────────────────────────────


class Line:
    """Stands in for the network: each attempt does what the script says next, and then waits for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery, *script: Exception | tuple[float, str]) -> None:
        self.attempts: list[float] = []
        self._script = list(script)
        self._nursery = nursery
        monkeypatch.setattr(client, "connect", self._connect)
        monkeypatch.setattr(random, "random", lambda: 1.0)

    async def _connect(self, dial: Dial, nursery: trio.Nursery) -> Link:
        self.attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        step = self._script.pop(0) if self._script else (float("inf"), "")
        if isinstance(step, Exception):
            raise step
        link, peer, _ = await linked(self._nursery)
        self._nursery.start_soon(self._live, peer, *step)
        return link

    async def _live(self, peer: WebSocketConnection, secs: float, message: str) -> None:
        if message:
            await peer.send_message(message)
        await trio.sleep(secs)
        await peer.aclose()


def steady(url: str = "ws://server") -> WebSocketSourceOptions:
    return WebSocketSourceOptions(url=url)


async def test_the_wait_doubles_while_the_server_is_away(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(monkeypatch, nursery, *[ConnectionError("Connection refused") for _ in range(9)])
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(200)
    waits = [later - earlier for earlier, later in zip(line.attempts, line.attempts[1:], strict=False)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [record.levelname for record in caplog.records if record.name.startswith("wye")] == ["WARNING"]


async def test_a_message_ends_the_doubling(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    down = [ConnectionError("down") for _ in range(4)]
    line = Line(monkeypatch, nursery, *down, (1.0, "a"), ConnectionError("down"))
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(200)
    assert line.attempts == [0, 0.5, 1.5, 3.5, 7.5, 7.5 + 1 + 0.5, 9 + 1]


async def test_a_connection_that_lived_long_ends_the_doubling(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    line = Line(monkeypatch, nursery, ConnectionError("down"), ConnectionError("down"), (31.0, ""))
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(200)
    assert line.attempts == [0, 0.5, 1.5, 1.5 + 31 + 0.5]


async def test_a_server_that_accepts_and_hangs_up_does_not_end_the_doubling(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    line = Line(monkeypatch, nursery, (0.0, ""), (0.0, ""), (0.0, ""))
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(200)
    assert line.attempts == [0, 0.5, 1.5, 3.5]


async def test_the_server_may_ask_for_a_longer_wait(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    line = Line(monkeypatch, nursery, RefusedError(503, after_secs=45))
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(100)
    assert line.attempts == [0, 45]


async def test_stop_ends_the_wait(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery) -> None:
    line = Line(monkeypatch, nursery, RefusedError(503, after_secs=10_000))
    async with running(new_source(steady()), FakeIntake()):
        await trio.sleep(1)
    assert trio.current_time() == 1
    assert line.attempts == [0]
