"""Hostile clients of the HTTP source: each is refused or cut off, and the next good request is answered at once."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from e2e.kit import EDGE, Wye, clickstream_event, free_port, lines_of, post, running

CONFIG = (
    EDGE
    + """
header_timeout_secs = 2

[sinks.archive]
type = "file"
inputs = ["edge"]
path = "events.jsonl"
"""
)

HEAD = b"POST /collect?appId=shop HTTP/1.1\r\nHost: wye\r\nContent-Type: application/json\r\n"


def request(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


ONE_MIB = 1_048_576

REFUSED = {
    "two content lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
    "length with chunked": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "a garbage request line": b"\x16\x03\x01 garbage\r\n\r\n",
    "a header of 300,000 bytes": HEAD + b"X-Long: " + b"a" * 300_000 + b"\r\n\r\n",
    "a gzip bomb": request(gzip.compress(b"[" + b" " * 200_000_000 + b"]", 9), b"Content-Encoding: gzip"),
    "gzip that is none": request(b"no gzip", b"Content-Encoding: gzip"),
    "one byte more than 1 MiB": request(b"[" + b" " * (ONE_MIB - 1) + b"]"),
    "one byte more than 1 MiB, chunked": chunked(b"[" + b" " * (ONE_MIB - 1) + b"]"),
}

# AWS stores a body without looking at it, so these are answered 200; wye keeps them in the dead letters.
STORED = {
    "malformed JSON": b'[{"event_type": ',
    "JSON that is not UTF-8": b'[{"event_type": "\xff\xfe"}]',
    "nesting 100,000 deep": b"[" * 100_000,
}


@pytest.fixture
async def wye(tmp_path: Path) -> AsyncGenerator[tuple[Wye, int]]:
    edge = free_port()
    async with running(tmp_path, CONFIG.format(edge=edge)) as process:
        await process.listening(edge)
        yield process, edge


async def send(port: int, data: bytes) -> bytes:
    """Everything that comes back until the server closes, or has answered and is silent."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    received = b""
    async with trio.open_nursery() as nursery, stream:

        async def write() -> None:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await stream.send_all(data)

        nursery.start_soon(write)
        with suppress(trio.BrokenResourceError), trio.move_on_after(10):
            while chunk := await stream.receive_some():
                received += chunk
                if b"\r\n\r\n" in received:
                    break
        nursery.cancel_scope.cancel()
    return received


async def assert_still_well(port: int, number: int) -> int:
    """A good request is answered 200, within 100 ms; a busy machine has five tries. How many there were."""
    took: list[float] = []
    while not took or (min(took) >= 0.1 and len(took) < 5):
        started = trio.current_time()
        answer = await send(port, request(b'[{"event_type":"ok","event_id":"good-%d","timestamp":1,"app_id":"shop"}]' % number))
        took.append(trio.current_time() - started)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert min(took) < 0.1, took
    return len(took)


def peak_memory_mb(wye: Wye) -> int:
    status = Path(f"/proc/{wye.process.pid}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


async def test_hostile_requests_are_refused_and_harm_nobody(wye: tuple[Wye, int]) -> None:
    process, edge = wye
    good = 0
    for number, (name, data) in enumerate(REFUSED.items()):
        answer = await send(edge, data)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (name, answer[:200])
        good += await assert_still_well(edge, number)
    assert peak_memory_mb(process) < 400
    assert await process.stop() == 0
    assert process.dead_letters == []
    assert process.sink("archive")["delivered"] == good
    assert "Traceback" not in process.printed


async def test_bodies_that_aws_would_store_unread_are_kept_in_the_dead_letters(wye: tuple[Wye, int]) -> None:
    process, edge = wye
    for number, (name, body) in enumerate(STORED.items()):
        assert (await send(edge, request(body))).startswith(b"HTTP/1.1 200 "), name
        await assert_still_well(edge, number)
    assert peak_memory_mb(process) < 400
    assert await process.stop() == 0
    assert len(process.dead_letters) == len(STORED)
    assert process.ledger["sources"][0]["undecodable"] == len(STORED)


async def test_exactly_one_mebibyte_is_taken(wye: tuple[Wye, int]) -> None:
    process, edge = wye
    for body in (request(b"[" + b" " * (ONE_MIB - 2) + b"]"), chunked(b"[" + b" " * (ONE_MIB - 2) + b"]")):
        assert (await send(edge, body)).startswith(b"HTTP/1.1 200 ")
    answer = await send(edge, REFUSED["one byte more than 1 MiB"])
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"text/html" in answer
    assert await process.stop() == 0


async def test_three_hundred_silent_connections_keep_nobody_out(wye: tuple[Wye, int]) -> None:
    process, edge = wye
    silent = [await trio.open_tcp_stream("127.0.0.1", edge) for _ in range(300)]
    try:
        for number in range(3):
            await assert_still_well(edge, number)
        assert peak_memory_mb(process) < 400
    finally:
        for stream in silent:
            await trio.aclose_forcefully(stream)
    assert await process.stop() == 0


async def test_requests_in_one_packet_are_answered_in_order(wye: tuple[Wye, int]) -> None:
    process, edge = wye
    stream = await trio.open_tcp_stream("127.0.0.1", edge)
    async with stream:
        ping = b"GET /ping HTTP/1.1\r\nHost: wye\r\n\r\n"
        refused = b"POST /collect?appId=no HTTP/1.1\r\nHost: wye\r\nContent-Length: 2\r\n\r\n[]"
        await stream.send_all(ping + refused + request(b"[]", b"Connection: close"))
        received = b"".join([chunk async for chunk in stream])
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", received)
    assert statuses == [b"200", b"403", b"200"]
    assert await process.stop() == 0


async def test_overload_is_answered_503_with_a_time_to_come_back(tmp_path: Path) -> None:
    edge = free_port()
    full = (
        "grace_secs = 0.5\n"
        + CONFIG.replace("header_timeout_secs = 2", 'overload_wait_secs = 0.2\nack = "accepted"').format(edge=edge)
        + (
            """
[sinks.dead]
type = "http"
inputs = ["edge"]
url = "http://127.0.0.1:9/collect"
adapter = "clickstream"
buffer = { max_events = 10, when_full = "block" }
"""
        )
    )
    async with running(tmp_path, full) as process:
        await process.listening(edge)
        answers = [await post(edge, [clickstream_event(number)]) for number in range(12)]
        assert await process.stop() == 4
    assert [answer.status_code for answer in answers] == [200] * 10 + [503] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(lines_of(tmp_path / "events.jsonl")) == 10
    assert process.sink("dead")["in_flight"] == 10
