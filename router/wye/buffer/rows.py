"""How waiting events lie in a file: rows of canonical JSON lines, each with its checksum; and totals, so that nothing has to be
counted at start-up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct

from wye.canonical import CanonicalDecoder
from wye.database import Schema
from wye.event import Event
from wye.ledger import SinkAccount
from wye.message import Failure, Payload

ROW_EVENTS = 500
"""Events in a row, at most. What comes together is written together; what is written together is taken out together."""

ROW_BYTES = 1_048_576
"""Bytes of a row's events beyond which no further ones join them."""

_VERSION_1 = """
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY,   -- the order in which they came
    count INTEGER NOT NULL,    -- events
    bytes INTEGER NOT NULL,    -- of the payload
    came_ms INTEGER NOT NULL,  -- when the first of them came, ms since the epoch
    crc INTEGER NOT NULL,      -- CRC-32 of the payload
    payload BLOB NOT NULL      -- one canonical JSON document a line
);
CREATE TABLE totals (
    rows INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    delivered INTEGER NOT NULL, filtered INTEGER NOT NULL, dead_lettered INTEGER NOT NULL, dropped INTEGER NOT NULL
);
INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0, 0, 0);
CREATE TRIGGER row_came AFTER INSERT ON rows BEGIN
    UPDATE totals
    SET rows = rows + 1, events = events + new.count, bytes = bytes + new.bytes, last_seq = max(last_seq, new.seq);
END;
CREATE TRIGGER row_went AFTER DELETE ON rows BEGIN
    UPDATE totals SET rows = rows - 1, events = events - old.count, bytes = bytes - old.bytes;
END;
"""

SCHEMA = Schema("spool", (_VERSION_1,), wipes=False)
"""Rows come and go all the time, and their pages are soon used again: wiping them would write each event twice over."""


_COUNT = "max(1, ifnull(CAST(count AS INTEGER), 1))"
_PAYLOAD = "ifnull(CAST(payload AS BLOB), x'')"
COLUMNS = (
    f"seq, {_COUNT}, min(max(0, ifnull(CAST(came_ms AS INTEGER), 0)), 253402300799999), ifnull(CAST(crc AS INTEGER), 0),"
    f" {_PAYLOAD}"
)
"""What ``StoredRow`` is made of: of these types, and times that a calendar has (up to the year 9999), whatever damage has made
of them."""


class StoredRow(Struct, frozen=True):
    """One row, as it lies in the file."""

    seq: int
    count: int
    came_ms: int
    crc: int
    payload: bytes

    @classmethod
    def of(cls, seq: int, count: int, came_ms: int, payload: bytes) -> StoredRow:
        """A row with its checksum."""
        return cls(seq, count, came_ms, crc32(payload), payload)

    @property
    def is_sound(self) -> bool:
        """Whether the payload is what was written."""
        return crc32(self.payload) == self.crc


class Counts(Struct, frozen=True):
    """What has come to its end, in events."""

    delivered: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    dropped: int = 0

    @classmethod
    def of(cls, account: SinkAccount) -> Counts:
        """The counts of ``account`` now."""
        return cls(account.delivered, account.filtered, account.dead_lettered, account.dropped)

    @property
    def total(self) -> int:
        return self.delivered + self.filtered + self.dead_lettered + self.dropped

    def plus(self, other: Counts) -> Counts:
        return Counts(
            self.delivered + other.delivered,
            self.filtered + other.filtered,
            self.dead_lettered + other.dead_lettered,
            self.dropped + other.dropped,
        )

    def minus(self, other: Counts) -> Counts:
        return Counts(
            self.delivered - other.delivered,
            self.filtered - other.filtered,
            self.dead_lettered - other.dead_lettered,
            self.dropped - other.dropped,
        )


class Totals(Struct, frozen=True):
    """What waits, and what has come to its end since the file was made."""

    rows: int
    events: int
    bytes: int
    last_seq: int
    ended: Counts

    def restore(self, account: SinkAccount) -> None:
        """Count on from here. What waits is in flight; nobody but the file's sink has counted it since."""
        account.delivered += self.ended.delivered
        account.filtered += self.ended.filtered
        account.dead_lettered += self.ended.dead_lettered
        account.dropped += self.ended.dropped
        account.received += self.ended.total + self.events


# ── events and payloads ──────────────────────────────────────────────────────────────────────────────────────────────────

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = CanonicalDecoder()


def encoded(events: Sequence[Event]) -> bytes:
    """Their canonical JSON, one a line. Raises whatever a plugin's strange value makes the encoder raise."""
    # A list, whatever came: over anything else msgspec makes an iterator of which it never lets go.
    return _encoder.encode_lines(list(events))


def decoded(payload: bytes) -> tuple[Sequence[Event], Sequence[Failure]]:
    """The events of a payload, and the lines that are none."""
    found = _decoder.decode(Payload(payload, "lines"))
    return found.events, found.failures


# ── in a thread ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_totals(connection: sqlite3.Connection) -> Totals:
    """The totals as the file has them."""
    row = connection.execute(
        "SELECT rows, events, bytes, last_seq, delivered, filtered, dead_lettered, dropped FROM totals"
    ).fetchone()
    return Totals(row[0], row[1], row[2], row[3], Counts(*row[4:]))


def write_ended(connection: sqlite3.Connection, ended: Counts) -> None:
    """Write down what has come to its end."""
    connection.execute(
        "UPDATE totals SET delivered = ?, filtered = ?, dead_lettered = ?, dropped = ?", msgspec.structs.astuple(ended)
    )


def insert(connection: sqlite3.Connection, rows: Iterable[StoredRow]) -> None:
    """Write rows."""
    connection.executemany(
        "INSERT INTO rows (seq, count, bytes, came_ms, crc, payload) VALUES (?, ?, ?, ?, ?, ?)",
        ((row.seq, row.count, len(row.payload), row.came_ms, row.crc, row.payload) for row in rows),
    )


def correct(connection: sqlite3.Connection, row: StoredRow) -> None:
    """Write down how many events a row holds."""
    connection.execute("UPDATE rows SET count = ? WHERE seq = ?", (row.count, row.seq))


def delete(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Take rows out."""
    connection.executemany("DELETE FROM rows WHERE seq = ?", [(seq,) for seq in seqs])


def read(connection: sqlite3.Connection, after: int, upto: int, max_events: int, max_bytes: int) -> list[StoredRow]:
    """The rows with ``after < seq <= upto`` in order, until so many events or bytes are together; at least one."""
    rows: list[StoredRow] = []
    events = size = 0
    cursor = connection.execute(
        f"SELECT {COLUMNS} FROM rows WHERE seq > ? AND seq <= ? ORDER BY seq",  # noqa: S608  a constant
        (after, upto),
    )
    for found in cursor:
        rows.append(StoredRow(*found))
        events += rows[-1].count
        size += len(rows[-1].payload)
        if events >= max_events or size >= max_bytes:
            break
    cursor.close()
    return rows


def evict(connection: sqlite3.Connection, after: int, upto: int, min_bytes: int) -> tuple[int, int, int]:
    """Take out the oldest rows with ``after < seq <= upto`` until so many bytes are free. Returns the last of them (``after``
    where there is none), their events and their bytes."""
    last, events, size = after, 0, 0
    cursor = connection.execute(
        f"SELECT seq, {_COUNT}, length({_PAYLOAD}) FROM rows WHERE seq > ? AND seq <= ? ORDER BY seq",  # noqa: S608  a constant
        (after, upto),
    )
    for seq, count, row_bytes in cursor:
        if size >= min_bytes:
            break
        last, events, size = seq, events + count, size + row_bytes
    cursor.close()
    connection.execute("DELETE FROM rows WHERE seq > ? AND seq <= ?", (after, last))
    return last, events, size
