"""The file source: reads its files once, or follows them; remembers how far everything was safe."""

from __future__ import annotations

import os
from collections.abc import Sequence

import trio
from trio import TaskStatus

from wye.plugin import IncompleteError, Intake, SourceContext, StartError
from wye_plugins.file.bytestream import MissingZstandardError, zstandard
from wye_plugins.file.checkpoint import Checkpoint
from wye_plugins.file.config import FileSourceOptions
from wye_plugins.file.feed import Feed
from wye_plugins.file.find import Found, find
from wye_plugins.file.follow import Follower
from wye_plugins.file.once import read_once
from wye_plugins.file.reader import Sizes


class FileSource:
    """One configured source."""

    def __init__(self, options: FileSourceOptions, context: SourceContext) -> None:
        self._options = options
        self._patterns = [options.path] if isinstance(options.path, str) else options.path
        self._decoder = context.adapters[0].decoder
        self._sizes = Sizes(options.max_line_bytes, options.chunk_bytes)
        self._checkpoint = Checkpoint(context.state_dir, context.name)

    @property
    def listens(self) -> Sequence[str]:
        return self._patterns

    async def run(self, intake: Intake, /, *, task_status: TaskStatus[None]) -> None:
        """Raises ``StartError`` when there is nothing to read, or it cannot be read; ``IncompleteError`` at its end."""
        files = await trio.to_thread.run_sync(self._start, intake.name)
        feed = Feed(intake, self._decoder, self._sizes, self._checkpoint if self._options.checkpoint else None)
        task_status.started()
        try:
            async with feed.saving(self._options.checkpoint_secs):
                unread = None
                with intake.until_stopped():
                    unread = await self._read(feed, files)
                await feed.flight.all_landed()
                if unread == [] and not feed.flight.unsafe:
                    feed.complete()
            if unread:
                raise IncompleteError(f"could not be read to the end: {', '.join(unread)}")
        finally:
            feed.close()

    async def _read(self, feed: Feed, files: Sequence[Found]) -> list[str]:
        """The files that could not be read to their ends."""
        if self._options.follow:
            await Follower(feed, self._patterns, self._options.poll_secs).run()
        return await read_once(feed, files)

    def _start(self, name: str) -> list[Found]:
        files, barren = find(self._patterns)
        if barren and not self._options.follow:
            raise StartError(
                f"source {name}: no file matches {', '.join(barren)}; mend `path`, or wait for one with `follow = true`"
            )
        if any(path.endswith(".zst") for path in (*self._patterns, *(file.path for file in files))):
            try:
                zstandard()
            except MissingZstandardError as error:
                raise StartError(f"source {name}: {error}") from None
        for file in files:
            if not os.access(file.path, os.R_OK):
                raise StartError(f"source {name}: cannot read {file.path}: permission denied")
        if self._options.checkpoint:
            try:
                self._checkpoint.load()
            except OSError as error:
                raise StartError(f"source {name}: cannot read {self._checkpoint.path}: {error.strerror}") from None
        return files
