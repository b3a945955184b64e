"""Letters on their way into the file: durable before anyone is told, within their bound, whatever the disk does."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import Disk, letters_in, until, writing
from wye.deadletters import DeadLetter, DeadLetters, table
from wye.deadletters.letter import LONGEST_REASON
from wye.deadletters.table import OVERHEAD_BYTES, Selection
from wye.event import Origin
from wye.plugin import StartError
from wye.testing import make_event


def letter(reason: str = "no", **fields: object) -> DeadLetter:
    return DeadLetter(stage="send", reason=reason, **fields)  # type: ignore[arg-type]


def record(size: int, name: str = "x") -> DeadLetter:
    """A letter that counts for ``size`` bytes."""
    return DeadLetter(stage="decode", reason=name, source="in", original=b"." * (size - OVERHEAD_BYTES - len(name)))


def drop(path: Path, *numbers: int) -> None:
    """What the command line does, beside the daemon."""
    with closing(sqlite3.connect(path)) as connection, connection:
        table.remove(connection, numbers or table.ids(connection, Selection()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "letters.db"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_letters_are_entries_that_only_their_owner_can_read(path: Path) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("one", event=make_event("a"), sink="s", status=400, attempts=2), letter("two")], lambda: None)
    first, second = letters_in(path)
    assert first["first_time"] == first["last_time"]
    assert (first["id"], first["reason"], first["sink"], first["status"], first["attempts"]) == (1, "one", "s", 400, 2)
    assert first["event"]["id"] == "a"
    assert (second["id"], second["reason"]) == (2, "two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_original_bytes_are_kept_once(path: Path) -> None:
    letters = DeadLetters(path)
    event = make_event("a", origin=Origin(vendor="test", raw=b'{"id":"a"}'))
    async with writing(letters):
        letters.submit([letter(event=event), record(300), letter(original=b"\x00\xff")], lambda: None)
    kept, text, binary = letters_in(path)
    assert kept["event"]["origin"] == {"vendor": "test"}
    assert kept["original"] == '{"id":"a"}'
    assert text["original"] == "." * 43
    assert binary["original_base64"] == "AP8="
    with closing(sqlite3.connect(path)) as connection:
        assert next(table.entries(connection, Selection())).to_event() == event


async def test_what_was_there_before_stays(path: Path) -> None:
    for reason in ("first run", "second run"):
        letters = DeadLetters(path)
        async with writing(letters):
            letters.submit([letter(reason)], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["first run", "second run"]
    assert letters.count == 2


async def test_reasons_hold_no_secret_and_have_an_end(path: Path) -> None:
    """A vendor may answer with the very key that it was sent, and with a whole page."""
    letters = DeadLetters(path, lambda text: text.replace("hunter22", "***"))
    page = "x" * (LONGEST_REASON - 4) + "hunter22"
    async with writing(letters):
        letters.submit([letter("400: no such key: hunter22"), letter(page)], lambda: None)
        await until(lambda: letters.count == 2)
        letters.unmark(1, "still no such key: hunter22", lambda: None)
    first, second = letters_in(path)
    assert first["reason"] == "still no such key: ***"
    assert second["reason"] == "x" * (LONGEST_REASON - 4) + "***"
    assert "hunter" not in path.read_bytes().decode("latin-1")


async def test_a_long_reason_is_cut(path: Path) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("é" * 5000)], lambda: None)
    assert letters_in(path)[0]["reason"] == "é" * (LONGEST_REASON - 1) + "…"


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


async def test_an_event_that_cannot_be_written_or_even_shown_does_not_hide_the_others(path: Path) -> None:
    letters = DeadLetters(path)
    events = [make_event("a", attrs={"x": deep(100_000)}), make_event("b", user_id="\udcff"), make_event("c")]
    async with writing(letters):
        letters.submit([letter("\ud800", event=event, sink="\ud800", status=2**70) for event in events], lambda: None)
    first, second, third = letters_in(path)
    assert "cannot even be shown" in first["original"]
    assert "\\udcff" in second["original"]
    assert third["event"]["id"] == "c"
    assert [one["reason"] for one in (first, second, third)] == ["\\ud800"] * 3
    assert "status" not in third


# ── when anyone is told ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_is_told_before_the_letters_are_committed(path: Path, disk: Disk) -> None:
    letters = DeadLetters(path)
    told: list[int] = []
    letters.submit([letter()], lambda: told.append(disk.commits))
    await wait_all_tasks_blocked()
    assert (told, letters.count) == ([], 0)
    async with writing(letters):
        pass
    assert (told, letters.count) == ([1], 1)


async def test_all_who_wait_share_one_commit(path: Path, disk: Disk) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter()], lambda: None)
        await until(lambda: letters.count == 1)
        disk.commits = 0
        for _ in range(100):
            letters.submit([letter()], lambda: None)
    assert letters.count == 101
    assert disk.commits == 1


async def test_a_disk_that_is_full_is_said_once_and_tried_until_it_takes_them(
    path: Path, disk: Disk, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    disk.full = True
    letters = DeadLetters(path)
    told: list[str] = []
    async with writing(letters):
        letters.submit([letter("one")], lambda: told.append("one"))
        await until(lambda: bool(caplog.records))
        letters.submit([letter("two")], lambda: told.append("two"))
        began = trio.current_time()
        await until(lambda: trio.current_time() > began + 5)
        assert told == []
        disk.full = False
    assert sorted(told) == ["one", "two"]
    assert sorted(one["reason"] for one in letters_in(path)) == ["one", "two"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "events wait until it can be written" in caplog.text


async def test_a_disk_that_fails_gives_no_word_and_before_long_takes_no_more_in(
    path: Path, disk: Disk, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk.broken = True
    letters = DeadLetters(path, max_bytes=1000)
    told: list[str] = []
    async with writing(letters):
        letters.submit([letter("one")], lambda: told.append("one"))
        await until(lambda: letters.store.broken is not None)
        disk.broken = False
        letters.submit([record(900)], lambda: told.append("two"))
        with trio.move_on_after(100) as patience:
            await letters.calm()
        assert patience.cancelled_caught
    assert told == []
    assert letters_in(path) == []
    assert "nothing is promised" in caplog.text


async def test_closing_writes_what_is_left_and_ends(path: Path) -> None:
    letters = DeadLetters(path)
    letters.submit([letter()], lambda: None)
    letters.close()
    with trio.fail_after(5):
        await letters.run()
    assert len(letters_in(path)) == 1


async def test_a_file_that_is_damaged_is_set_aside_and_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("after")], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["after"]
    (aside,) = path.parent.glob("letters.db.damaged-*")
    assert aside.read_bytes() == b"no database" * 1000
    assert f"it is now {aside}" in caplog.text


async def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StartError, match=r"^dead letters: .* none of wye's"):
        await DeadLetters(path).run()


# ── the bound ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_at_the_bound_letters_wait_and_so_does_intake_until_there_is_room(
    path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    letters = DeadLetters(path, max_bytes=1000)
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(letters.run, lambda: None)
        letters.submit([record(400, "one"), record(400, "two")], lambda: told.append("first"))
        letters.submit([record(400, "three"), record(400, "four")], lambda: told.append("second"))
        letters.submit([record(300, "five")], lambda: told.append("third"))
        await until(lambda: bool(told))
        assert letters.totals.bytes == 800
        with trio.move_on_after(100) as patience:
            await letters.calm()
        assert patience.cancelled_caught
        drop(path, 1)
        await until(lambda: [one["reason"] for one in letters_in(path)] == ["two", "three"])
        assert told == ["first"]
        drop(path, 2)
        await until(lambda: [one["reason"] for one in letters_in(path)] == ["three", "four"])
        await until(lambda: told == ["first", "second"])
        drop(path, 3)
        await until(lambda: told == ["first", "second", "third"])
        await letters.calm()
        letters.close()
    assert [one["reason"] for one in letters_in(path)] == ["four", "five"]
    said = [record.message for record in caplog.records if "is full" in record.message]
    assert len(said) >= 1
    assert "(max_bytes = 1000); events wait" in said[0]
    assert "retry or drop some" in said[0]


async def test_being_full_is_said_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = DeadLetters(path, max_bytes=500)
    async with trio.open_nursery() as nursery:
        await nursery.start(letters.run)
        for _ in range(20):
            letters.submit([record(300)], lambda: None)
            await wait_all_tasks_blocked()
        await until(lambda: letters.count == 1)
        nursery.cancel_scope.cancel()
    assert len([record for record in caplog.records if "is full" in record.message]) == 1


async def test_a_letter_larger_than_the_bound_is_taken_when_nothing_else_is_there(path: Path) -> None:
    letters = DeadLetters(path, max_bytes=500)
    async with writing(letters):
        letters.submit([record(2000, "giant")], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["giant"]


async def test_the_oldest_go_where_the_operator_says_so_and_it_is_counted_and_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    letters = DeadLetters(path, max_bytes=1000, when_full="drop_oldest")
    told: list[int] = []
    async with writing(letters):
        for number in range(10):
            letters.submit([record(400, f"{number}")], lambda: told.append(1))
            await until(lambda number=number: len(told) == number + 1)
        assert letters.totals == table.Totals(2, 800, 8)
        letters.submit([record(5000, "giant")], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["giant"]
    assert letters.totals == table.Totals(1, 5000, 10)
    said = [int(record.message.rpartition('"drop_oldest": ')[2].split()[0]) for record in caplog.records]
    assert said[0] == 1  # the first at once
    assert len(said) <= 3
    assert sum(said) == 10


async def test_a_retried_letter_needs_no_new_room(path: Path) -> None:
    letters = DeadLetters(path, max_bytes=700)
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(letters.run)
        letters.submit([record(400, "one")], lambda: told.append("one"))
        letters.submit([record(400, "two")], lambda: told.append("two"))
        await until(lambda: told == ["one"])
        letters.submit([letter("again", id=1, attempts=3)], lambda: told.append("again"))
        await until(lambda: told == ["one", "again"])
        nursery.cancel_scope.cancel()
    (entry,) = letters_in(path)
    assert (entry["id"], entry["reason"], entry["attempts"]) == (1, "again", 3)
    assert entry["original"] == "." * 141
