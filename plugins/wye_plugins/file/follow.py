"""Following files: as they grow, appear, are rotated, truncated and deleted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NoReturn

import trio

from wye_plugins.file.bytestream import compressed
from wye_plugins.file.checkpoint import Position
from wye_plugins.file.feed import Feed
from wye_plugins.file.find import Found, Key, find, renamed
from wye_plugins.file.reader import FileReader

log = logging.getLogger("wye.file.source")

GONE_SECS = 30.0
"""How long a file may be silent once it was renamed or deleted before it is left: its writer may not have noticed yet."""

_TURN_CHUNKS = 16
"""How much of one file is read before the others have their turn."""


class Follower:
    """Looks every ``poll_secs``. Open files are kept open, so that one that is rotated away can be read to its end; beyond
    ``max_open`` those that have been silent for the longest are closed until they grow."""

    def __init__(self, feed: Feed, patterns: Sequence[str], poll_secs: float, max_open: int = 256) -> None:
        self._feed = feed
        self._patterns = patterns
        self._poll_secs = poll_secs
        self._max_open = max_open
        self._readers: dict[Key, FileReader] = {}

    async def run(self) -> NoReturn:
        """Never ends by itself."""
        await self._take_up_renamed()
        while True:
            if not await self._sweep():
                await trio.sleep(self._poll_secs)

    async def _sweep(self) -> bool:
        """One look at everything; whether there is more to read at once. Files that were known come before new ones: a rotated
        file is read to its end before the one that follows it."""
        files, _ = await trio.to_thread.run_sync(find, self._patterns)
        present = {found.key for found in files}
        await self._visit_all_gone([reader for key, reader in self._readers.items() if key not in present])
        more = False
        for found in sorted(files, key=self._is_new):
            more = await self._visit(found) or more
        self._close_silent(present)
        return more

    def _is_new(self, found: Found) -> bool:
        checkpoint = self._feed.checkpoint
        return found.key not in self._readers and (checkpoint is None or checkpoint.candidate(found) is None)

    async def _visit(self, found: Found) -> bool:
        reader = self._readers.get(found.key)
        if reader is None:
            reader = await self._feed.open(found)
            if reader is None:
                return False
            self._readers[found.key] = reader
        reader.path, reader.gone = found.path, False
        if reader.broken or not reader.has_news(found):
            return False
        return not await self._feed.drain(reader, _TURN_CHUNKS)

    async def _visit_all_gone(self, gone: Sequence[FileReader]) -> None:
        closed = [(reader.path, reader.key) for reader in gone if not reader.is_open and not reader.broken]
        names = await trio.to_thread.run_sync(renamed, closed) if closed else {}
        for reader in gone:
            await self._visit_gone(reader, names.get(reader.key))

    async def _visit_gone(self, reader: FileReader, found: Found | None) -> None:
        """Read a file that is no longer where it was; leave it once it has been silent for long enough. One that was closed and
        is ``found`` under another name is not kept open for that."""
        if not reader.gone:
            reader.gone, reader.touched_at = True, trio.current_time()
        patience_secs = GONE_SECS if reader.is_open else 0
        reopened = False
        if found is not None and compressed(found.path) == compressed(reader.path):
            reopened = await trio.to_thread.run_sync(reader.reopen, found.path)
        if reader.is_open and not reader.broken:
            await self._feed.drain(reader, restarts=not reopened)
            if trio.current_time() - reader.touched_at < patience_secs:
                return
            if reader.torn:
                log.error("source %s: %s ended in the middle of its compressed data", self._feed.name, reader.path)
            await self._feed.finish(reader)
        del self._readers[reader.key]
        self._feed.part(reader)

    def _close_silent(self, present: set[Key]) -> None:
        closable = [reader for key, reader in self._readers.items() if key in present and reader.is_open]
        closable.sort(key=lambda reader: reader.touched_at)
        for reader in closable[: max(0, len(closable) - self._max_open)]:
            reader.close()

    # ── at the start ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take_up_renamed(self) -> None:
        """Files of the last run that were rotated since: what had not been read of them comes first."""
        checkpoint = self._feed.checkpoint
        if checkpoint is None or not checkpoint.left:
            return
        files, _ = await trio.to_thread.run_sync(find, self._patterns)
        here = {position.key for found in files if (position := checkpoint.candidate(found)) is not None}
        for position in [one for one in checkpoint.left.values() if one.key not in here]:
            await self._take_up(position)
            checkpoint.claim(position)

    async def _take_up(self, position: Position) -> None:
        found = (await trio.to_thread.run_sync(renamed, [(position.path, position.key)])).get(position.key)
        reader = await self._feed.open(found) if found is not None else None
        if reader is not None and reader.resumed:
            log.info("source %s: %s is now %s; reading it to its end", self._feed.name, position.path, reader.path)
            self._readers[reader.key] = reader
            return
        if reader is not None:
            self._feed.part(reader)
        log.info("source %s: %s is gone; it had been read up to byte %d", self._feed.name, position.path, position.offset)
