"""The file of dead letters, and what can be asked of it; by the daemon that writes it and by the command line beside it."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from wye.database import Schema
from wye.deadletters.letter import LONGEST_REASON, DeadLetter, Entry, halves
from wye.event import Event
from wye.words import cut

NAME = "dead-letters.db"
"""The file's name, in the data directory."""

OVERHEAD_BYTES = 256
"""What an entry counts for beside its reason, event and original; the file says it too."""

NUMBERS = 10**12
"""How many numbers each worker has for its letters: no two of them give the same one."""

_CHUNK = 64
"""Entries that are read at a time: nobody who reads slowly keeps SQLite from cleaning up."""

# Numbers are never given twice: who holds one must not find another letter under it. The sums are kept by the file itself, so
# that they are right whoever changes it.
_FIRST = """
CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first_time TEXT NOT NULL,
    last_time TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT,
    sink TEXT,
    adapter TEXT,
    through TEXT,
    position TEXT,
    status INTEGER,
    attempts INTEGER,
    marked INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL AS (256 + length(CAST(reason AS BLOB)) + ifnull(length(event), 0)
        + ifnull(length(original), 0)) STORED,
    event BLOB,
    original BLOB
);
CREATE INDEX marked_sinks ON letters (sink, id) WHERE marked = 1 AND stage <> 'decode';
CREATE INDEX marked_sources ON letters (source, id) WHERE marked = 1 AND stage = 'decode';
CREATE TABLE totals (letters INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0, 0);
CREATE TABLE imported (file TEXT PRIMARY KEY);
CREATE TRIGGER added AFTER INSERT ON letters BEGIN
    UPDATE totals SET letters = letters + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER changed AFTER UPDATE ON letters WHEN NEW.bytes <> OLD.bytes BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes - OLD.bytes;
END;
CREATE TRIGGER removed AFTER DELETE ON letters BEGIN
    UPDATE totals SET letters = letters - 1, bytes = bytes - OLD.bytes;
END
"""

SCHEMA = Schema("dead letters file", [_FIRST])


class Totals(Struct, frozen=True):
    """What the file holds; ``dropped`` were given up since it was made, because it was full."""

    letters: int = 0
    bytes: int = 0
    dropped: int = 0


class Row(Struct, frozen=True):
    """A letter as it is written: by name of column. ``bytes`` is what it counts for."""

    id: int | None
    values: dict[str, Any]
    bytes: int


class Selection(Struct, frozen=True):
    """Which entries are meant: those for which all of this holds."""

    ids: Sequence[int] = ()
    sink: str | None = None
    source: str | None = None
    stage: str | None = None
    marked: bool = False
    where: Callable[[Event], bool] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing was asked for."""
        return self == Selection()


class Group(Struct, frozen=True):
    """Entries of one part that failed for the same reason."""

    sink: str | None
    source: str | None
    stage: str
    reason: str
    letters: int
    bytes: int
    first_time: str
    last_time: str


def number_from(connection: sqlite3.Connection, last: int) -> None:
    """In a file that has given no number yet, begin after ``last``."""
    connection.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'letters', ? WHERE NOT EXISTS"
        " (SELECT 1 FROM sqlite_sequence WHERE name = 'letters')",
        (last,),
    )


# ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of(letter: DeadLetter, time: str, redact: Callable[[str], str] = str) -> Row:
    """``letter`` as it is written at ``time``."""
    event, original = (None, None) if letter.event is None else halves(letter.event)
    original = letter.original if letter.original is not None else original
    reason = cut(_text(redact(letter.reason)), LONGEST_REASON)
    values = {
        "first_time": time,
        "last_time": time,
        "stage": letter.stage,
        "reason": reason,
        "source": _name(letter.source),
        "sink": _name(letter.sink),
        "adapter": _name(letter.adapter),
        "through": msgspec.json.encode(letter.through).decode() if letter.through else None,
        "position": _name(letter.position),
        "status": _number(letter.status),
        "attempts": _number(letter.attempts),
        "event": event,
        "original": original,
        "id": letter.id,
    }
    return Row(letter.id, values, OVERHEAD_BYTES + len(reason.encode()) + len(event or b"") + len(original or b""))


def _text(text: str) -> str:
    """What SQLite takes: no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def _name(text: str | None) -> str | None:
    return None if text is None else _text(text)


def _number(number: int | None) -> int | None:
    """A vendor's number, if it is one that can be written."""
    return number if number is not None and -(2**63) <= number < 2**63 else None


_INSERT = """
INSERT INTO letters (first_time, last_time, stage, reason, source, sink, adapter, through, position, status, attempts, event,
    original)
VALUES (:first_time, :last_time, :stage, :reason, :source, :sink, :adapter, :through, :position, :status, :attempts, :event,
    :original)
"""

_RENEW = """
UPDATE letters SET last_time = :last_time, stage = :stage, reason = :reason, status = :status, marked = 0,
    attempts = CASE WHEN attempts IS NULL AND :attempts IS NULL THEN NULL ELSE ifnull(attempts, 0) + ifnull(:attempts, 0) END,
    event = ifnull(:event, event), original = ifnull(:original, original)
WHERE id = :id
"""


def write(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """New entries for new letters; of those that were retried, what is new about theirs."""
    connection.executemany(_INSERT, (row.values for row in rows if row.id is None))
    connection.executemany(_RENEW, (row.values for row in rows if row.id is not None))


def make_room(connection: sqlite3.Connection, max_bytes: int) -> int:
    """Drop the oldest until the others are within ``max_bytes``; the newest stays. Returns how many went."""
    excess = totals(connection).bytes - max_bytes
    last = connection.execute("SELECT max(id) FROM letters").fetchone()[0]
    gone: list[tuple[int]] = []
    if excess > 0:
        for number, size in connection.execute("SELECT id, bytes FROM letters WHERE id < ? ORDER BY id", (last,)):
            gone.append((number,))
            excess -= size
            if excess <= 0:
                break
    connection.executemany("DELETE FROM letters WHERE id = ?", gone)
    if gone:
        connection.execute("UPDATE totals SET dropped = dropped + ?", (len(gone),))
    return len(gone)


def remove(connection: sqlite3.Connection, ids: Iterable[int]) -> int:
    """Returns how many there were."""
    return connection.executemany("DELETE FROM letters WHERE id = ?", ((one,) for one in ids)).rowcount


def mark(connection: sqlite3.Connection, ids: Iterable[int]) -> int:
    """For a retry. Returns how many there were."""
    return connection.executemany("UPDATE letters SET marked = 1 WHERE id = ?", ((one,) for one in ids)).rowcount


def unmark(connection: sqlite3.Connection, number: int, time: str, reason: str) -> None:
    """It was retried and neither delivered nor refused: ``reason``."""
    connection.execute(
        "UPDATE letters SET marked = 0, last_time = ?, reason = ? WHERE id = ?",
        (time, cut(_text(reason), LONGEST_REASON), number),
    )


def release(connection: sqlite3.Connection, column: str, names: Iterable[str | None]) -> None:
    """Unmark what can go nowhere: its sink or source (``column``) is none of this config's."""
    stage = "stage = 'decode'" if column == "source" else "stage <> 'decode'"
    connection.executemany(
        f"UPDATE letters SET marked = 0 WHERE marked = 1 AND {stage} AND {column} IS ?",  # noqa: S608  no stranger's text
        ((name,) for name in names),
    )


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def totals(connection: sqlite3.Connection) -> Totals:
    return Totals(*connection.execute("SELECT letters, bytes, dropped FROM totals").fetchone())


def any_marked(connection: sqlite3.Connection) -> bool:
    """Whether any entry waits to be retried."""
    return any(
        connection.execute(f"SELECT 1 FROM letters WHERE marked = 1 AND stage {which} 'decode' LIMIT 1").fetchone()  # noqa: S608
        for which in ("=", "<>")
    )


def destinations(connection: sqlite3.Connection, column: str) -> dict[str | None, int]:
    """How many marked entries are bound for which sink or source (``column``)."""
    stage = "stage = 'decode'" if column == "source" else "stage <> 'decode'"
    return dict(
        connection.execute(
            f"SELECT {column}, count(*) FROM letters WHERE marked = 1 AND {stage} GROUP BY {column}"  # noqa: S608  likewise
        )
    )


def groups(connection: sqlite3.Connection) -> list[Group]:
    """All entries by part, stage and reason, the most frequent first."""
    query = """SELECT sink, source, stage, reason, count(*) AS letters, sum(bytes), min(first_time), max(last_time) FROM letters
        GROUP BY sink, source, stage, reason ORDER BY letters DESC, max(id) DESC"""
    return [Group(*row) for row in connection.execute(query)]


_COLUMNS = """id, first_time, last_time, stage, reason, source, sink, adapter, through, position, status, attempts, marked,
event, original"""


def entries(connection: sqlite3.Connection, selection: Selection, *, newest_first: bool = False) -> Iterator[Entry]:
    """The entries meant, by number."""
    conditions, values = _conditions(selection)
    order, beyond = ("DESC", "id < ?") if newest_first else ("ASC", "id > ?")
    query = f"SELECT {_COLUMNS} FROM letters WHERE {conditions} AND {beyond} ORDER BY id {order} LIMIT {_CHUNK}"  # noqa: S608
    last = 2**63 - 1 if newest_first else -1
    while rows := connection.execute(query, (*values, last)).fetchall():
        last = rows[-1][0]
        for row in rows:
            entry = _entry(row)
            if selection.where is None or _matches(entry, selection.where):
                yield entry


def ids(connection: sqlite3.Connection, selection: Selection) -> list[int]:
    """The numbers of the entries meant."""
    if selection.where is not None:
        return [entry.id for entry in entries(connection, selection)]
    conditions, values = _conditions(selection)
    return [one for (one,) in connection.execute(f"SELECT id FROM letters WHERE {conditions} ORDER BY id", values)]  # noqa: S608


def page(selection: Selection, most: int, max_bytes: int, connection: sqlite3.Connection) -> list[Entry]:
    """The oldest entries meant, at most so many and so large; at least one where there is any."""
    found: list[Entry] = []
    size = 0
    for entry in islice(entries(connection, selection), most):
        size += len(entry.event or b"") + len(entry.original or entry.original_base64 or "")
        if found and size > max_bytes:
            break
        found.append(entry)
    return found


def _conditions(selection: Selection) -> tuple[str, list[Any]]:
    conditions, values = ["1"], list[Any]()
    if selection.ids:
        conditions.append("id IN (SELECT value FROM json_each(?))")
        values.append(msgspec.json.encode(selection.ids).decode())
    for column in ("sink", "source", "stage"):
        if getattr(selection, column) is not None:
            conditions.append(f"{column} = ?")
            values.append(getattr(selection, column))
    if selection.marked:
        conditions.append("marked = 1")
        conditions.append("stage = 'decode'" if selection.source is not None else "stage <> 'decode'")
    return " AND ".join(conditions), values


def _matches(entry: Entry, where: Callable[[Event], bool]) -> bool:
    try:
        event = entry.to_event()
    except ValueError:
        return False
    return event is not None and where(event)


def _entry(row: tuple[Any, ...]) -> Entry:
    *plain, through, position, status, attempts, marked, event, original = row
    entry = Entry(
        **dict(zip(("id", "first_time", "last_time", "stage", "reason", "source", "sink", "adapter"), plain, strict=True)),
        through=msgspec.json.decode(through, type=tuple[str, ...]) if through else (),
        position=position,
        status=status,
        attempts=attempts,
        marked=bool(marked),
        event=None if event is None else msgspec.Raw(event),
    )
    if original is not None:
        try:
            entry.original = original.decode()
        except UnicodeDecodeError:
            entry.original_base64 = b64encode(original).decode()
    return entry
