"""From batches to rows: events are written down once, when they come; what comes together shares a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from wye.batch import Batch
from wye.buffer.rows import ROW_BYTES, ROW_EVENTS, encoded
from wye.event import Event

Strange = tuple[Event, str]
"""An event that cannot be written down, and why: a plugin put something into it that is no JSON."""


class Piece(Struct, eq=False):
    """Some events of a batch, at most a row's worth, with their canonical lines. ``batch`` has the source's delivery."""

    events: Sequence[Event]
    payload: bytes
    batch: Batch

    def split(self, count: int) -> tuple[Piece, Piece]:
        """The first ``count`` events, and the others."""
        lines = self.payload.splitlines(keepends=True)
        return (
            Piece(self.events[:count], b"".join(lines[:count]), self.batch),
            Piece(self.events[count:], b"".join(lines[count:]), self.batch),
        )

    def first_within(self, room: int) -> int:
        """How many of the first events have room in so many bytes."""
        return _within(self.payload.splitlines(keepends=True), room)

    def last_within(self, room: int) -> int:
        """How many of the last events have room in so many bytes."""
        return _within(reversed(self.payload.splitlines(keepends=True)), room)


def _within(lines: Iterable[bytes], room: int) -> int:
    count = 0
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        count += 1
    return count


def cut(batch: Batch) -> tuple[list[Piece], list[Strange]]:
    """``batch`` in pieces, in order; and what cannot be written down."""
    pieces: list[Piece] = []
    strange: list[Strange] = []
    for start in range(0, len(batch.events), ROW_EVENTS):
        _cut(batch.events[start : start + ROW_EVENTS], batch, pieces, strange)
    return pieces, strange


def _cut(events: Sequence[Event], batch: Batch, pieces: list[Piece], strange: list[Strange]) -> None:
    try:
        payload = encoded(events)
    except Exception as error:  # whatever a plugin's value raises: it costs that event alone
        payload = b""
        if len(events) == 1:
            strange.append((events[0], f"cannot be written as JSON: {type(error).__name__}: {error}"))
            return
    if payload and (len(payload) <= ROW_BYTES or len(events) == 1):
        pieces.append(Piece(events, payload, batch))
        return
    middle = len(events) // 2
    _cut(events[:middle], batch, pieces, strange)
    _cut(events[middle:], batch, pieces, strange)


def joined(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Neighbours that share a row."""
    rows: list[list[Piece]] = []
    events = size = 0
    for piece in pieces:
        events += len(piece.events)
        size += len(piece.payload)
        if not rows or events > ROW_EVENTS or size > ROW_BYTES:
            rows.append([])
            events, size = len(piece.events), len(piece.payload)
        rows[-1].append(piece)
    return rows


def size_of(pieces: Iterable[Piece]) -> int:
    """The bytes of their payloads."""
    return sum(len(piece.payload) for piece in pieces)
