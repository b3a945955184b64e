"""A spool file that no daemon works on: looked into, taken apart, and what is sound of a damaged one saved."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from wye.buffer import rows
from wye.buffer.rows import COLUMNS, SCHEMA, StoredRow
from wye.database import APPLICATION_ID, DamagedError, StoreError, beside, code_of, connect
from wye.ledger import name_in

_STEP = 64
_SIZE_FIELD = 28
"""Where SQLite's header has the number of pages."""


class SpoolStats(Struct):
    """What waits in a file. ``types`` counts events by type; ``oldest_ms`` is when the oldest row came, ms since the epoch."""

    rows: int = 0
    events: int = 0
    bytes: int = 0
    oldest_ms: int | None = None
    types: Counter[str] = msgspec.field(default_factory=Counter[str])
    unsound_rows: int = 0


class Salvaged(Struct):
    """What could be saved of a damaged file. ``expected`` are the events that its totals name, where these can be read;
    ``unsound`` the numbers of rows whose checksum is wrong."""

    rows: int = 0
    events: int = 0
    expected: int | None = None
    unsound: list[int] = msgspec.field(default_factory=list[int])


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


@contextmanager
def opened(path: Path) -> Generator[sqlite3.Connection]:
    """``path`` for reading alone, also while a daemon writes it. Raises ``StoreError``, ``DamagedError`` where it is no sound
    spool."""
    if not path.is_file():
        raise StoreError(f"{path} is no file")
    try:
        with closing(_reading(path)) as connection:
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if kind != APPLICATION_ID or not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rows'").fetchone():
                raise StoreError(f"{path} is no spool of wye's")
            if version > SCHEMA.version:
                raise StoreError(f"{path} has version {version}, and this wye knows spools up to {SCHEMA.version}")
            yield connection
    except sqlite3.Error as error:
        raise (DamagedError if _is_damage(error) else StoreError)(f"{path}: {error}") from None


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _is_damage(error: sqlite3.Error) -> bool:
    return code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def each_row(connection: sqlite3.Connection) -> Iterator[StoredRow]:
    """All rows, in order."""
    for found in connection.execute(f"SELECT {COLUMNS} FROM rows ORDER BY seq"):  # noqa: S608  a constant
        yield StoredRow(*found)


def check(path: Path) -> list[str]:
    """What is wrong with the file; nothing is an empty list. Raises ``StoreError`` where it cannot be read at all."""
    with opened(path) as connection:
        faults = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        found = SpoolStats()
        for row in each_row(connection):
            found.rows += 1
            found.events += row.count
            found.bytes += len(row.payload)
            if not row.is_sound:
                faults.append(f"row {row.seq}: its checksum is wrong; {row.count} events")
                continue
            events, failures = rows.decoded(row.payload)
            faults += [f"row {row.seq}, line {one.index + 1}: {one.reason}" for one in failures]
            if len(events) + len(failures) != row.count:
                faults.append(f"row {row.seq}: {len(events) + len(failures)} events, where it says {row.count}")
        totals = rows.read_totals(connection)
        if (totals.rows, totals.events, totals.bytes) != (found.rows, found.events, found.bytes):
            faults.append(
                f"its totals say {totals.rows} rows, {totals.events} events, {totals.bytes} bytes; there are {found.rows},"
                f" {found.events}, {found.bytes}"
            )
        return faults


def stats(path: Path) -> SpoolStats:
    """What waits in the file, counted. Raises ``StoreError``."""
    found = SpoolStats()
    with opened(path) as connection:
        for row in each_row(connection):
            found.rows += 1
            found.events += row.count
            found.bytes += len(row.payload)
            found.oldest_ms = row.came_ms if found.oldest_ms is None else min(found.oldest_ms, row.came_ms)
            if not row.is_sound:
                found.unsound_rows += 1
                continue
            for line in row.payload.splitlines():
                with suppress(msgspec.DecodeError):
                    found.types[name_in(found.types, _typed.decode(line).type)] += 1
    return found


# ── salvage ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def salvage(damaged: Path, found: Salvaged) -> Iterator[StoredRow]:
    """The rows that can still be read and are sound, in order; ``found`` is brought up to date on the way. Works on a copy.
    Raises ``StoreError`` where nothing can be read."""
    if not damaged.is_file():
        raise StoreError(f"{damaged} is no file")
    with tempfile.TemporaryDirectory(prefix="wye-salvage-", dir=damaged.parent) as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(damaged, copy)
        log = beside(damaged, "-wal")
        if log.exists():
            shutil.copyfile(log, beside(copy, "-wal"))
        _give_it_a_head(copy, Path(folder) / "fresh.db")
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            with suppress(sqlite3.Error):
                found.expected = rows.read_totals(connection).events
            try:
                last = _last_seq(connection)
            except sqlite3.Error as error:
                raise StoreError(f"nothing can be read of {damaged}: {error}") from None
            for row in _readable(connection, last):
                if not row.is_sound:
                    found.unsound.append(row.seq)
                    continue
                found.rows += 1
                found.events += row.count
                yield row


def _give_it_a_head(copy: Path, fresh: Path) -> None:
    """Where the first page is the damage: every spool of a version begins alike, so a new one's first page finds the rows."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as connection:
        connection.execute("SELECT 1 FROM rows LIMIT 1").fetchone()
        return
    with closing(connect(fresh, SCHEMA)) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    with fresh.open("rb") as source, copy.open("r+b") as target:
        target.write(source.read(page_bytes))
        target.seek(_SIZE_FIELD)
        target.write(bytes(4))  # "go by the size of the file"


def _last_seq(connection: sqlite3.Connection) -> int:
    """No row has a larger number."""
    try:
        return rows.read_totals(connection).last_seq
    except sqlite3.Error:
        (last,) = connection.execute("SELECT max(seq) FROM rows").fetchone()
        return last or 0


def _readable(connection: sqlite3.Connection, last: int) -> Iterator[StoredRow]:
    """Some at a time; one by one where that fails, so that a damaged page costs only what lies on it."""
    seq = 0
    while seq <= last:
        try:
            some = _between(connection, seq, last, _STEP)
            yield from some
            seq = some[-1].seq + 1 if len(some) == _STEP else last + 1
        except sqlite3.Error:
            for one in range(seq, seq + _STEP):
                with suppress(sqlite3.Error):
                    yield from _between(connection, one, one, 1)
            seq += _STEP


def _between(connection: sqlite3.Connection, first: int, last: int, most: int) -> Sequence[StoredRow]:
    query = f"SELECT {COLUMNS} FROM rows WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"  # noqa: S608  a constant
    return [StoredRow(*found) for found in connection.execute(query, (first, last, most))]
