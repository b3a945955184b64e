"""What servers cost that do not speak HTTP, do not stop, or do not go on; over both ways."""

from __future__ import annotations

import itertools
import re
import socket
import struct

import pytest
import trio

from plugins.http.exchange_kit import answered
from plugins.http.sink_kit import Recorder, new_sink, recording, verdicts_of
from wye.verdict import DELIVERED, Verdict
from wye_plugins.http.reason import ExchangeError

pytestmark = pytest.mark.usefixtures("way")

BEGUN = b"HTTP/1.1 200 OK\r\n"
CHUNKED = BEGUN + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (BEGUN, b"X-A: b\r\n" * 500),
        (BEGUN + b"X-A: ", b"b" * 5000),
        (b"HTTP/1.1 200 ", b"O" * 5000),
        (CHUNKED + b"0\r\n", b"X-A: b\r\n" * 5000),
        (CHUNKED + b"0\r\nX-A: ", b"b" * 5000),
    ],
    ids=["fields", "field", "phrase", "trailers", "trailer"],
)
async def test_what_has_no_end_and_is_no_body_is_no_answer(start: bytes, again: bytes) -> None:
    with pytest.raises(ExchangeError, match="answer"):
        await answered(itertools.chain([start], itertools.repeat(again)))


@pytest.mark.parametrize("again", [b"x" * 5000, b"7d0\r\n" + b"x" * 2000 + b"\r\n"], ids=["until it closes", "chunks"])
async def test_a_body_without_end_is_cut(again: bytes) -> None:
    start = CHUNKED if again.startswith(b"7") else BEGUN + b"\r\n"
    assert (await answered(itertools.chain([start], itertools.repeat(again)))).body == b"x" * 65_536


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        BEGUN + b"Content-Length: 4\r\n",
        BEGUN + b"Content-Length: 4\r\n\r\nbod",
        CHUNKED + b"4\r\nbody\r\n",
        CHUNKED + b"4\r\nbody!\r\n0\r\n\r\n",
        CHUNKED + b"g\r\n",
        CHUNKED + b"fffffffffffffffffffffff\r\n",
        BEGUN + b"Content-Length: -1\r\n\r\n",
        BEGUN + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        BEGUN + b"Transfer-Encoding: gzip\r\n\r\nx",
        BEGUN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        BEGUN + b"no field\r\n\r\n",
        b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"\x00" * 1000,
        b"<html>no</html>\r\n\r\n",
    ],
)
async def test_no_answer_at_all(answer: bytes) -> None:
    with pytest.raises(ExchangeError, match="answer"):
        await answered([answer])


async def test_a_connection_that_is_reset_is_lost() -> None:
    class Resetting(Recorder):
        async def serve(self, stream: trio.abc.Stream) -> None:
            await super().serve(stream)
            assert isinstance(stream, trio.SocketStream)
            # Closing without waiting for what is still to be sent is a reset.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with recording(Resetting(b"")) as port:
        assert await verdicts_of(new_sink(f"http://127.0.0.1:{port}"), "a") == [
            Verdict("busy", f"connection lost to 127.0.0.1:{port}: connection reset by peer")
        ]


async def test_the_time_to_connect_is_its_own() -> None:
    """A port that takes the connection, and never says its part of the handshake."""
    async with recording(Recorder()) as port:
        sink = new_sink(f"https://127.0.0.1:{port}", connect_timeout_secs=0.05)
        assert await verdicts_of(sink, "a") == [Verdict("busy", f"timed out connecting to 127.0.0.1:{port}")]


async def test_a_sink_goes_on_after_all_of_it() -> None:
    recorder = Recorder(b"\x00" * 1000)
    async with recording(recorder) as port:
        sink = new_sink(f"http://127.0.0.1:{port}")
        assert [one.kind for one in await verdicts_of(sink, "a")] == ["busy"]
        assert await verdicts_of(sink, "a") == [DELIVERED]


def test_an_error_holds_nothing_but_its_kind() -> None:
    assert re.fullmatch(r"ExchangeError\('[a-z ]+'\)", repr(ExchangeError("connecting late")))


@pytest.mark.parametrize("framing", [b"Content-Length : 9", b"Transfer-Encoding : chunked"])
async def test_an_answer_that_is_cut_is_none_whatever_stands_before_the_colon(framing: bytes) -> None:
    with pytest.raises(ExchangeError, match="answer"):
        await answered([b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n9\r\n"])
