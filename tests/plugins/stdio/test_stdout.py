from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from plugins.stdio.stdio_kit import pipe
from wye.message import Shipment
from wye.plugin import StartError
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED, Verdict
from wye_plugins.stdio.stdout import StdoutSink


def shipment(*documents: bytes) -> Shipment:
    return shipment_of([make_event()] * len(documents), documents)


async def test_one_document_a_line_at_once() -> None:
    with pipe() as (reading, writing):
        sink = StdoutSink("out", writing)
        async with sink.open():
            assert await sink.send(shipment(b"a", b"b")) is DELIVERED
            assert os.read(reading, 100) == b"a\nb\n"
            assert await sink.send(shipment(b"c")) is DELIVERED
            assert os.read(reading, 100) == b"c\n"


async def test_a_reader_that_has_gone_is_said_once_and_events_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pipe() as (reading, writing):
        sink = StdoutSink("out", writing)
        async with sink.open():
            os.close(reading)
            for _ in range(3):
                verdict = await sink.send(shipment(b"a", b"b"))
                assert verdict == Verdict("rejected", "standard output was closed by its reader")
    assert caplog.text.count("closed by its reader") == 1


async def test_a_slow_reader_is_waited_for() -> None:
    with pipe() as (reading, writing):
        sink = StdoutSink("out", writing)
        documents = [b"x" * 999] * 300
        got: list[bytes] = []

        async def read() -> None:
            while sum(map(len, got)) < 300_000:
                got.append(await trio.to_thread.run_sync(os.read, reading, 5000))

        async with sink.open(), trio.open_nursery() as nursery:
            nursery.start_soon(read)
            assert await sink.send(shipment(*documents)) is DELIVERED
        assert b"".join(got) == (b"x" * 999 + b"\n") * 300


async def test_a_non_blocking_descriptor_is_waited_for() -> None:
    with pipe() as (reading, writing):
        os.set_blocking(writing, False)
        sink = StdoutSink("out", writing)
        got: list[bytes] = []

        async def read() -> None:
            while sum(map(len, got)) < 200_001:
                got.append(await trio.to_thread.run_sync(os.read, reading, 5000))

        async with sink.open(), trio.open_nursery() as nursery:
            nursery.start_soon(read)
            assert await sink.send(shipment(b"x" * 200_000)) is DELIVERED


async def test_an_abort_does_not_wait_for_a_reader_that_does_not_read() -> None:
    with pipe() as (reading, writing):
        sink = StdoutSink("out", writing)
        async with sink.open():
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(sink.send, shipment(b"x" * 200_000))
                    await trio.testing.wait_all_tasks_blocked()
                    scope.cancel()
            assert scope.cancelled_caught
        while len(os.read(reading, 100_000)) == 100_000:  # so that the thread that was left behind can end
            pass
        os.close(reading)


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_what_a_full_disk_has_taken_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    sink = StdoutSink("out", descriptor)
    async with sink.open():
        with file_size_limit(10):
            verdicts = await sink.send(shipment(b"doc1", b"doc2-long", b"doc3"))
        busy = Verdict("busy", f"cannot write standard output: {os.strerror(errno.EFBIG)}")
        assert verdicts == [DELIVERED, busy, busy]
        assert path.read_bytes() == b"doc1\ndoc2-"
        assert await sink.send(shipment(b"doc2-long", b"doc3")) is DELIVERED
        assert await sink.send(shipment(b"doc4")) is DELIVERED
    os.close(descriptor)
    assert path.read_bytes() == b"doc1\ndoc2-\ndoc2-long\ndoc3\ndoc4\n"


async def test_closed_standard_output_is_said_at_the_start() -> None:
    with pipe() as (_, writing):
        os.close(writing)
        with pytest.raises(StartError, match="sink out: standard output is closed"):
            async with StdoutSink("out", writing).open():
                pytest.fail("it started")


async def test_only_one_sink_writes_it() -> None:
    with pipe() as (_, writing):
        async with StdoutSink("first", writing).open():
            with pytest.raises(StartError, match="another sink writes standard output already"):
                async with StdoutSink("second", writing).open():
                    pytest.fail("it started")
        async with StdoutSink("third", writing).open():
            pass
