"""What waits long in memory is packed: as compressed canonical lines it takes a tenth of the room, or less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload
from zlib import compress, decompress

from msgspec import structs

from wye.batch import Batch
from wye.buffer.pieces import Chunk, writing
from wye.buffer.rows import decoded
from wye.event import Event


class Packed(Sequence[Event]):
    """Events that are unpacked each time they are looked at; but for their number."""

    __slots__ = ("_count", "_lines")

    def __init__(self, count: int, payload: bytes) -> None:
        self._count = count
        self._lines = compress(payload, 1)

    def unpacked(self) -> Sequence[Event]:
        return decoded(decompress(self._lines))[0]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Event]:
        return iter(self.unpacked())

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        return self.unpacked()[place]


def packed(batch: Batch) -> list[Batch]:
    """``batch`` in parts of at most a row's worth, so that none takes long to unpack; as it is where it cannot be written."""
    written = writing(batch.events)
    if written.strange:
        return [batch]
    return [structs.replace(batch, events=_packed(chunk)) for chunk in written.chunks]


def _packed(chunk: Chunk) -> Sequence[Event]:
    """For all sinks the same. A plugin can put into an event what JSON does not give back: such events stay as they are."""
    if chunk.packed is None:
        chunk.packed = Packed(len(chunk.events), chunk.payload) if _comes_back(chunk) else chunk.events
    return chunk.packed


def _comes_back(chunk: Chunk) -> bool:
    try:
        return list(decoded(chunk.payload)[0]) == list(chunk.events)
    except Exception:  # whatever a plugin's value raises when it is compared
        return False


def unpacked(batch: Batch) -> Batch:
    """``batch`` itself, with its events at hand."""
    if isinstance(batch.events, Packed):
        batch.events = batch.events.unpacked()
    return batch
