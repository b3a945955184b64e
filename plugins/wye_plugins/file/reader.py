"""One file being read: its bytes, cut into lines, and how far it is safe."""

from __future__ import annotations

import contextlib
import errno
import os

from msgspec import Struct

from wye.lines import LineChunk, LineCutter
from wye_plugins.file.bytestream import ByteStream, compressed, open_bytes
from wye_plugins.file.checkpoint import HEAD_BYTES, Position, digest
from wye_plugins.file.find import Found
from wye_plugins.file.progress import Mark, Progress

_AT_A_TIME_BYTES = 262_144
"""About so much is read by one call in a thread: waking the thread costs as much as reading 64 KiB does."""


class Sizes(Struct, frozen=True):
    """In bytes."""

    max_line: int
    chunk: int


class ReplacedError(Exception):
    """A file no longer holds what was read of it: it was truncated, perhaps written anew."""


class FileReader:
    """``open``, ``read`` and ``close`` block; the first two may raise ``OSError``. Closed, it opens again when read.

    ``known`` is where an earlier run says that this file was; it is trusted only if the file still begins as it did then.
    ``gone``: it was seen to be no longer where it was.
    """

    def __init__(self, found: Found, sizes: Sizes, known: Position | None = None) -> None:
        self.path = found.path
        self.key = found.key
        self.broken = False
        self.resumed = False
        self.gone = False
        self.touched_at = 0.0
        self._sizes = sizes
        self._known = known
        self._seen: tuple[int, int] | None = None
        self._complete_size: int | None = None
        self._ahead = False
        self._descriptor: int | None = None
        self._fault: OSError | ReplacedError | None = None
        self.restart()

    def restart(self) -> None:
        """From the beginning, as after a truncation. What is on its way no longer counts."""
        self.progress = Progress(Mark())
        self._head = b""
        self._resume(Mark())

    def _resume(self, mark: Mark) -> None:
        self._cutter = LineCutter(self._sizes.max_line, mark.offset, mark.lines)
        self._bytes: ByteStream | None = None
        self._complete_size = None

    @property
    def is_open(self) -> bool:
        return self._descriptor is not None

    @property
    def torn(self) -> bool:
        """Whether the file, compressed, ends in the middle of something."""
        return self._bytes is not None and self._bytes.torn

    @property
    def position(self) -> Position:
        """For the checkpoint."""
        device, inode = self.key
        safe = self.progress.safe
        return Position(
            path=self.path,
            device=device,
            inode=inode,
            head_bytes=len(self._head),
            head=digest(self._head),
            offset=safe.offset,
            lines=safe.lines,
            unended=safe.unended,
            complete_size=self._complete_size if self.progress.caught_up and not self._ahead else None,
        )

    def has_news(self, found: Found) -> bool:
        """Whether the file looks different from when it was last read to its end."""
        return self._seen != (found.size, found.mtime_ns)

    def open(self) -> None:
        """Open it, at the known position if it still fits. Raises ``FileNotFoundError`` also when another file is there by
        now."""
        if self._descriptor is not None:
            return
        # Non-blocking so that a FIFO that has taken the file's place is not waited for.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._take_up(descriptor, self._own_size(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def reopen(self, path: str) -> bool:
        """Open it, which was closed, where it is called ``path`` now. Whether that is surely the same file, beginning with what
        was read of it: the inode of one that was deleted goes to the next that is made, whoever makes it."""
        before, self.path = self.path, path
        with contextlib.suppress(OSError, ReplacedError):
            self.open()
            assert self._descriptor is not None
            if self._head:
                self._verify(self._descriptor)
                return True
        self.close()
        self.path = before
        return False

    def _own_size(self, descriptor: int) -> int:
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != self.key:
            raise FileNotFoundError(errno.ENOENT, "another file has taken its place")
        return status.st_size

    def _take_up(self, descriptor: int, size: int) -> None:
        known, self._known = self._known, None
        head = os.pread(descriptor, HEAD_BYTES, 0)
        if known is None or digest(head[: known.head_bytes]) != known.head:
            return
        mark = Mark(known.offset, known.lines, known.unended)
        if compressed(self.path):
            complete = size == known.complete_size
        elif size < mark.offset:
            return
        else:
            complete = False
            if mark.unended and size > mark.offset:  # what was its last line has grown since
                mark = Mark(mark.offset - mark.unended, mark.lines - 1)
        self.progress = Progress(mark)
        self._head = head
        self._resume(mark)
        self._complete_size = size if complete else None
        self.resumed = known.head_bytes > 0

    @property
    def _raw_offset(self) -> int:
        if self._bytes is not None:
            return self._bytes.raw_offset
        return (self._complete_size or 0) if compressed(self.path) else self._cutter.position

    def read(self) -> LineChunk | None:
        """The next whole lines; ``None`` at the end of the file as it is now. Raises ``ReplacedError``."""
        self.open()
        assert self._descriptor is not None
        status = os.fstat(self._descriptor)
        self._seen = None
        while data := self._next(self._descriptor, status.st_size):
            if (chunk := self._cutter.feed(data)) is not None:
                return chunk
        self._seen = status.st_size, status.st_mtime_ns
        if self._bytes is not None and compressed(self.path) and not self._bytes.torn:
            self._complete_size = self._bytes.raw_offset
            return self._cutter.finish()
        return None

    def read_some(self, most: int | None) -> list[LineChunk]:
        """The next chunks, at most ``most``; none at the end of the file as it is now. What fails behind the first one is
        raised by the next call."""
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        self._ahead = True  # the end may be found while what lies before it is still to be sent
        chunks: list[LineChunk] = []
        size = 0
        try:
            while len(chunks) != most and size < _AT_A_TIME_BYTES and (chunk := self.read()) is not None:
                chunks.append(chunk)
                size += len(chunk.body)
        except (OSError, ReplacedError) as fault:
            if not chunks:
                raise
            self._fault = fault
        self._ahead = bool(chunks)
        return chunks

    def _next(self, descriptor: int, size: int) -> bytes:
        """The next bytes, ``b""`` at the end. Whether they belong to what was read before can be told only afterwards: whoever
        truncates the file does not wait for us."""
        try:
            data = b"" if size == self._complete_size else self._stream(descriptor).read(self._sizes.chunk)
        except OSError:
            self._verify(descriptor)
            raise
        self._verify(descriptor)
        return data

    def _verify(self, descriptor: int) -> None:
        head = os.pread(descriptor, HEAD_BYTES, 0)
        if not head.startswith(self._head) or os.fstat(descriptor).st_size < self._raw_offset:
            raise ReplacedError
        self._head = head

    def _stream(self, descriptor: int) -> ByteStream:
        if self._bytes is None:
            self._bytes = open_bytes(self.path, descriptor, self._cutter.position)
        return self._bytes

    def finish(self) -> LineChunk | None:
        """The last line, if it has no newline: nothing more will come."""
        return self._cutter.finish()

    def close(self) -> None:
        """Give the file up for now."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._bytes = None
            with contextlib.suppress(OSError):
                os.close(descriptor)
