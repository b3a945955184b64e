"""What lies between the files and the intake: batches on their way, and the checkpoint that follows them."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from wye.lines import LineChunk
from wye.plugin import Decoder, Intake
from wye_plugins.file.checkpoint import Checkpoint, Position
from wye_plugins.file.find import Found
from wye_plugins.file.progress import Flight
from wye_plugins.file.reader import FileReader, ReplacedError, Sizes

log = logging.getLogger("wye.file.source")

_RETRY_SECS = 1.0


class Feed:
    """Reads files and sends what they hold, and keeps the account of it. ``checkpoint`` is ``None`` where none is wanted."""

    def __init__(self, intake: Intake, decoder: Decoder, sizes: Sizes, checkpoint: Checkpoint | None) -> None:
        self.flight = Flight()
        self.name = intake.name
        self.checkpoint = checkpoint
        self._intake = intake
        self._decoder = decoder
        self._sizes = sizes
        self._readers: list[FileReader] = []
        self._parted: list[FileReader] = []
        self._complained: set[str] = set()
        self._complete = False
        self._failing = False

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self, found: Found) -> FileReader | None:
        """Begin with a file, where the last run left it. ``None`` when it cannot be opened, which is said once for a path."""
        known = self.checkpoint.candidate(found) if self.checkpoint else None
        reader = FileReader(found, self._sizes, known)
        try:
            await trio.to_thread.run_sync(reader.open)
        except OSError as error:
            if found.path not in self._complained:
                log.error("source %s: cannot read %s: %s", self.name, found.path, error.strerror or error)
            self._complained.add(found.path)
            return None
        self._complained.discard(found.path)
        if known is not None and self.checkpoint is not None:
            self.checkpoint.claim(known)
        self._readers.append(reader)
        return reader

    def part(self, reader: FileReader) -> None:
        """Close a file for good. The checkpoint keeps it until all of it is safe."""
        reader.close()
        self._readers.remove(reader)
        self._parted.append(reader)

    def close(self) -> None:
        """Close whatever is open."""
        for reader in self._readers:
            reader.close()

    async def drain(self, reader: FileReader, most_chunks: int | None = None, *, restarts: bool = True) -> bool:
        """Send what the file holds, at most so many chunks; whether its end was reached. A file that fails is ``broken``, and
        that is its end; so is being truncated where it does not restart."""
        count = 0
        while count != most_chunks:
            most = None if most_chunks is None else most_chunks - count
            try:
                chunks = await trio.to_thread.run_sync(reader.read_some, most)
            except ReplacedError:
                if not restarts:
                    reader.close()
                    return True
                log.info("source %s: %s was truncated; reading it from the beginning", self.name, reader.path)
                reader.restart()
                continue
            except OSError as error:
                self._break(reader, error)
                return True
            if not chunks:
                return True
            reader.touched_at = trio.current_time()
            for chunk in chunks:
                await self.send(reader, chunk)
                await trio.lowlevel.checkpoint()  # the sinks have their turn while it is in the processor's caches
            count += len(chunks)
        return False

    def _break(self, reader: FileReader, error: OSError) -> None:
        log.error("source %s: cannot read on in %s: %s; leaving it", self.name, reader.path, error.strerror or error)
        reader.broken = True
        reader.close()

    # ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def finish(self, reader: FileReader) -> None:
        """Send the last line where it has no newline."""
        last = reader.finish()
        if last is not None:
            await self.send(reader, last)

    async def send(self, reader: FileReader, chunk: LineChunk) -> None:
        """Hand one chunk's events to wye; its settlement moves the reader's progress."""
        decoded = chunk.decode(self._decoder, time.time_ns() // 1_000_000)
        settle = reader.progress.sent(chunk)
        path = reader.path

        def on_settled(safe: bool) -> None:
            settle(safe)
            self.flight.landed(safe=safe)
            if not safe and self.flight.unsafe == 1:
                log.warning("source %s: not everything is safe; its checkpoint stays before that", self.name)

        self.flight.took_off()
        try:
            await self._intake.emit(decoded, on_settled=on_settled, place=lambda index: f"{path} line {chunk.line(index)}")
        except BaseException:
            self.flight.landed(safe=False)
            raise

    # ── the checkpoint ───────────────────────────────────────────────────────────────────────────────────────────────────

    def complete(self) -> None:
        """All was read and is safe: the checkpoint is to go."""
        self._complete = True

    @asynccontextmanager
    async def saving(self, every_secs: float) -> AsyncGenerator[None]:
        """Keep the checkpoint up to date, at most every so often; last when the body has ended, however it did."""
        if self.checkpoint is None:
            yield
            return
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._save_changes, self.checkpoint, every_secs)
                yield
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await self._save(self.checkpoint)

    async def _save_changes(self, checkpoint: Checkpoint, every_secs: float) -> None:
        while True:
            await self.flight.changed.wait()
            self.flight.changed = trio.Event()
            if await self._save(checkpoint):
                await trio.sleep(every_secs)
            else:
                self.flight.changed.set()
                await trio.sleep(max(every_secs, _RETRY_SECS))

    async def _save(self, checkpoint: Checkpoint) -> bool:
        try:
            if self._complete:
                await trio.to_thread.run_sync(checkpoint.remove)
            else:
                await trio.to_thread.run_sync(checkpoint.save, self._positions())
        except OSError as error:
            if not self._failing:
                log.error(
                    "source %s: cannot write %s: %s; a restart would repeat events",
                    self.name,
                    checkpoint.path,
                    error.strerror,
                )
            self._failing = True
            return False
        if self._failing:
            log.info("source %s: %s can be written again", self.name, checkpoint.path)
        self._failing = False
        return True

    def _positions(self) -> list[Position]:
        self._parted = [reader for reader in self._parted if not reader.progress.caught_up]
        return [reader.position for reader in (*self._readers, *self._parted)]
