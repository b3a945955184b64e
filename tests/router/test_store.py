"""The store on real files. A full disk is SQLite's own bound on pages, so that nothing need be mounted for it."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from router.core_rig import until
from wye.store import DamagedError, Schema, Store, StoreError, connect, in_use

ONE = Schema("shelf", ("CREATE TABLE things (name TEXT)",))
TWO = Schema("shelf", (*ONE.steps, "ALTER TABLE things ADD COLUMN size INTEGER DEFAULT 7"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "made" / "for it" / "shelf.db", ONE, "shelf")


@asynccontextmanager
async def running(store: Store) -> AsyncGenerator[None]:
    store.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        yield
        store.finish()
    store.close()


def add(name: str, size: int = 0) -> str:
    return f"INSERT INTO things (name) VALUES ('{name}' || hex(zeroblob({size})))"


async def write(store: Store, *statements: str) -> bool:
    def work(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return await store.write(work)


def names(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [name for (name,) in connection.execute("SELECT name FROM things ORDER BY rowid")]
    connection.close()
    return found


def bound(store: Store, pages: int) -> None:
    """So many pages and no more: SQLite's own full disk."""
    store.query(lambda _: None)
    connection = store._writer  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {pages}")


async def test_what_is_written_is_there_after_a_restart(store: Store) -> None:
    async with running(store):
        assert await write(store, add("a"), add("b"))
    async with running(store):
        assert await store.read(lambda connection: connection.execute("SELECT count(*) FROM things").fetchone()[0]) == 2
    assert names(store.path) == ["a", "b"]


async def test_what_waits_together_is_one_transaction(store: Store) -> None:
    words: list[bool] = []
    async with running(store):
        for name in "abc":
            store.submit(lambda connection, name=name: _run(connection, add(name)), words.append)
        await until(lambda: len(words) == 3)
        writer = store._writer  # pyright: ignore[reportPrivateUsage]
        assert writer is not None
        assert writer.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert words == [True] * 3


async def test_a_second_process_is_refused_and_told_who_has_it(store: Store) -> None:
    async with running(store):
        code = f"""
from pathlib import Path
from wye.store import *
try:
    Store(Path({str(store.path)!r}), Schema("shelf", ()), "shelf").open()
except StoreError as error:
    print(error)
"""
        said = await trio.run_process([sys.executable, "-c", code], capture_stdout=True)
        assert f"in use by another process (pid {os.getpid()})" in said.stdout.decode()
        assert in_use(store.path)
    assert not in_use(store.path)


async def test_a_process_that_was_killed_holds_nothing(store: Store) -> None:
    code = f"""
from pathlib import Path
from wye.store import *
Store(Path({str(store.path)!r}), Schema("shelf", ("CREATE TABLE things (name TEXT)",)), "shelf").open()
print("open", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"open\n"
    assert in_use(store.path)
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    async with running(store):
        assert await write(store, add("a"))


async def test_an_older_file_is_brought_up_to_date(store: Store) -> None:
    async with running(store):
        await write(store, add("old"))
    newer = Store(store.path, TWO, "shelf")
    async with running(newer):
        rows = await newer.read(lambda connection: connection.execute("SELECT name, size FROM things").fetchall())
    assert rows == [("old", 7)]


def test_a_newer_file_and_a_strangers_database_are_refused(tmp_path: Path) -> None:
    connect(tmp_path / "newer.db", TWO).close()
    with pytest.raises(StoreError, match="has version 2, and this wye knows shelfs up to 1; use the newer wye"):
        Store(tmp_path / "newer.db", ONE, "shelf").open()
    stranger = sqlite3.connect(tmp_path / "stranger.db")
    stranger.execute("CREATE TABLE theirs (x)")
    stranger.close()
    with pytest.raises(StoreError, match="none of wye's"):
        Store(tmp_path / "stranger.db", ONE, "shelf").open()


@pytest.mark.parametrize("wipes", [True, False])
async def test_what_is_taken_out_is_wiped_where_that_is_wanted_and_sqlite_does(tmp_path: Path, wipes: bool) -> None:
    store = Store(tmp_path / "shelf.db", Schema("shelf", ONE.steps, wipes), "shelf")
    with sqlite3.connect(":memory:") as plain:
        wiping = bool(plain.execute("PRAGMA secure_delete").fetchone()[0])
    secret = "s" * 20_000
    async with running(store):
        assert await write(store, add(secret))
        assert await write(store, "DELETE FROM things")
    assert (secret[:4000].encode() in store.path.read_bytes()) == (not (wipes and wiping))


def test_files_are_their_owners_only(store: Store) -> None:
    store.open()
    try:
        assert {path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()} == {0o600}
    finally:
        store.close()


@pytest.mark.parametrize(
    "garbage", [b"no database at all, but long enough to be looked at" * 40, b"SQLite format 3\0" + b"\xff" * 5000]
)
async def test_a_damaged_file_is_set_aside_and_a_new_one_made(store: Store, garbage: bytes) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(garbage)
    with pytest.raises(DamagedError):
        store.open()
    assert in_use(store.path), "nobody else may set it aside at the same time"
    aside = store.set_aside()
    assert aside.read_bytes() == garbage
    assert aside.name.startswith("shelf.db.damaged-")
    async with running(store):
        assert await write(store, add("a"))
    assert names(store.path) == ["a"]


async def test_a_full_disk_is_waited_for_and_said_once(
    store: Store, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    words: list[bool] = []
    async with running(store):
        bound(store, 8)
        store.submit(lambda connection: _run(connection, add("large", 40_000)), words.append)
        await until(lambda: store.refusing)
        await trio.sleep(30)
        assert words == []
        bound(store, 100_000)
        await until(lambda: bool(words))
    assert words == [True]
    assert not store.refusing
    assert [one.levelno for one in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "events wait until it can be written" in caplog.text


async def test_on_a_full_disk_what_needs_no_room_is_written(store: Store, autojump_clock: trio.testing.MockClock) -> None:
    words: dict[str, bool] = {}
    async with running(store):
        await write(store, add("old", 10_000))
        bound(store, 10)
        store.submit(lambda connection: _run(connection, add("large", 40_000)), lambda word: words.update(large=word))
        await until(lambda: store.refusing)
        store.submit(lambda connection: _run(connection, "DELETE FROM things"), lambda word: words.update(gone=word))
        await until(lambda: "gone" in words)
        assert words == {"gone": True}
        bound(store, 100_000)
    assert words == {"gone": True, "large": True}


async def test_a_disk_that_fails_ends_the_store(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    words: list[bool] = []
    async with running(store):
        assert await write(store, add("a"))

        def fail(connection: sqlite3.Connection) -> None:
            connection.execute(add("never"))
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        store.submit(fail, words.append)
        await until(lambda: bool(words))
        assert words == [False]
        assert store.broken == "disk I/O error"
        assert not store.damaged
        assert not await write(store, add("later"))
    assert names(store.path) == ["a"]
    assert caplog.text.count("failed") == 1


async def test_damage_found_while_it_runs_is_told_apart_and_can_be_replaced(store: Store) -> None:
    async with running(store):
        for _ in range(50):
            await write(store, add("a", 3_000))
        await store.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        size = store.path.stat().st_size
        with store.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        with pytest.raises(StoreError):
            await store.read(lambda _: sqlite3.connect(store.path).execute("SELECT sum(length(name)) FROM things").fetchall())
        assert store.broken is not None
        assert store.damaged
        assert not await write(store, add("b"))
        aside = await store.replace()
        assert await write(store, add("c"))
    assert aside.exists()
    assert names(store.path) == ["c"]


async def test_a_store_that_breaks_while_works_wait_for_room_tells_them(
    store: Store, autojump_clock: trio.testing.MockClock
) -> None:
    words: list[bool] = []

    def unreadable(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    async with running(store):
        bound(store, 8)
        store.submit(lambda connection: _run(connection, add("large", 40_000)), words.append)
        await until(lambda: store.refusing)
        with pytest.raises(StoreError):
            await store.read(unreadable)
        await until(lambda: bool(words))
    assert words == [False]


def _run(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement)


async def test_who_looks_from_another_process_takes_nothing_away(store: Store) -> None:
    """The last one to close a database deletes its log: the locks that say who is there must hold."""
    look = f"import sqlite3; c = sqlite3.connect({str(store.path)!r}); c.execute('SELECT count(*) FROM things'); c.close()"
    async with running(store):
        connect(store.path, ONE).close()
        assert await write(store, add("a"))
        await trio.run_process([sys.executable, "-c", look])
        assert await write(store, add("b"))
        assert names(store.path) == ["a", "b"]


class _Odd:
    """A disk that is full for what is written together, and then does this for each alone."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, alone: Callable[[], None]) -> None:
        self.calls = 0
        real = store._transact  # pyright: ignore[reportPrivateUsage]

        def transact(pieces: Sequence[Any]) -> None:
            self.calls += 1
            if len(pieces) > 1:
                raise _error(sqlite3.SQLITE_FULL)
            alone()
            real(pieces)

        monkeypatch.setattr(store, "_transact", transact)


def _error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    return error


async def test_a_disk_that_fails_after_it_was_full_leaves_nobody_without_a_word(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise _error(sqlite3.SQLITE_IOERR_FSYNC)

    _Odd(store, monkeypatch, fail)
    words: list[bool] = []
    with trio.fail_after(10):
        async with running(store):
            for name in "abc":
                store.submit(lambda connection, name=name: _run(connection, add(name)), words.append)
    assert words == [False] * 3


async def test_a_full_disk_is_over_when_each_alone_has_found_room(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.refusing = True
    _Odd(store, monkeypatch, lambda: None)
    words: list[bool] = []
    async with running(store):
        for name in "abc":
            store.submit(lambda connection, name=name: _run(connection, add(name)), words.append)
    assert words == [True] * 3
    assert not store.refusing
    assert "can be written again" in caplog.text
