"""The file sink: documents to lines, in the files that the events' times name."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from wye.message import Shipment
from wye.plugin import StartError
from wye.verdict import DELIVERED, Verdict, Verdicts
from wye_plugins.file.config import FileSinkOptions
from wye_plugins.file.disk import DiskThread
from wye_plugins.file.layer import Layer, OsLayer
from wye_plugins.file.outputs import Outputs, Rotation
from wye_plugins.file.template import PathTemplate

log = logging.getLogger("wye.file.sink")

_FULL = (errno.ENOSPC, errno.EDQUOT)
_OPERATORS = (
    errno.EACCES,
    errno.EFBIG,
    errno.EINVAL,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)
"""What only the operator can mend."""

_IDLE_SECS = 60.0
_TEND_SECS = 1.0


class FileSink:
    """Appends to files. Everything that touches the disk runs in one thread."""

    concurrency = 1

    def __init__(
        self,
        options: FileSinkOptions,
        name: str,
        layer: Layer | None = None,
        clock: Callable[[], float] = time.time,
        *,
        worker: int = 0,
    ) -> None:
        self.target = options.path
        self._name = name
        self._template = PathTemplate(options.path, name, worker)
        self._layer: Layer = layer or OsLayer()
        rotation = Rotation(options.max_file_bytes, options.max_file_secs)
        self._outputs = Outputs(self._layer, rotation, clock, fsync=options.fsync)
        self._disk = DiskThread()
        self._turn = trio.Lock()
        self._idle_secs = _IDLE_SECS if self._template.timed else None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Raises ``StartError`` when the file (with times in the path: its directory) cannot be written."""
        self._disk.start(f"sink {self._name}")
        try:
            await self._disk.do(self._check, trio.current_time())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._tend)
                yield
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await self._disk.do(self._outputs.close)
            self._disk.stop()

    def _check(self, now: float) -> None:
        path = self._template.fixed
        shown = path or str(self._template.fixed_directory)
        try:
            if path is not None:
                self._outputs.get(path, now)
                return
            self._layer.make_directory(shown)
            if not Path(shown).is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(shown, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            why = f"cannot write {shown}: {_words(error)}; mend it or choose another `path`"
            raise StartError(f"sink {self._name}: {why}") from None

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """One write, and one sync, for each file that the shipment's events belong to."""
        groups = self._grouped(shipment)
        async with self._turn:
            failed = await self._disk.do(self._write, groups, trio.current_time())
        if not failed:
            return DELIVERED
        verdicts = [DELIVERED] * len(shipment.documents)
        for indices, verdict in failed:
            for index in indices:
                verdicts[index] = verdict
        return verdicts

    def _grouped(self, shipment: Shipment) -> dict[str, tuple[Sequence[int], Sequence[bytes]]]:
        """The documents of each file, with their places in the shipment."""
        documents = shipment.documents
        if self._template.fixed is not None:
            return {self._template.fixed: (range(len(documents)), documents)}
        groups: dict[str, tuple[list[int], list[bytes]]] = {}
        for index, event in enumerate(shipment.events):
            indices, lines = groups.setdefault(self._template.render(event.time_ms), ([], []))
            indices.append(index)
            lines.append(documents[index])
        return {**groups}

    def _write(
        self, groups: dict[str, tuple[Sequence[int], Sequence[bytes]]], now: float
    ) -> list[tuple[Sequence[int], Verdict]]:
        """The verdicts for those that were not written."""
        failed: list[tuple[Sequence[int], Verdict]] = []
        for path, (indices, documents) in groups.items():
            try:
                self._outputs.write(path, documents, now)
            except OSError as error:
                failed.append((indices, _verdict(path, error)))
        return failed

    async def _tend(self) -> None:
        """Rotation by age must not wait for the next event."""
        said = False
        while True:
            await trio.sleep(_TEND_SECS)
            async with self._turn:
                now = trio.current_time()
                if not self._outputs.due(now, self._idle_secs):
                    continue
                try:
                    await self._disk.do(self._outputs.tend, now, self._idle_secs)
                    said = False
                except OSError as error:
                    if not said:
                        log.warning("sink %s: cannot rotate or close a file: %s; trying again", self._name, _words(error))
                    said = True


def _verdict(path: str, error: OSError) -> Verdict:
    if error.errno in _FULL:
        return Verdict("busy", f"disk full: cannot write {path}: {_words(error)}")
    return Verdict("hold" if error.errno in _OPERATORS else "busy", f"cannot write {path}: {_words(error)}")


def _words(error: OSError) -> str:
    return error.strerror or str(error)
