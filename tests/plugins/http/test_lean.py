"""The lean way's connections over time, and what it keeps of secrets."""

from __future__ import annotations

import gc
import socket

import pytest
import trio
from trio.testing import MockClock

from plugins.http.exchange_kit import POST
from plugins.http.sink_kit import OK, Recorder, recording
from wye.message import HttpRequest
from wye_plugins.http.client import Client
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.lean import KEEP_SECS


class Mine(Recorder):
    """Knows which connection each request came on."""

    def __init__(self) -> None:
        super().__init__()
        self.on: list[int] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        number = self.connections
        self.connections += 1
        while await stream.receive_some(65_536):
            self.on.append(number)
            await stream.send_all(OK)


@pytest.fixture
def clock() -> MockClock:
    return MockClock()


async def test_a_connection_that_rested_too_long_is_not_used_again(clock: MockClock) -> None:
    server = Mine()
    async with recording(server) as port, Client(HttpSinkOptions(), f"http://127.0.0.1:{port}") as client:
        for rest in (0.0, KEEP_SECS - 1, KEEP_SECS + 0.5):
            clock.jump(rest)
            await client.exchange(POST)
    assert server.on == [0, 0, 1]


async def test_the_connection_used_last_is_used_first_and_the_others_are_closed_in_time(clock: MockClock) -> None:
    server = Mine()
    async with recording(server) as port, Client(HttpSinkOptions(), f"http://127.0.0.1:{port}") as client:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(client.exchange, POST)
        assert sorted(server.on) == [0, 1, 2]
        for _ in range(4):
            clock.jump(KEEP_SECS * 0.4)
            await client.exchange(POST)
        assert len(set(server.on[3:])) == 1
        assert len(client._lean._idle) == 1  # type: ignore[union-attr]  # pyright: ignore


async def test_no_descriptor_is_left_open() -> None:
    gc.collect()
    before = open_sockets()
    async with recording(Recorder(OK, b"", b"\x00" * 100, OK)) as port:
        url = f"http://127.0.0.1:{port}"
        async with Client(HttpSinkOptions(timeout_secs=0.2), url) as client:
            for _ in range(4):
                with trio.move_on_after(1):
                    await quiet(client)
    async with Client(HttpSinkOptions(connect_timeout_secs=0.05), f"https://127.0.0.1:{port}") as client:
        await quiet(client)
    assert open_sockets() == before


async def quiet(client: Client) -> None:
    try:
        await client.exchange(POST)
    except Exception:  # whatever it is, it must not cost a descriptor
        return


def open_sockets() -> int:
    return sum(isinstance(one, socket.socket) and one.fileno() >= 0 for one in gc.get_objects())


async def test_a_plain_request_takes_the_lean_way_and_any_other_the_thorough_one() -> None:
    recorder = Recorder()
    async with recording(recorder) as port, Client(HttpSinkOptions(), f"http://127.0.0.1:{port}") as client:
        await client.exchange(POST)
        assert client._thorough is None  # pyright: ignore[reportPrivateUsage]
        await client.exchange(HttpRequest([0], path="/a/../b"))
        assert client._thorough is not None  # pyright: ignore[reportPrivateUsage]
    assert [recorder.start_line(place) for place in (0, 1)] == ["POST / HTTP/1.1", "POST /b HTTP/1.1"]
