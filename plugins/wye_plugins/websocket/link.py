"""One WebSocket connection over a stream that we own.

trio-websocket does the handshake, the control frames and the parsing. It runs one reading task per connection in a nursery that
it is given; the stand-in for that nursery here keeps whatever a peer provokes inside its own connection.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import cast

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection
from wsproto.utilities import LocalProtocolError

from wye.words import cut

CLOSE_SECS = 2.0
"""How long a polite goodbye may take before the connection is cut."""

MESSAGES_AT_HAND = 8
"""Messages that trio-websocket may have read ahead; each spares a change between two tasks, and holds memory."""

READ_BYTES = 65536
"""How much is read from a stream at a time."""

_log = logging.getLogger("wye.websocket.link")

_STATUS_LINE_BYTES = 12
_BROKEN_OFF = 1006


class Wire(trio.abc.Stream):
    """A stream that several tasks may write to; whole calls of ``send_all`` never mix. ``torn``: one did not get to its end;
    what follows could not be read, and is not sent."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._lock = trio.StrictFIFOLock()
        self.first_bytes = b""
        self.at_end = False
        self.has_sent = False
        self.torn = False

    @property
    def status(self) -> int | None:
        """The HTTP status that a server answered with, where it answered at all."""
        words = self.first_bytes.split(b" ")
        return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.has_sent = True
        async with self._lock:
            if self.torn:
                raise trio.BrokenResourceError
            try:
                await self._stream.send_all(data)
            except BaseException:
                self.torn = True
                raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            self.at_end = not data
        if len(self.first_bytes) < _STATUS_LINE_BYTES:
            self.first_bytes += bytes(data[:_STATUS_LINE_BYTES])
        return data

    async def aclose(self) -> None:
        self.at_end = True
        await self._stream.aclose()

    async def send_eof(self) -> None:
        """Tell the peer that nothing more will come, where the stream has a way to say so (TLS has none)."""
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def discard(self) -> None:
        """Read and throw away until the peer is done. A socket closed with unread data resets the connection, and the peer
        might never see the close frame or refusal that was sent before."""
        while not self.at_end:
            await self.receive_some(READ_BYTES)


class ReaderTask:
    """Stands in for the nursery that trio-websocket wants: runs its reading task, and keeps the task's failure."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.ended = trio.Event()
        self.failure: Exception | None = None
        self.on_end: Callable[[], None] = lambda: None

    @property
    def as_nursery(self) -> trio.Nursery:
        return cast(trio.Nursery, self)

    def start_soon(self, read: Callable[[], Awaitable[None]]) -> None:
        self._nursery.start_soon(self._run, read)

    async def _run(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except Exception as error:  # hostile bytes raise many things, and none may leave the connection
            self.failure = error
            _log.debug("a connection's reading ended with %s", type(error).__name__)
        finally:
            self.ended.set()
            self.on_end()


class LinkClosedError(ConnectionError):
    """The connection is over. ``code`` is that of WebSocket; the text may quote the peer."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


class Link:
    """An open connection. Everything but ``close`` raises ``LinkClosedError`` once it is over."""

    def __init__(self, connection: WebSocketConnection, wire: Wire, reader: ReaderTask) -> None:
        self._connection = connection
        self._wire = wire
        self._reader = reader

    async def receive(self) -> bytes:
        """The next message, text as UTF-8."""
        with self._closing():
            message = await self._connection.get_message()
        return message.encode() if isinstance(message, str) else message

    async def send(self, document: bytes) -> None:
        """Send one text message."""
        with self._closing():
            await self._connection.send_message(document.decode())

    async def ping(self) -> None:
        """Returns when the pong has come."""
        with self._closing():
            await self._connection.ping()

    async def pong(self) -> None:
        """A pong that nobody asked for, as a sign of life."""
        with self._closing():
            await self._connection.pong()

    async def send_frames(self, frames: bytes) -> None:
        """Write frames that are ready made (server's end only)."""
        with self._closing():
            await self._wire.send_all(frames)

    @contextmanager
    def _closing(self) -> Generator[None]:
        try:
            yield
        except (ConnectionClosed, LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            raise self._closed_error() from None

    def _closed_error(self) -> LinkClosedError:
        closed = self._connection.closed
        if closed is None or closed.code == _BROKEN_OFF:
            return LinkClosedError("the connection broke off", _BROKEN_OFF)
        text = f"closed with {closed.code} {closed.name.lower().replace('_', ' ')}"
        return LinkClosedError(f"{text}: {cut(closed.reason, 100)}" if closed.reason else text, closed.code)

    async def close(self, code: int = 1001, reason: str | None = None) -> None:
        """Say goodbye, for ``CLOSE_SECS`` at most; then the connection is cut. Never raises and cannot be cancelled."""
        await say_goodbye(self._wire, self._reader, lambda: self._connection.aclose(code, reason))

    async def cut(self) -> None:
        """End the connection without a word: a frame may be half written, and nothing that follows could be read."""
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self._wire)


async def say_goodbye(wire: Wire, reader: ReaderTask, farewell: Callable[[], Awaitable[None]] | None = None) -> None:
    """Let what was written reach the peer, for ``CLOSE_SECS`` at most, then cut the connection."""
    with trio.move_on_after(CLOSE_SECS, shield=True):
        try:
            if farewell is not None and not wire.torn:
                await farewell()
            if wire.has_sent and not wire.at_end:
                await wire.send_eof()
                await reader.ended.wait()
                await wire.discard()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            pass
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(wire)
