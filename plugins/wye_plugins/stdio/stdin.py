"""The stdin source: lines from a pipe, a terminal or a file, until they end."""

from __future__ import annotations

import os
import time

import trio
from trio import TaskStatus

from wye.lines import LineChunk, LineCutter
from wye.plugin import Decoder, IncompleteError, Intake, StartError
from wye_plugins.stdio.descriptor import is_open

_taken: set[int] = set()
"""Descriptors being read: two readers of one pipe would tear each other's lines."""


class StdinSource:
    """Reads a descriptor. A pipe or terminal is waited for by the event loop, so that a stop is never kept waiting and the
    descriptor's flags, which it may share with a shell, stay as they are; a file is read in a worker thread."""

    listens = ("stdin",)

    def __init__(self, decoder: Decoder, max_line_bytes: int, chunk_bytes: int, descriptor: int = 0) -> None:
        self._decoder = decoder
        self._cutter = LineCutter(max_line_bytes)
        self._chunk_bytes = chunk_bytes
        self._descriptor = descriptor
        self._pollable = True
        self._in_flight = 0
        self._landed = trio.Event()
        self._fault = ""

    async def run(self, intake: Intake, /, *, task_status: TaskStatus[None]) -> None:
        """Raises ``StartError`` when standard input is closed, or read by another source; ``IncompleteError`` when it fails
        before its end."""
        if not is_open(self._descriptor, but_for=os.O_WRONLY):
            raise StartError(f"source {intake.name}: standard input is closed")
        if self._descriptor in _taken:
            raise StartError(f"source {intake.name}: another source reads standard input already")
        _taken.add(self._descriptor)
        try:
            task_status.started()
            with intake.until_stopped():
                await self._read_all(intake)
            while self._in_flight:
                self._landed = trio.Event()
                await self._landed.wait()
            if self._fault:
                raise IncompleteError(self._fault)
        finally:
            _taken.discard(self._descriptor)

    async def _read_all(self, intake: Intake) -> None:
        try:
            while data := await self._read():
                await self._send(intake, self._cutter.feed(data))
        except OSError as error:
            self._fault = f"standard input cannot be read on: {error.strerror}"
        await self._send(intake, self._cutter.finish())

    async def _read(self) -> bytes:
        while self._pollable:
            try:
                await trio.lowlevel.wait_readable(self._descriptor)
                return os.read(self._descriptor, self._chunk_bytes)
            except BlockingIOError:  # non-blocking, and another process was faster
                continue
            except PermissionError:  # epoll knows no regular files: they are always ready
                self._pollable = False
        return await trio.to_thread.run_sync(os.read, self._descriptor, self._chunk_bytes)

    async def _send(self, intake: Intake, chunk: LineChunk | None) -> None:
        if chunk is None:
            return
        decoded = chunk.decode(self._decoder, time.time_ns() // 1_000_000)
        self._in_flight += 1
        try:
            await intake.emit(decoded, on_settled=self._settled, place=lambda index: f"stdin line {chunk.line(index)}")
        except BaseException:
            self._settled(False)
            raise

    def _settled(self, safe: bool) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._landed.set()
