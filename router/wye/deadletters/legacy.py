"""The dead letters of an older wye: JSON lines, taken over once."""

from __future__ import annotations

import logging
import sqlite3
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from wye.database import StoreError, connect
from wye.deadletters import table
from wye.deadletters.letter import DeadLetter, Entry
from wye.deadletters.table import Row
from wye.event import Event

log = logging.getLogger("wye.dead_letters")

NAME = "dead-letters.jsonl"


class _Line(Struct):
    """What such a file holds of one letter."""

    time: str
    stage: str
    reason: str
    source: str | None = None
    sink: str | None = None
    position: str | None = None
    status: int | None = None
    attempts: int | None = None
    event: msgspec.Raw = msgspec.Raw()
    original: str | None = None
    original_base64: str | None = None


_decoder = msgspec.json.Decoder(_Line)


def take_over(path: Path) -> None:
    """Put what lies beside ``path`` in the older form into it, all at once or nothing, and rename that file. A crash before
    that does not take it over twice. Raises ``StoreError``. Whoever calls holds the lock of ``path``."""
    old = path.with_name(NAME)
    if not old.is_file():
        return
    connection = connect(path, table.SCHEMA)
    try:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            _take_over_once(connection, old)
        old.rename(_free(old))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot take over {old}: {error}; mend that, or move the file away") from None
    finally:
        connection.close()


def _take_over_once(connection: sqlite3.Connection, old: Path) -> None:
    stat = old.stat()
    identity = f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"
    if connection.execute("SELECT 1 FROM imported WHERE file = ?", (identity,)).fetchone() is None:
        _read(connection, old)
        connection.execute("INSERT INTO imported VALUES (?)", (identity,))


def _read(connection: sqlite3.Connection, old: Path) -> None:
    taken = strange = 0
    with old.open("rb") as lines:
        for line in lines:
            try:
                row = _row(_decoder.decode(line))
            except ValueError:
                strange += bool(line.strip())
                continue
            table.write(connection, [row])
            taken += 1
    log.warning("dead letters: %d taken over from %s, which is now %s", taken, old, _free(old).name)
    if strange:
        log.error("dead letters: %d lines of %s are none, and stay in that file only", strange, old)


def _row(line: _Line) -> Row:
    kept = Entry(
        id=0, first_time=line.time, last_time=line.time, stage=line.stage, reason=line.reason, event=line.event or None
    )
    original = b64decode(line.original_base64) if line.original_base64 else line.original and line.original.encode()
    row = table.row_of(
        DeadLetter(
            stage=line.stage,
            reason=line.reason,
            source=line.source,
            sink=line.sink,
            position=line.position,
            status=line.status,
            attempts=line.attempts,
            event=_event(kept),
            original=original or None,
        ),
        line.time,
    )
    return row if row.values["event"] or not line.event else _with_event(row, bytes(line.event))


def _event(kept: Entry) -> Event | None:
    try:
        return kept.to_event()
    except ValueError:
        return None


def _with_event(row: Row, event: bytes) -> Row:
    """An event that this wye does not understand, as it stood."""
    values: dict[str, Any] = {**row.values, "event": event}
    return Row(row.id, values, row.bytes + len(event))


def _free(old: Path) -> Path:
    """The name that the file gets; never one that is taken."""
    number, name = 1, old.with_name(f"{old.name}.imported")
    while name.exists():
        number += 1
        name = old.with_name(f"{old.name}.imported-{number}")
    return name
