"""Bytes of a stream cut into chunks of whole lines, for sources that read one JSON document a line. Sans-io.

Nothing is done per line: a chunk is what was read up to its last newline, and only a chunk long enough to hold a line that is
too long is looked at more closely.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence

from msgspec import Struct

from wye.fault import fault
from wye.message import Decoded, Failure, Payload
from wye.plugin import Decoder

SHOWN_BYTES = 1024
"""How much of a line that is too long is kept for its failure."""


class LineChunk(Struct, frozen=True):
    """Whole lines in a row.

    ``first_line`` is the number of the first one, from 1. ``start`` and ``end`` are where the chunk lies in the stream, in
    bytes, and ``end_line`` is how many lines lie before ``end``. ``unended`` is the length of the last line where the stream
    ended without a newline, otherwise 0. ``overlong`` are the failures for lines that were too long; in ``body`` such a line is
    empty.
    """

    body: bytes
    first_line: int
    start: int
    end: int
    end_line: int
    unended: int = 0
    overlong: Sequence[Failure] = ()

    def decode(self, decoder: Decoder, received_ms: int) -> Decoded:
        """All events and failures of the chunk; a decoder that raises costs only the lines that it raises for."""
        body = self.body.removeprefix(BOM_UTF8) if self.start == 0 else self.body
        try:
            decoded = decoder.decode(Payload(body, "lines", received_ms=received_ms))
        except Exception:  # a plugin's fault
            decoded = _line_by_line(decoder, body, received_ms)
        if not self.overlong:
            return decoded
        return Decoded(decoded.events, [*decoded.failures, *self.overlong], decoded.size)

    def line(self, index: int) -> int:
        """The number in the stream, from 1, of the line that is ``index`` (from 0) in this chunk."""
        return self.first_line + index


def _line_by_line(decoder: Decoder, body: bytes, received_ms: int) -> Decoded:
    parts: list[Decoded] = []
    for index, line in enumerate(body.split(b"\n")):
        try:
            one = decoder.decode(Payload(line, "lines", received_ms=received_ms)) if line.strip() else Decoded(())
            parts.append(Decoded(one.events, [Failure(each.reason, each.original, index) for each in one.failures]))
        except Exception as error:  # a plugin's fault
            parts.append(Decoded((), [Failure(f"decoder raised {fault(error)}", line, index)]))
    events = [event for part in parts for event in part.events]
    return Decoded(events, [failure for part in parts for failure in part.failures], len(body))


class LineCutter:
    """Takes the bytes of a stream as they are read and gives them back as chunks of whole lines.

    ``offset`` and ``lines`` are the position it starts at. What it holds back is never more than ``max_line_bytes``: of a line
    that is longer only the first bytes are kept.
    """

    def __init__(self, max_line_bytes: int, offset: int = 0, lines: int = 0) -> None:
        self._max = max_line_bytes
        self._start = offset
        self._lines = lines
        self._rest = b""
        self._skipped = 0

    @property
    def position(self) -> int:
        """Where in the stream the next byte that is fed comes from."""
        return self._start + len(self._rest) + self._skipped

    def feed(self, data: bytes) -> LineChunk | None:
        """The lines that ``data`` completes, or ``None`` when it completes none."""
        cut = data.rfind(b"\n") + 1
        if cut == 0:
            self._hold(data)
            return None
        body = self._rest + data[:cut]
        chunk = self._chunk(body, self._skipped)
        self._rest, self._skipped = b"", 0
        self._hold(data[cut:])
        return chunk

    def finish(self) -> LineChunk | None:
        """The last line, where the stream ended without a newline; ``None`` when nothing is left."""
        if not self._rest:
            return None
        body, skipped = self._rest, self._skipped
        self._rest, self._skipped = b"", 0
        return self._chunk(body, skipped)

    def _hold(self, data: bytes) -> None:
        rest = self._rest + data if self._rest else data
        if len(rest) + self._skipped > self._max:
            kept = rest[:SHOWN_BYTES]
            self._skipped += len(rest) - len(kept)
            rest = kept
        self._rest = rest

    def _chunk(self, body: bytes, skipped: int) -> LineChunk:
        """``skipped`` bytes of the first line are not in ``body``."""
        start, first = self._start, self._lines + 1
        size = len(body) + skipped
        unended = 0 if body.endswith(b"\n") else size - (body.rfind(b"\n") + 1)
        overlong: list[Failure] = []
        if size > self._max:
            body = self._without_overlong(body, skipped, overlong)
        self._start += size
        self._lines += body.count(b"\n") + (unended > 0)
        return LineChunk(body, first, start, self._start, self._lines, unended, overlong)

    def _without_overlong(self, body: bytes, skipped: int, overlong: list[Failure]) -> bytes:
        lines = body.split(b"\n")
        for index, line in enumerate(lines):
            if len(line) + skipped > self._max:
                reason = f"line longer than {self._max} bytes: it has {len(line) + skipped}, of which the first are kept"
                overlong.append(Failure(reason, line[:SHOWN_BYTES], index))
                lines[index] = b""
            skipped = 0
        return b"\n".join(lines)
