"""Where events go that cannot be delivered, and records that cannot be decoded: one file of JSON lines, synced before anyone is
told that it is safe."""

from __future__ import annotations

import logging
import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import trio
from msgspec import Struct, structs

from wye.event import Event

log = logging.getLogger("wye.dead_letters")

_encoder = msgspec.json.Encoder(decimal_format="number")

BACKLOG_BYTES = 16 * 1024 * 1024
"""Letters waiting for the disk beyond which intake waits: a disk that is full must not fill the memory."""

RETRY_SECS = 1.0
"""The wait after a disk has refused."""


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


def _encoded(letters: Sequence[DeadLetter]) -> bytes:
    try:
        return _encoder.encode_lines(letters)
    except Exception:  # a plugin put something into an event that is no JSON
        return b"".join(map(_encoded_whatever, letters))


def _encoded_whatever(letter: DeadLetter) -> bytes:
    """One line, with the event as Python shows it where it cannot be written as JSON."""
    try:
        return _encoder.encode(letter) + b"\n"
    except Exception:
        shown = structs.replace(letter, event=None, original=_shown(letter.event), reason=ascii(letter.reason)[1:-1])
        return _encoder.encode(shown) + b"\n"


def _shown(event: Event | None) -> str:
    try:
        return ascii(event)
    except Exception as error:
        return f"an event that cannot even be shown: {type(error).__name__}"


class DeadLetters:
    """Appends letters to one file. One task writes; all who wait share one sync. ``count`` letters are on the disk.

    ``redact`` takes secrets out of the reasons: a vendor may answer with the very key that it was sent.
    """

    def __init__(self, path: Path, redact: Callable[[str], str] = str) -> None:
        self.path = path
        self._redact = redact
        self.count = 0
        self._queue: list[tuple[bytes, int, Callable[[], None]]] = []
        self._waiting_bytes = 0
        self._queued = trio.Event()
        self._written = trio.Event()
        self._closing = False
        self._new_path = True

    def submit(self, letters: Sequence[DeadLetter], on_written: Callable[[], None]) -> None:
        """Queue ``letters``; ``on_written`` is called when they are on the disk."""
        lines = _encoded([structs.replace(letter, reason=self._redact(letter.reason)) for letter in letters])
        self._queue.append((lines, len(letters), on_written))
        self._waiting_bytes += len(lines)
        self._queued.set()

    async def calm(self) -> None:
        """Wait while more letters wait for the disk than should."""
        while self._waiting_bytes > BACKLOG_BYTES:
            await self._written.wait()

    async def run(self) -> None:
        """Write what is submitted, until closed and empty. A disk that refuses is tried again for as long as it takes."""
        while not (self._closing and not self._queue):
            await self._queued.wait()
            self._queued = trio.Event()
            work, self._queue = self._queue, []
            if not work:
                continue
            lines = b"".join(lines for lines, _, _ in work)
            await self._write(lines)
            self._waiting_bytes -= len(lines)
            for _, count, on_written in work:
                self.count += count
                on_written()
            self._written.set()
            self._written = trio.Event()

    async def _write(self, lines: bytes) -> None:
        failing = False
        while True:
            try:
                await trio.to_thread.run_sync(_append, self.path, lines, self._new_path)
                break
            except OSError as error:
                if not failing:
                    log.error("cannot write %s: %s; events wait until it can be written", self.path, error.strerror)
                failing = True
                await trio.sleep(RETRY_SECS)
        self._new_path = False
        if failing:
            log.info("%s can be written again", self.path)

    def close(self) -> None:
        """Let ``run`` end once everything is written."""
        self._closing = True
        self._queued.set()


def _append(path: Path, lines: bytes, new_path: bool) -> None:
    """``new_path``: whether the file's name may not be on the disk yet, because nothing was written to it since the start."""
    new_path = new_path or not path.exists()
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
    if new_path:
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
