"""The positions of a source's files between two runs: one small JSON file, replaced as a whole."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from wye_plugins.file.find import Found, Key

log = logging.getLogger("wye.file.source")

HEAD_BYTES = 1024
"""How much of a file's beginning tells it from another that got the same inode."""

_VERSION = 1
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class Position(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far one file is safe. ``head`` is a digest of its first ``head_bytes``; ``offset`` (bytes, decompressed), ``lines``
    and ``unended`` are a ``Mark``; ``complete_size`` is the size of a compressed file that was read to its end."""

    path: str
    device: int
    inode: int
    head_bytes: int
    head: str
    offset: int
    lines: int
    unended: int = 0
    complete_size: int | None = None

    @property
    def key(self) -> Key:
        return self.device, self.inode


class _Document(Struct, kw_only=True):
    version: int
    files: list[Position]


def digest(head: bytes) -> str:
    """What is kept of a file's first bytes: nothing that could be read."""
    return blake2b(head, digest_size=16).hexdigest()


class Checkpoint:
    """Blocking. ``left`` are the positions of the last run that no file has claimed yet."""

    def __init__(self, state_dir: str, source: str) -> None:
        name = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02x}", source)
        self.path = Path(state_dir) / "checkpoints" / f"{name}.json"
        self.left: dict[Key, Position] = {}
        self._written = b""

    def load(self) -> None:
        """Read the last run's positions. What cannot be understood is set aside: reading everything again loses nothing.

        Raises ``OSError`` when there is a file that cannot be read or moved.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return
        try:
            document = _understood(text)
        except ValueError as error:
            bad = self.path.with_suffix(".bad")
            self.path.replace(bad)
            log.warning("%s: cannot be understood (%s); moved to %s, files are read from the beginning", self.path, error, bad)
            return
        self.left = {position.key: position for position in document.files}

    def candidate(self, found: Found) -> Position | None:
        """Where the last run was in ``found``, if this is the file it seems to be: whoever reads it must compare the head.

        Device numbers may change with a reboot, hence the second look by path and inode.
        """
        position = self.left.get(found.key)
        if position is not None:
            return position
        return next((one for one in self.left.values() if one.path == found.path and one.inode == found.key[1]), None)

    def claim(self, position: Position) -> None:
        """A file is at this position, or past it: it is no longer left."""
        self.left.pop(position.key, None)

    def save(self, positions: Sequence[Position]) -> None:
        """Replace the file, with what is left behind ``positions``. Raises ``OSError``; the old one is then still there."""
        text = msgspec.json.encode(_Document(version=_VERSION, files=[*positions, *self.left.values()]))
        if text == self._written:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        _sync(self.path.parent)
        self._written = text

    def remove(self) -> None:
        """The next run begins at the beginning. Raises ``OSError``."""
        self.path.unlink(missing_ok=True)
        if self.path.parent.exists():
            _sync(self.path.parent)


def _understood(text: bytes) -> _Document:
    document = msgspec.json.decode(text, type=_Document)
    if document.version != _VERSION:
        raise ValueError(f"it has version {document.version}; expected {_VERSION}")
    return document


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
