"""What the watch says, and how often. Time is trio's mock clock."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from router.buffer.disk_rig import EPOCH_MS, Spool
from router.buffer.disk_rig import running as spooling
from router.core_rig import make_sink, numbered, put, running
from router.fakes import Configs
from router.life import Life
from wye.batcher import Batcher
from wye.deadletters import DeadLetters
from wye.sink import Sink
from wye.testing.transport import FakeTransport
from wye.watch import CHECK_SECS, Watch


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "dead-letters.db")


@asynccontextmanager
async def watched(sink: Sink, stall_secs: float) -> AsyncGenerator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Watch([(sink, stall_secs)]).run)
        yield
        nursery.cancel_scope.cancel()


async def test_a_sink_that_is_behind_is_named_once_and_when_it_is_over(
    letters: DeadLetters, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    transport = FakeTransport()
    transport.gate = trio.Event()
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0))
    async with watched(sink, 300), running(sink):
        put(sink, numbered(3))
        await trio.sleep(290)
        assert not caplog.records
        await trio.sleep(100)
        (said,) = caplog.records
        assert said.levelno == logging.ERROR
        assert said.getMessage().startswith("sink sink: is behind: 3 events wait, the oldest since 20")
        transport.gate.set()
        await trio.sleep(2 * CHECK_SECS)
        assert [one.getMessage() for one in caplog.records[1:]] == ["sink sink: is behind no more; 0 events wait"]


async def test_an_event_that_is_under_way_is_not_forgotten_for_others_that_move(
    letters: DeadLetters, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    sink = make_sink(letters)
    put(sink, numbered(1, "old"))
    old = sink.buffer.take(1, 1000)
    async with watched(sink, 300):
        for _ in range(40):
            put(sink, numbered(1))
            new = sink.buffer.take(1, 1000)
            sink.buffer.settled(new.batches[0], 1, "delivered")
            await trio.sleep(10)
    assert "is behind: 1 events wait" in caplog.text
    assert old.batches


async def test_what_waits_in_a_file_has_its_age_from_before_the_restart(
    tmp_path: Path, letters: DeadLetters, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "sink.db"
    async with spooling(Spool(path, letters)) as spool:
        spool.put(numbered(1))
        await spool.written()
    later = Spool(path, letters, now_ms=lambda: EPOCH_MS + 1_000_000)
    async with spooling(later):
        while later.buffer.oldest_held_at is None:
            await trio.sleep(0.01)
        assert trio.current_time() - later.buffer.oldest_held_at == pytest.approx(1000, abs=5)


async def test_counts_that_do_not_add_up_are_said_once(
    letters: DeadLetters, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    sink = make_sink(letters)
    async with watched(sink, 300):
        await trio.sleep(20)
        assert not caplog.records
        sink.account.received += 1
        await trio.sleep(60)
        assert caplog.text.count("sink sink: its counts do not add up; this is a fault of wye") == 1
        assert caplog.records[0].levelno == logging.ERROR


async def test_the_daemon_watches_and_names_files_of_sinks_that_are_gone(
    configs: Configs, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    folder = configs.folder / "data" / "spool"
    for name in ("gone", "y"):
        async with spooling(Spool(folder / f"{name}.db", DeadLetters(configs.folder / "unused.db"))) as spool:
            spool.put(numbered(2))
            await spool.written()
    life = Life(
        configs,
        """
data_dir = "DATA"
[sources.a]
type = "fake"
[sinks.y]
type = "fake"
inputs = ["a"]
stall_secs = 60
buffer = { type = "disk" }
""",
    )
    life.sinks["y"].gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.run)
        while "sink y: is behind:" not in caplog.text:  # the clock runs while threads work
            await trio.sleep(1)
        life.sinks["y"].gate.set()
    assert f"{folder / 'gone.db'} belongs to no sink of this config; 2 events wait in it" in caplog.text
    assert "y.db belongs" not in caplog.text
    assert life.sinks["y"].got == ["e0", "e1", "a-0", "a-1", "a-2"]
    assert life.account("y") == {"received": 5, "delivered": 5}
