"""One connection of the lean client: a request goes out in one write, its answer is read, and it is kept for the next one."""

from __future__ import annotations

import contextlib
import select
import socket

import trio

from wye.message import HttpResponse
from wye_plugins.http.incoming import Incoming
from wye_plugins.http.link import SocketLink, StreamLink
from wye_plugins.http.reason import ExchangeError


class Kept:
    """``sock`` is what ``link`` goes over."""

    def __init__(self, link: SocketLink | StreamLink, sock: socket.socket | trio.socket.SocketType) -> None:
        self.keep_alive = False
        self.idle_since = 0.0
        self._link = link
        self._sock = sock
        self._incoming = Incoming()
        self._late = False
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)

    async def ask(self, request: bytes) -> HttpResponse:
        """Raises ``ExchangeError``; ``trio.TooSlowError`` after ``give_up``. Then, and when it is cancelled, the connection is
        good for nothing but ``close``."""
        incoming, link = self._incoming, self._link
        incoming.expect()
        # A server may hang up before it has read everything, and have said why.
        with contextlib.suppress(OSError, trio.BrokenResourceError):
            if rest := link.send_now(request):
                await link.send(rest)
        try:
            while not incoming.complete:
                data = await link.receive()
                if self._late:
                    raise trio.TooSlowError
                incoming.feed(data)
        except (OSError, trio.BrokenResourceError) as error:
            if self._late:
                raise trio.TooSlowError from None
            raise ExchangeError("lost") from error
        self.keep_alive = incoming.keep_alive
        return incoming.response

    def quiet(self) -> bool:
        """Whether nothing has come since the last answer: what comes unasked is the end, or nothing good."""
        return not self._poll.poll(0)

    def give_up(self) -> None:
        """Make an end of what is being asked: its time is over."""
        self._late = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """At once, without a word."""
        self._sock.close()

    async def part(self) -> None:
        """Say goodbye as TLS wants it."""
        with contextlib.suppress(OSError, trio.BrokenResourceError):
            await self._link.part()
