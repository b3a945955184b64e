"""The buffer on disk: when a source is told, what a restart finds, and what becomes of damage. Files are real."""

from __future__ import annotations

import sqlite3
import time
from itertools import groupby
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from laws.strategies import events as any_event
from router.buffer.disk_rig import EPOCH_MS, Spool, running, small_steps
from router.core_rig import numbered, until
from wye.batch import Batch, Retried
from wye.buffer import rows
from wye.deadletters import DeadLetters
from wye.delivery import Delivery, Outcome
from wye.event import Event
from wye.options import WhenFull
from wye.testing import make_event

OLD = Path(__file__).parent / "spool-v1.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "sink.db"


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "dead-letters.db")


@given(st.lists(any_event, min_size=1, max_size=5), st.binary(max_size=50))
def test_events_come_back_equal(some: list[Event], raw: bytes) -> None:
    kept = [structs.replace(event, origin=structs.replace(event.origin, raw=raw)) for event in some]
    back, failures = rows.decoded(rows.encoded(kept))
    assert (list(back), list(failures)) == (kept, [])


async def test_a_source_is_told_after_the_commit_and_not_before(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters)) as spool:
        async with spool.store._writing:  # pyright: ignore[reportPrivateUsage]
            spool.put(numbered(3))
            await trio.testing.wait_all_tasks_blocked()
            assert not spool.told
            assert not spool.buffer.queued_events
            assert spool.buffer.more
            assert spool.account.balanced
        await spool.written()
        assert set(spool.told.values()) == {Outcome.SAFE}
        assert spool.buffer.queued_events == 3
        assert count(path, "rows") == 1


def count(path: Path, column: str) -> int:
    connection = sqlite3.connect(path)
    (number,) = connection.execute(f"SELECT {column} FROM totals").fetchone()
    connection.close()
    return number


async def test_what_several_sources_put_shares_rows_and_a_large_batch_is_cut(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters)) as spool:
        async with spool.store._writing:  # pyright: ignore[reportPrivateUsage]
            spool.put(numbered(1, "first"))
            await trio.testing.wait_all_tasks_blocked()
            for number in range(9):
                spool.put(numbered(10, f"{number}-"))
            spool.put(numbered(1100, "large"))
        await spool.written()
        assert count(path, "rows") == 1 + 1 + 3
        assert len(spool.take(5000)) == 1 + 90 + 1100


async def test_a_restart_goes_on_where_it_stopped_and_the_ledger_too(path: Path, letters: DeadLetters) -> None:
    with small_steps():
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(10))
            await spool.written()
            for _, batch in spool.take(4):
                spool.settle(batch)
        again = Spool(path, letters)
        async with running(again):
            assert structs.astuple(again.account)[1:7] == (10, 4, 0, 0, 0, 6)
            assert again.account.balanced
            assert await again.settle_all() == [f"e{number}" for number in range(4, 10)]
        async with running(Spool(path, letters)) as last:
            assert structs.astuple(last.account)[1:7] == (10, 10, 0, 0, 0, 0)
            assert not last.buffer.more


async def test_what_was_counted_before_the_buffer_is_kept_too(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.account.received += 5
        spool.account.filtered += 3
        spool.account.dead_lettered += 2
    async with running(Spool(path, letters)) as again:
        assert structs.astuple(again.account)[1:7] == (5, 0, 3, 2, 0, 0)


async def test_age_goes_by_the_wall_clock_and_is_never_in_the_future(
    path: Path, letters: DeadLetters, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.put(numbered(1))
        await spool.written()
    later = Spool(path, letters, now_ms=lambda: EPOCH_MS + 90_000)
    async with running(later):
        await until(lambda: later.buffer.queued_events > 0)
        assert later.buffer.oldest_at == pytest.approx(trio.current_time() - 90, abs=0.01)
    earlier = Spool(path, letters, now_ms=lambda: EPOCH_MS - 90_000)
    async with running(earlier):
        await until(lambda: earlier.buffer.queued_events > 0)
        assert earlier.buffer.oldest_at is not None
        assert earlier.buffer.oldest_at <= trio.current_time()


async def test_no_more_than_a_window_is_in_memory(path: Path, letters: DeadLetters) -> None:
    with small_steps(row_events=4, window_events=8):
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(100))
            await spool.written()
            assert spool.buffer.queued_events == 8
            assert spool.account.in_flight == 100
            assert await spool.settle_all() == [f"e{number}" for number in range(100)]


async def test_what_is_taken_and_not_settled_has_a_bound(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters)) as spool:
        for number in range(120):
            spool.put(numbered(500, f"{number}-"))
        await spool.written()
        taken: list[tuple[Event, Batch]] = []
        while len(taken) < 32_000:
            await until(lambda: bool(spool.buffer.queued_events))
            taken += spool.take()
        for _ in range(100):  # more would come by now
            taken += spool.take()
            await trio.to_thread.run_sync(time.sleep, 0.001)
        assert len(taken) <= 32_000 + 8_000

        last = [batch for batch, _ in groupby(batch for _, batch in taken)]
        for batch in last:  # one of each row waits on
            spool.settle(batch, len(batch.events) - 1)
        assert len(await spool.settle_all()) == 60_000 - len(taken)
        for batch in last:
            spool.settle(batch)
    assert (spool.account.delivered, spool.buffer.held_events) == (60_000, 0)


async def test_an_event_out_of_the_dead_letters_is_not_written(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters)) as spool:
        words: list[Outcome] = []
        delivery = Delivery(words.append)
        spool.account.received += 1
        spool.buffer.put(Batch(numbered(1), delivery, retried=Retried(7)), trio.current_time())
        assert spool.buffer.queued_events == 1
        assert spool.buffer.safe_events == 1
        ((_, batch),) = spool.take()
        assert batch.retried is not None
        spool.settle(batch)
        assert words == [Outcome.SAFE]
        assert spool.account.balanced
        assert count(path, "last_seq") == 0


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

SIZE = len(rows.encoded(numbered(1)))


def wide(count: int, prefix: str) -> list[Event]:
    """Events of one size, ``SIZE`` + 1."""
    return [make_event(f"{prefix}{number:02}") for number in range(count)]


async def test_block_has_no_room_when_its_bytes_are_used_up(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters, max_bytes=10 * SIZE)) as spool:
        assert spool.buffer.room_for(1000, 0)
        for _ in range(30):
            spool.put(numbered(1), SIZE)
            await spool.written()
            await spool.settle_all()
        assert spool.buffer.room_for(9, SIZE)
        spool.put(numbered(8), SIZE)
        assert not spool.buffer.room_for(3, SIZE)
        await spool.written()
        taken = spool.take()
        for _, batch in taken[:7]:
            spool.settle(batch)
        assert not spool.buffer.room_for(3, SIZE), "the row is in the file until all of it is settled"
        spool.settle(taken[7][1])
        assert spool.buffer.room_for(9, SIZE)


async def test_drop_newest_keeps_what_came_first(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters, 5 * SIZE, "drop_newest")) as spool:
        assert spool.put(numbered(3, "a")) == []
        assert spool.put(numbered(5, "b")) == ["b2", "b3", "b4"]
        assert spool.put(numbered(1, "c")) == ["c0"]
        assert spool.account.balanced
        assert await spool.settle_all() == ["a0", "a1", "a2", "b0", "b1"]
        assert spool.told["c0"] is Outcome.DROPPED
        assert spool.account.dropped == 4


async def test_drop_oldest_gives_up_what_is_in_memory_row_by_row(path: Path, letters: DeadLetters) -> None:
    async with running(Spool(path, letters, 6 * SIZE, "drop_oldest")) as spool:
        for name in "abc":
            spool.put(numbered(2, name))
            await spool.written()
        assert spool.put(numbered(3, "d")) == []
        assert spool.account.dropped == 4
        assert spool.told["a0"] is Outcome.SAFE
        await spool.written()
        assert await spool.settle_all() == ["c0", "c1", "d0", "d1", "d2"]
        assert spool.account.balanced
        assert spool.put(numbered(7, "x")) == ["x0"]


async def test_drop_oldest_gives_up_what_is_in_the_file_alone(path: Path, letters: DeadLetters) -> None:
    with small_steps(row_events=2, window_events=2):
        async with running(Spool(path, letters, 20 * (SIZE + 1), "drop_oldest")) as spool:
            spool.put(wide(20, "a"))
            await spool.written()
            taken = spool.take(1)
            assert spool.put(wide(6, "b")) == []
            await until(lambda: spool.account.dropped == 6)
            await spool.written()
            assert spool.account.balanced
            spool.settle(taken[0][1])
            out = await spool.settle_all()
            assert out == ["a01", *(f"a{number:02}" for number in range(8, 20)), *(f"b{number:02}" for number in range(6))]
        async with running(Spool(path, letters)) as again:
            assert (again.account.dropped, again.account.delivered, again.account.in_flight) == (6, 20, 0)


async def test_drop_oldest_gives_up_what_is_just_being_read(path: Path, letters: DeadLetters) -> None:
    with small_steps(row_events=2, window_events=4):
        async with running(Spool(path, letters, 20 * (SIZE + 1), "drop_oldest")) as spool:
            spool.put(wide(20, "a"))
            await spool.written()
            async with spool.store._reading:  # pyright: ignore[reportPrivateUsage]  the reading takes a while
                taken = spool.take(4)
                await trio.testing.wait_all_tasks_blocked()
                assert spool.put(wide(16, "b")) == []
            await until(lambda: not spool.to_evict)
            await spool.written()
            assert spool.buffer.held_bytes <= spool.buffer.max_bytes
            for _, batch in taken:
                spool.settle(batch)
            assert await spool.settle_all() == [f"b{number:02}" for number in range(16)]
            assert spool.account.balanced


async def test_an_event_larger_than_the_bound_fits_when_it_is_alone(path: Path, letters: DeadLetters) -> None:
    every: list[WhenFull] = ["drop_newest", "drop_oldest", "block"]
    for when_full in every:
        async with running(Spool(path, letters, 10, when_full)) as spool:
            assert spool.put(numbered(1)) == []
            await spool.written()
            assert await spool.settle_all() == ["e0"]
