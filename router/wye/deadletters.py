"""Where events go that cannot be delivered, and records that cannot be decoded: one file of JSON lines, synced before anyone is
told that it is safe."""

from __future__ import annotations

import logging
import os
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import trio
from msgspec import Struct

from wye.event import Event

log = logging.getLogger("wye.dead_letters")

_encoder = msgspec.json.Encoder(decimal_format="number")

_BACKLOG = 10_000
"""Letters waiting for the disk beyond which intake waits: a disk that is full must not fill the memory."""


class DeadLetter(Struct, omit_defaults=True, kw_only=True):
    """One event or record that was given up, and why.

    ``stage``: ``decode`` (with ``source`` and ``position``), ``transform``, ``encode`` or ``send`` (with ``sink``).
    ``original`` is the record as text, ``original_base64`` where it is not UTF-8.
    """

    time: str
    stage: str
    reason: str
    source: str | None = None
    sink: str | None = None
    position: str | None = None
    status: int | None = None
    attempts: int | None = None
    event: Event | None = None
    original: str | None = None
    original_base64: str | None = None


def now_text() -> str:
    """Now, as RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def undecodable(source: str, reason: str, position: str, original: bytes) -> DeadLetter:
    """The letter for a record that its decoder refused."""
    letter = DeadLetter(time=now_text(), stage="decode", reason=reason, source=source, position=position)
    try:
        letter.original = original.decode()
    except UnicodeDecodeError:
        letter.original_base64 = b64encode(original).decode()
    return letter


class DeadLetters:
    """Appends letters to one file. One task writes; all who wait share one sync."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._queue: list[tuple[bytes, Callable[[], None]]] = []
        self._queued = trio.Event()
        self._calm = trio.Event()
        self._calm.set()
        self._closing = False

    def submit(self, letters: list[DeadLetter], on_written: Callable[[], None]) -> None:
        """Queue ``letters``; ``on_written`` is called when they are on the disk."""
        self._queue.append((_encoder.encode_lines(letters), on_written))
        self.count += len(letters)
        if len(self._queue) > _BACKLOG:
            self._calm = trio.Event() if self._calm.is_set() else self._calm
        self._queued.set()

    async def write(self, letters: list[DeadLetter]) -> None:
        """``submit``, and wait until they are on the disk."""
        written = trio.Event()
        self.submit(letters, written.set)
        await written.wait()

    async def calm(self) -> None:
        """Wait while more letters wait for the disk than should."""
        await self._calm.wait()

    async def run(self) -> None:
        """Write what is submitted, until closed and empty. A disk that refuses is tried again for as long as it takes."""
        failing = False
        while not (self._closing and not self._queue):
            await self._queued.wait()
            self._queued = trio.Event()
            work, self._queue = self._queue, []
            while work:
                try:
                    await trio.to_thread.run_sync(_append, self.path, b"".join(lines for lines, _ in work))
                except OSError as error:
                    if not failing:
                        log.error("cannot write %s: %s; events wait until it can be written", self.path, error.strerror)
                    failing = True
                    await trio.sleep(1)
                    continue
                if failing:
                    log.info("%s can be written again", self.path)
                failing = False
                for _, on_written in work:
                    on_written()
                work = []
            self._calm.set()

    def close(self) -> None:
        """Let ``run`` end once everything is written."""
        self._closing = True
        self._queued.set()


def _append(path: Path, lines: bytes) -> None:
    created = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            # A crash may have left half a line: what follows must not be glued to it.
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                lines = b"\n" + lines
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
    if created:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
