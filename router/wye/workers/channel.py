"""The line between the parent and a worker: a socket pair, a JSON document or a word a line.

The worker reports; the parent says when to stop. When the parent is gone, the line is at its end, and so is the worker: see
``lifeline``.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec
import trio
from msgspec import Struct

from wye.ledger import Ledger

if TYPE_CHECKING:
    from wye.daemon import Daemon

REPORT_SECS = 1.0
"""How often a worker reports: what it counted since is unknown when it is killed."""

_READ_BYTES = 65_536


class Report(Struct):
    """What a worker has counted. ``kept`` names the sinks whose counts lie in a file, where its successor finds them.
    ``letters`` are in its file of dead letters; ``started`` says that it takes in events, ``ended`` which sources have none any
    more, ``incomplete`` that one of these could not read all of its input."""

    ledger: Ledger
    letters: int
    kept: list[str]
    started: bool
    ended: list[str]
    incomplete: bool = False


def _counter(_: type, counts: Any) -> Counter[str]:
    """The only type of a ledger that msgspec does not know."""
    return Counter(counts)


_decoder = msgspec.json.Decoder(Report, dec_hook=_counter)


class Line:
    """One end. It is read by one task; what is said is short, and never waited for."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._unsent = b""
        self._heard = b""
        end.setblocking(False)

    def close(self) -> None:
        self._end.close()

    def say(self, line: bytes) -> None:
        """Left out while the other end does not read what was said before. A peer that is gone is found out by reading."""
        self._unsent = self._unsent or line + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._end.send(self._unsent) :]
        except OSError:
            pass

    def say_last(self, line: bytes) -> None:
        """Wait until it is said."""
        self._end.setblocking(True)
        self._end.sendall(self._unsent + line + b"\n")

    async def lines(self) -> AsyncIterator[bytes]:
        """What is said at the other end, until that is closed."""
        while True:
            await trio.lowlevel.wait_readable(self._end)
            try:
                data = self._end.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:  # the other end died with something unread
                return
            if not data:
                return
            *whole, self._heard = (self._heard + data).split(b"\n")
            for line in whole:
                yield line


class ToParent:
    """A worker's end."""

    def __init__(self, descriptor: int) -> None:
        self._line = Line(socket.socket(fileno=descriptor))
        self._started = False

    @asynccontextmanager
    async def stops(self, daemon: Daemon) -> AsyncGenerator[AsyncIterator[str]]:
        """The parent's words to stop; it is told what ``daemon`` counts meanwhile."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._report_on, daemon)
            yield self._words()
            nursery.cancel_scope.cancel()

    async def _words(self) -> AsyncIterator[str]:
        async for line in self._line.lines():
            yield line.decode()

    def note_started(self, daemon: Daemon) -> None:
        """It takes in events now, which the parent waits to hear."""
        self._started = True
        self._line.say(self._report(daemon))

    async def _report_on(self, daemon: Daemon) -> None:
        while True:
            await trio.sleep(REPORT_SECS)
            self._line.say(self._report(daemon))

    def report_last(self, daemon: Daemon) -> None:
        """What it has come to."""
        with suppress(OSError):  # nobody is there to hear it
            self._line.say_last(self._report(daemon))

    def _report(self, daemon: Daemon) -> bytes:
        kept = [sink.account.name for sink in daemon.sinks if sink.buffer.durable]
        report = Report(
            daemon.ledger, daemon.dead_letters.count, kept, self._started, daemon.ended, incomplete=daemon.incomplete
        )
        return msgspec.json.encode(report)


def read(line: bytes) -> Report:
    """What a worker has said."""
    return _decoder.decode(line)


def pair() -> tuple[Line, socket.socket]:
    """The parent's end, and the one for a worker to inherit."""
    mine, other = socket.socketpair()
    return Line(mine), other
