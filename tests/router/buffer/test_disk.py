"""The buffer on disk: when a source is told, what a restart finds, and what becomes of damage. Files are real."""

from __future__ import annotations

import logging
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from laws.strategies import events as any_event
from router.buffer.disk_rig import EPOCH_MS, Spool, running, small_steps
from router.core_rig import letters_in, numbered, until, writing
from wye.batch import Batch, Retried
from wye.buffer import rows
from wye.deadletters import DeadLetters
from wye.delivery import Delivery, Outcome
from wye.event import Event, Origin
from wye.options import WhenFull
from wye.plugin import StartError
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


async def test_an_event_larger_than_the_bound_fits_when_it_is_alone(path: Path, letters: DeadLetters) -> None:
    every: list[WhenFull] = ["drop_newest", "drop_oldest", "block"]
    for when_full in every:
        async with running(Spool(path, letters, 10, when_full)) as spool:
            assert spool.put(numbered(1)) == []
            await spool.written()
            assert await spool.settle_all() == ["e0"]


# ── disks ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bound(spool: Spool, pages: int) -> None:
    """SQLite's own full disk."""
    connection = spool.store._writer  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_makes_sources_wait_and_goes_on_by_itself(
    path: Path, letters: DeadLetters, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.put(numbered(20, "old"))
        await spool.written()
        bound(spool, 8)
        spool.put(numbered(2000, "new"))
        await until(lambda: spool.store.refusing)
        assert not spool.buffer.room_for(1, 1)
        assert "new0" not in spool.told
        assert len(await _deliver(spool, 20)) == 20, "what was safe goes on being delivered"
        bound(spool, 100_000)
        await spool.written()
        assert spool.told["new0"] is Outcome.SAFE
        assert spool.buffer.room_for(1, 1)
        assert spool.account.balanced


async def _deliver(spool: Spool, number: int) -> list[str]:
    ids: list[str] = []
    while len(ids) < number:
        await until(lambda: spool.buffer.queued_events > 0)
        for event, batch in spool.take(number - len(ids)):
            ids.append(event.id)
            spool.settle(batch)
    return ids


async def test_while_the_disk_is_full_what_waits_in_memory_is_bounded(
    path: Path, letters: DeadLetters, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wye.buffer.disk.PENDING_BYTES", 100 * SIZE)
    cases: list[tuple[WhenFull, str]] = [("drop_newest", "e0"), ("drop_oldest", "e499")]
    for when_full, kept in cases:
        spool = Spool(path.with_name(when_full), letters, when_full=when_full)
        async with running(spool):
            bound(spool, 8)
            dropped = [name for number in range(500) for name in spool.put([make_event(f"e{number}")])]
            assert 390 <= len(dropped) <= 410
            assert kept not in dropped
            assert spool.account.balanced
            bound(spool, 100_000)
            assert len(await spool.settle_all()) == 500 - len(dropped)


async def test_a_failing_disk_ends_the_buffer_and_no_success_is_told(
    path: Path, letters: DeadLetters, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.put(numbered(2, "old"))
        await spool.written()
        writer = spool.store._writer  # pyright: ignore[reportPrivateUsage]
        assert writer is not None
        writer.create_function("fail", 0, _io_error)
        writer.execute("CREATE TEMP TRIGGER fails AFTER INSERT ON rows BEGIN SELECT fail(); END")
        spool.put(numbered(2, "new"))
        await spool.written()
        assert spool.told == {"old0": Outcome.SAFE, "old1": Outcome.SAFE, "new0": Outcome.FAILED, "new1": Outcome.FAILED}
        assert not spool.buffer.queued_events
        assert not spool.buffer.more
        assert not spool.buffer.room_for(1, 1)
        spool.put(numbered(1, "late"))
        assert spool.told["late0"] is Outcome.FAILED
        assert spool.account.balanced
        assert spool.account.in_flight == 2
        assert spool.buffer.safe_events == 0
    assert [one.levelno for one in caplog.records] == [logging.ERROR]
    async with running(Spool(path, letters)) as again:
        assert await again.settle_all() == ["old0", "old1"]


def _io_error() -> None:
    raise OSError("I/O")


# ── damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_damaged_file_is_set_aside_at_the_start(
    path: Path, letters: DeadLetters, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\x00garbage" * 5000)
    async with running(Spool(path, letters)) as spool:
        spool.put(numbered(2))
        assert await spool.settle_all() == ["e0", "e1"]
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == b"\x00garbage" * 5000
    assert f"wye spool salvage {aside}" in caplog.text


async def test_damage_found_later_costs_only_what_lies_in_the_file_alone(
    path: Path, letters: DeadLetters, caplog: pytest.LogCaptureFixture
) -> None:
    with small_steps(row_events=50, window_events=100):
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(1000))
            await spool.written()
            await spool.store.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
            with path.open("r+b") as file:
                file.seek(12 * 4096)
                file.write(b"\xa5" * (path.stat().st_size - 12 * 4096))
            for connection in (spool.store._reader, spool.store._writer):  # pyright: ignore[reportPrivateUsage]
                assert connection is not None
                connection.execute("PRAGMA shrink_memory")
            out = await spool.settle_all()
            spool.put(numbered(5, "new"))
            out += await spool.settle_all()
            assert out[:100] == [f"e{number}" for number in range(100)]
            assert out[-5:] == [f"new{number}" for number in range(5)]
            assert spool.account.balanced
            assert spool.account.delivered + spool.account.dead_lettered + spool.account.dropped == 1005
            assert spool.account.dropped > 0
    assert len(list(path.parent.glob("*.damaged-*"))) == 1
    assert "set aside as" in caplog.text
    async with running(Spool(path, letters)) as again:
        assert again.account.balanced
        assert again.account.in_flight == 0


async def test_one_spoilt_row_goes_to_the_dead_letters_with_its_bytes(path: Path, letters: DeadLetters) -> None:
    with small_steps(row_events=2):
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(6))
            await spool.written()
        connection = sqlite3.connect(path)
        connection.execute("UPDATE rows SET payload = CAST(replace(payload, 'e2', 'x2') AS BLOB) WHERE seq = 2")
        connection.commit()
        connection.close()
        async with writing(letters):
            again = Spool(path, letters)
            async with running(again):
                assert await again.settle_all() == ["e0", "e1", "e4", "e5"]
                await until(lambda: again.account.dead_lettered == 2)
                assert again.account.balanced
    found = letters_in(letters.path)
    assert [one["reason"] for one in found] == [f"row 2 of {path} is damaged: its checksum is wrong"] * 2
    assert "x2" in found[0]["original"]
    async with running(Spool(path, letters)) as last:
        assert (last.account.received, last.account.dead_lettered, last.account.in_flight) == (6, 2, 0)


async def test_what_cannot_be_written_or_read_costs_itself_alone(path: Path, letters: DeadLetters) -> None:
    odd = [
        make_event("a"),
        make_event("b", attrs={"x": object()}),
        make_event("c", attrs={"x": Decimal("NaN")}),
        make_event("d"),
    ]
    async with writing(letters):
        async with running(Spool(path, letters)) as spool:
            spool.put(odd)
            await spool.written()
            await until(lambda: spool.account.dead_lettered == 1)
            assert spool.told["a"] is Outcome.SAFE
            assert spool.account.balanced
        async with running(Spool(path, letters)) as again:
            assert await again.settle_all() == ["a", "d"]
            await until(lambda: again.account.dead_lettered == 2)
            assert again.account.balanced
    reasons = [one["reason"] for one in letters_in(letters.path)]
    assert "cannot be written as JSON: TypeError" in reasons[0]
    assert "row 1 of" in reasons[1]
    assert "JSON" in reasons[1]


# ── other files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_files_that_are_not_its_own_are_refused(path: Path, letters: DeadLetters) -> None:
    path.parent.mkdir()
    stranger = sqlite3.connect(path)
    stranger.execute("CREATE TABLE theirs (x)")
    stranger.close()
    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="none of wye's")):
        async with running(Spool(path, letters)):
            pass
    path.unlink()
    async with running(Spool(path, letters)):
        with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="in use by another process")):
            async with running(Spool(path, letters)):
                pass
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.RaisesGroup(pytest.RaisesExc(StartError, match="version 99")):
        async with running(Spool(path, letters)):
            pass


async def test_a_file_of_the_first_version_is_read(path: Path, letters: DeadLetters) -> None:
    path.parent.mkdir()
    path.write_bytes(OLD.read_bytes())
    async with running(Spool(path, letters)) as spool:
        assert structs.astuple(spool.account)[1:7] == (9, 2, 1, 1, 1, 4)
        await until(lambda: spool.buffer.queued_events == 4)
        taken = spool.take()
        assert [event.id for event, _ in taken] == ["a", "b", "c", "d"]
        assert taken[0][0] == make_event(
            "a", "purchase", goods_total=Decimal("10.90"), origin=Origin(vendor="v", raw=b"\x00\xff")
        )
        for _, batch in taken:
            spool.settle(batch)
        assert spool.account.balanced
