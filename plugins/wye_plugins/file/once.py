"""Reading every file once, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from wye_plugins.file.feed import Feed
from wye_plugins.file.find import Found

log = logging.getLogger("wye.file.source")


async def read_once(feed: Feed, files: Sequence[Found]) -> list[str]:
    """Send what the files hold. Returns the paths of those that could not be read to their ends."""
    return [found.path for found in files if not await _read_file(feed, found)]


async def _read_file(feed: Feed, found: Found) -> bool:
    reader = await feed.open(found)
    if reader is None:
        return False
    await feed.drain(reader)
    if not reader.broken and reader.torn:
        log.error("source %s: %s ends in the middle of its compressed data; the rest is missing", feed.name, found.path)
        reader.broken = True
    if not reader.broken:
        await feed.finish(reader)
    reader.close()
    return not reader.broken
