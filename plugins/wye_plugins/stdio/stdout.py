"""The stdout sink: documents as lines, for the next program in a pipe."""

from __future__ import annotations

import errno
import logging
import os
import select
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

from wye.message import Shipment
from wye.plugin import StartError
from wye.verdict import DELIVERED, Verdict, Verdicts
from wye_plugins.stdio.descriptor import is_open

log = logging.getLogger("wye.stdio.stdout")

_taken: set[int] = set()
"""Descriptors being written: two writers of one pipe would tear each other's lines."""

_GONE = Verdict("rejected", "standard output was closed by its reader")


class StdoutSink:
    """Writes a descriptor, unbuffered. A slow reader keeps a worker thread waiting, which wye's own end does not wait for."""

    concurrency = 1
    target = "stdout"

    def __init__(self, name: str, descriptor: int = 1) -> None:
        self._name = name
        self._descriptor = descriptor
        self._gone = False
        self._torn = False

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Raises ``StartError`` when standard output is closed, or written by another sink."""
        if not is_open(self._descriptor, but_for=os.O_RDONLY):
            raise StartError(f"sink {self._name}: standard output is closed")
        if self._descriptor in _taken:
            raise StartError(f"sink {self._name}: another sink writes standard output already")
        _taken.add(self._descriptor)
        try:
            yield
        finally:
            _taken.discard(self._descriptor)

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """What is not written when writing fails is to be tried again, and what is half written begins on a line of its own."""
        if self._gone:
            return _GONE
        return await trio.to_thread.run_sync(self._write, shipment.documents, abandon_on_cancel=True)

    def _write(self, documents: Sequence[bytes]) -> Verdicts:
        mended = b"\n" if self._torn else b""
        lines = mended + b"\n".join(documents) + b"\n"
        written = 0
        try:
            while written < len(lines):
                written += self._write_some(memoryview(lines)[written:])
        except OSError as error:
            if error.errno == errno.EPIPE:
                self._gone = True
                log.error("sink %s: %s; events go to the dead letters", self._name, _GONE.reason)
                return _GONE
            return self._so_far(documents, lines[:written], len(mended), error)
        self._torn = False
        return DELIVERED

    def _write_some(self, lines: memoryview) -> int:
        while True:
            try:
                return os.write(self._descriptor, lines)
            except BlockingIOError:  # somebody who shares it has made it non-blocking
                select.select((), (self._descriptor,), ())

    def _so_far(self, documents: Sequence[bytes], written: bytes, mended: int, error: OSError) -> list[Verdict]:
        whole = written[mended:].count(b"\n")
        if written:
            self._torn = not written.endswith(b"\n")
        busy = Verdict("busy", f"cannot write standard output: {error.strerror}")
        return [DELIVERED] * whole + [busy] * (len(documents) - whole)
