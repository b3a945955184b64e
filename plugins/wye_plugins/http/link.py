"""The bytes of one connection, in and out: over a plain socket in as few system calls as it takes, or over any trio stream."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

RECEIVE_BYTES = 65_536


class Link(Protocol):
    """A connection. Everything may raise ``OSError`` or trio's resource errors when the other end is gone."""

    async def open(self) -> None:
        """What has to happen before the first byte: a handshake."""
        ...

    async def receive(self) -> bytes:
        """The next bytes; none at the end."""
        ...

    def send_now(self, data: bytes) -> bytes | memoryview:
        """Send what can be sent without waiting; the rest is returned."""
        ...

    async def send(self, data: bytes | memoryview) -> None: ...

    async def finish(self) -> None:
        """Say that nothing more will be sent."""
        ...

    async def part(self) -> None:
        """Take leave as the protocol below wants it."""
        ...

    def gone(self) -> bool:
        """Whether the other end has closed, as far as can be told without waiting."""
        ...

    async def aclose(self) -> None:
        """Close without waiting for the other end."""
        ...


class SocketLink:
    """A plain TCP connection. Sending is tried before anything is waited for, which saves a trip through the scheduler."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._fd = sock.fileno()

    async def open(self) -> None:
        pass

    @property
    def number(self) -> int:
        """The file descriptor."""
        return self._fd

    def receive_now(self) -> bytes | None:
        """What is there; ``None`` for nothing yet, no bytes at the end."""
        try:
            return self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None

    async def receive(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._fd)
            try:
                return self._sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue

    def send_now(self, data: bytes) -> bytes | memoryview:
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            return data
        return b"" if sent == len(data) else memoryview(data)[sent:]

    def refuse(self, answer: bytes) -> None:
        """Send ``answer`` if that can be done at once; what the client has sent so far is read, or it would undo the answer."""
        with contextlib.suppress(OSError):
            self._sock.send(answer)
            self._sock.shutdown(socket.SHUT_WR)
            self._sock.recv(RECEIVE_BYTES)

    async def send(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            await trio.lowlevel.wait_writable(self._fd)
            with contextlib.suppress(BlockingIOError):
                rest = rest[self._sock.send(rest) :]

    async def finish(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    async def part(self) -> None:
        pass

    def gone(self) -> bool:
        try:
            return not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    async def aclose(self) -> None:
        self._sock.close()


class StreamLink:
    """Any trio stream."""

    def __init__(self, stream: trio.abc.Stream, opening: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint) -> None:
        self._stream = stream
        self._opening = opening

    async def open(self) -> None:
        await self._opening()

    async def receive(self) -> bytes:
        return bytes(await self._stream.receive_some(RECEIVE_BYTES))  # type: ignore[attr-defined]

    def send_now(self, data: bytes) -> bytes | memoryview:
        return data

    async def send(self, data: bytes | memoryview) -> None:
        await self._stream.send_all(data)

    async def finish(self) -> None:
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def part(self) -> None:
        await self._stream.aclose()

    def gone(self) -> bool:
        return False

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)


def secure(sock: socket.socket, context: ssl.SSLContext) -> StreamLink:
    """A TLS connection on the server's side of ``sock``."""
    plain = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
    stream = trio.SSLStream(plain, context, server_side=True, https_compatible=True)
    return StreamLink(stream, stream.do_handshake)
