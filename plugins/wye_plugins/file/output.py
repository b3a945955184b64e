"""One file that is appended to: a write is there as a whole, synced if asked for, or it is taken back."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from wye_plugins.file.layer import Identity, Layer
from wye_plugins.file.mend import mend, write_all

_LEVEL = 6


class Remains(Struct, frozen=True):
    """What is known of a file that was closed: which one it was and where its good part ended.

    ``whole``: it was closed in order. Otherwise a write failed, and what follows ``end`` is not to be trusted.
    """

    identity: Identity | None
    end: int
    whole: bool


class OutputFile:
    """An open, locked file. What is not said to keep quiet may raise ``OSError``."""

    def __init__(self, layer: Layer, path: str, *, fsync: bool, remains: Remains | None = None) -> None:
        self.path = path
        self._layer = layer
        self._fsync = fsync
        self._gzip = path.endswith(".gz")
        self._good_end = 0
        parent = str(Path(path).parent)
        layer.make_directory(parent)
        self._descriptor = layer.open(path)
        try:
            layer.lock(self._descriptor)
            self._identity = layer.identity(self._descriptor)
            self._start(remains)
            if fsync and self.size == 0:
                layer.sync_directory(parent)
        except OSError:
            layer.close(self._descriptor)
            raise

    def _start(self, remains: Remains | None) -> None:
        size = self.size
        known = remains if remains is not None and remains.identity == self._identity else None
        if known is not None and not known.whole and size > known.end:
            self._layer.truncate(self._descriptor, known.end)
        elif size and not (known is not None and known.whole and size == known.end):
            mend(self._layer, self._descriptor, self.path, size)

    @property
    def size(self) -> int:
        return self._layer.size(self._descriptor)

    @property
    def moved(self) -> bool:
        """Whether somebody took the file away from its path."""
        return self._layer.identity(self.path) != self._identity

    def block(self, documents: Sequence[bytes]) -> bytes:
        """The bytes that hold ``documents``, one a line."""
        lines = b"\n".join(documents) + b"\n"
        return gzip.compress(lines, _LEVEL, mtime=0) if self._gzip else lines

    def append(self, block: bytes) -> None:
        """Raises ``OSError`` when not all of it is there (and synced); then ``abandon`` the file."""
        self._good_end = self.size
        write_all(self._layer, self._descriptor, block)
        if self._fsync:
            self._layer.sync(self._descriptor)

    def abandon(self) -> Remains:
        """Take back what the failed ``append`` wrote, now or at the next opening, and close.

        Not even a file that can be truncated is kept open: after a failed sync the system may hold pages as clean that never
        reached the disk.
        """
        with contextlib.suppress(OSError):
            self._layer.truncate(self._descriptor, self._good_end)
        with contextlib.suppress(OSError):
            self._layer.close(self._descriptor)
        return Remains(self._identity, self._good_end, whole=False)

    def close(self) -> Remains:
        """Give the file up, in order."""
        try:
            return Remains(self._identity, self.size, whole=True)
        finally:
            self._layer.close(self._descriptor)

    def rotate(self, stamp: str) -> str:
        """Rename to a name with ``stamp`` that nothing has, and close. Returns the name. When it raises the file is still open
        under its old name."""
        new = self._renamed(stamp)
        with contextlib.suppress(OSError):  # a name that a power cut takes back loses nothing
            if self._fsync:
                self._layer.sync_directory(str(Path(new).parent))
        with contextlib.suppress(OSError):
            self._layer.close(self._descriptor)
        return new

    def _renamed(self, stamp: str) -> str:
        path = Path(self.path)
        stem, suffixes = _split(path.name)
        number = 1
        while True:
            new = str(path.with_name(f"{stem}.{stamp}-{number}{suffixes}"))
            try:
                self._layer.rename(self.path, new)
            except FileExistsError:
                number += 1
            else:
                return new


def _split(name: str) -> tuple[str, str]:
    """``a.b.jsonl.gz`` is ``a.b`` and ``.jsonl.gz``."""
    gz = ".gz" if name.endswith(".gz") else ""
    path = Path(name.removesuffix(".gz"))
    return path.stem, path.suffix + gz
