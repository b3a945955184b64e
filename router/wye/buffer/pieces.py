"""From batches to rows: events are written down once, when they come; what comes together shares a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_

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
    written = writing(batch.events)
    return [Piece(one.events, one.payload, batch) for one in written.chunks], written.strange


class Chunk(Struct, eq=False):
    """Some events, at most a row's worth, with their canonical lines; and ``packed``, where that was asked for."""

    events: Sequence[Event]
    payload: bytes
    packed: Sequence[Event] | None = None


class Writing(Struct, eq=False):
    """Events in chunks, in order; and what cannot be written down."""

    events: tuple[Event, ...]
    chunks: list[Chunk]
    strange: list[Strange]


class _Memory(Struct):
    latest: Writing


_memory = _Memory(Writing((), [], []))


def writing(events: Sequence[Event]) -> Writing:
    """How they are written down. What comes to several sinks at once is written once: the latest is remembered."""
    latest = _memory.latest
    if len(events) != len(latest.events) or not all(map(is_, events, latest.events)):
        latest = _memory.latest = Writing(tuple(events), [], [])
        for start in range(0, len(events), ROW_EVENTS):
            _cut(latest.events[start : start + ROW_EVENTS], latest.chunks, latest.strange)
    return latest


def _cut(events: Sequence[Event], chunks: list[Chunk], strange: list[Strange]) -> None:
    try:
        payload = encoded(events)
    except Exception as error:  # whatever a plugin's value raises: it costs that event alone
        payload = b""
        if len(events) == 1:
            strange.append((events[0], f"cannot be written as JSON: {type(error).__name__}: {error}"))
            return
    if payload and (len(payload) <= ROW_BYTES or len(events) == 1):
        chunks.append(Chunk(events, payload))
        return
    middle = len(events) // 2
    _cut(events[:middle], chunks, strange)
    _cut(events[middle:], chunks, strange)


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
