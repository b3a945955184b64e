"""The buffer on disk when disks are full or fail, and files are damaged, old, or not its own."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from msgspec import structs

from router.buffer.disk_rig import Spool, running, small_steps
from router.core_rig import Disk, letters_in, numbered, until, writing
from wye.buffer import offline, rows
from wye.deadletters import DeadLetters
from wye.delivery import Outcome
from wye.event import Origin
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


SIZE = len(rows.encoded(numbered(1)))


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


@pytest.mark.parametrize("count", [1, 3, 7, 1000])
async def test_a_row_with_a_wrong_number_gives_what_it_holds(
    path: Path, letters: DeadLetters, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    with small_steps(row_events=4):
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(12))
            await spool.written()
        _damage(path, "UPDATE rows SET count = ? WHERE seq = 2", count)
        async with writing(letters), running(Spool(path, letters)) as spool:
            assert await spool.settle_all() == [f"e{number}" for number in range(12)]
    assert spool.account.balanced
    assert spool.account.in_flight == 0
    assert letters_in(letters.path) == []
    assert caplog.messages == [f"sink sink: row 2 of {path} says {count} events and holds 4"]
    async with running(Spool(path, letters)) as last:
        assert (last.account.received, last.account.delivered, last.account.in_flight) == (12, 12, 0)


@pytest.mark.parametrize("came_ms", [-(2**63), -150_000_000_000_000, 2**63 - 1])
async def test_a_row_with_a_wrong_time_came_at_a_time_that_can_be_said(path: Path, letters: DeadLetters, came_ms: int) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.put(numbered(2))
        await spool.written()
    _damage(path, "UPDATE rows SET came_ms = ?", came_ms)
    stats = offline.stats(path)
    assert datetime.fromtimestamp((stats.oldest_ms or 0) / 1000, UTC)
    async with running(Spool(path, letters)) as spool:
        await until(lambda: spool.buffer.queued_events == 2)
        assert spool.buffer.oldest_held_at is not None
        assert datetime.now(UTC) - timedelta(seconds=trio.current_time() - spool.buffer.oldest_held_at)
        await spool.settle_all()


async def test_a_row_that_has_lost_all_of_its_bytes_is_said_and_ends(path: Path, letters: DeadLetters) -> None:
    with small_steps(row_events=4):
        async with running(Spool(path, letters)) as spool:
            spool.put(numbered(12))
            await spool.written()
        _damage(path, "UPDATE rows SET payload = x'' WHERE seq = ?", 2)
        with trio.fail_after(5):
            async with writing(letters), running(Spool(path, letters)) as spool:
                assert len(await spool.settle_all()) == 8
    assert spool.account.balanced
    assert (spool.account.dead_lettered, spool.account.in_flight) == (4, 0)
    (letter,) = letters_in(letters.path)
    assert "row 2 of" in letter["reason"]


@pytest.mark.parametrize("damage", ["count = x'01'", "count = 'x'", "bytes = 'x'", "bytes = x''"])
async def test_a_row_with_a_number_that_is_none_can_make_room(path: Path, letters: DeadLetters, damage: str) -> None:
    with small_steps(row_events=4):
        async with running(Spool(path, letters, 40 * SIZE, "drop_oldest")) as spool:
            spool.put(numbered(40))
            await spool.written()
            _damage(path, f"UPDATE rows SET {damage} WHERE seq = ?", 5)
            spool.put(numbered(20, "new"))
            await spool.written()
            assert (await spool.settle_all())[-20:] == [f"new{number}" for number in range(20)]
            assert (spool.account.received, spool.account.in_flight, spool.buffer.held_bytes) == (60, 0, 0)
            assert spool.account.balanced


def _damage(path: Path, statement: str, value: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, (value,))


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


async def test_it_ends_when_the_file_of_the_dead_letters_has_failed(
    path: Path, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Spool(path, letters)) as spool:
        spool.put([make_event("a", attrs={"x": Decimal("NaN")})])
        await spool.written()
    with monkeypatch.context() as patch, trio.fail_after(10):
        Disk(patch, letters.store).broken = True
        async with writing(letters), running(Spool(path, letters)) as spool:
            spool.put([make_event("b", attrs={"x": object()})])
            await until(lambda: letters.store.broken is not None)
            await until(lambda: not spool.buffer.more)
        assert (spool.told, spool.account.in_flight, spool.account.dead_lettered) == ({}, 2, 0)
    again = DeadLetters(letters.path)
    async with writing(again), running(Spool(path, again)) as spool:
        await until(lambda: spool.account.dead_lettered == 1)
    assert [letter["reason"].partition(":")[0] for letter in letters_in(letters.path)] == [f"row 1 of {path}"]


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
