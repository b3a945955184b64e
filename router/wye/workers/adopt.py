"""What is left of workers that there are no more, because the config asks for fewer: the first worker takes it over.

What waits in their buffers goes behind what waits in its own, with what they counted; their dead letters go into its file and
get new numbers. A crash between the two commits of this repeats events; it loses none.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from wye.buffer import rows
from wye.buffer.offline import each_row
from wye.buffer.rows import Counts
from wye.database import DamagedError, Schema, beside
from wye.deadletters import table
from wye.plugin import StartError
from wye.store import Store, StoreError
from wye.workers.files import of_all

log = logging.getLogger("wye.workers")


class _Kind(Struct, frozen=True):
    """A kind of file. ``copy`` puts all of the second one into the first and returns how many, ``clear`` empties a file."""

    what: str
    schema: Schema
    copy: Callable[[sqlite3.Connection, sqlite3.Connection], int]
    clear: Callable[[sqlite3.Connection], None]


def adopt(spools: Sequence[Path], letters: Path, workers: int) -> None:
    """Take over what lies in the files of workers whose number is ``workers`` or more. The paths are the first worker's. Raises
    ``StartError`` when that cannot be done now."""
    for path in spools:
        for left in _left(path, workers):
            _take_over(path, left, _SPOOL)
            left.unlink(missing_ok=True)
            beside(left, ".lock").unlink(missing_ok=True)
    for left in _left(letters, workers):
        _take_over(letters, left, _LETTERS)  # the file stays, empty: it knows which numbers were given


def _left(path: Path, workers: int) -> list[Path]:
    return [one for number, one in of_all(path).items() if number >= workers]


def _take_over(path: Path, left: Path, kind: _Kind) -> None:
    source, target = Store(left, kind.schema, left.name), Store(path, kind.schema, path.name)
    try:
        _open(source)
        _open(target)
        count = source.query(partial(_copied, target, kind))
        source.change(kind.clear)
    except StoreError as error:
        raise StartError(f"cannot take over what waits in {left}, of a worker that there is no more: {error}") from None
    finally:
        source.close()
        target.close()
    if count:
        log.warning("%s: %d %s are taken over into %s, as there is no such worker any more", left, count, kind.what, path.name)


def _open(store: Store) -> None:
    try:
        store.open()
    except DamagedError as error:
        log.error("%s; it is now %s, and a new file is begun", error, store.set_aside())
        store.open()


def _copied(target: Store, kind: _Kind, source: sqlite3.Connection) -> int:
    counts: list[int] = []
    target.change(lambda connection: counts.append(kind.copy(connection, source)))
    return counts[0]


# ── in a transaction ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _copy_rows(target: sqlite3.Connection, source: sqlite3.Connection) -> int:
    last, left = rows.read_totals(target).last_seq, rows.read_totals(source)
    rows.insert(target, (structs.replace(row, seq=seq) for seq, row in enumerate(each_row(source), start=last + 1)))
    rows.write_ended(target, rows.read_totals(target).ended.plus(left.ended))
    return left.events


def _clear_rows(source: sqlite3.Connection) -> None:
    source.execute("DELETE FROM rows")
    rows.write_ended(source, Counts())


_COLUMNS = (
    "first_time, last_time, stage, reason, source, sink, adapter, through, position, status, attempts, marked, event, original"
)


def _copy_letters(target: sqlite3.Connection, source: sqlite3.Connection) -> int:
    values = source.execute(f"SELECT {_COLUMNS} FROM letters ORDER BY id")  # noqa: S608  constants
    marks = ", ".join("?" * len(_COLUMNS.split(",")))
    copied = target.executemany(f"INSERT INTO letters ({_COLUMNS}) VALUES ({marks})", values).rowcount  # noqa: S608
    target.execute("UPDATE totals SET dropped = dropped + ?", (table.totals(source).dropped,))
    return max(copied, 0)


def _clear_letters(source: sqlite3.Connection) -> None:
    source.execute("DELETE FROM letters")
    source.execute("UPDATE totals SET dropped = 0")


_SPOOL = _Kind("events", rows.SCHEMA, _copy_rows, _clear_rows)
_LETTERS = _Kind("dead letters", table.SCHEMA, _copy_letters, _clear_letters)
