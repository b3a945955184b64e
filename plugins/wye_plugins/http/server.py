"""The trio shell: accepts connections, ends those that are late, makes room, and stops in good order."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections.abc import Sequence

import trio

from wye_plugins.http.answer import render
from wye_plugins.http.connection import Connection, Phase
from wye_plugins.http.link import Link, SocketLink, secure
from wye_plugins.http.site import Site, Spell

log = logging.getLogger("wye.http")

_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
# On Linux, accept also raises what has become of the very connection (accept(2)).
_OF_ONE_CONNECTION = frozenset(
    {
        errno.ECONNABORTED,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
        errno.EPERM,
        errno.EPROTO,
    }
)
_AT_A_TIME = 64


class Server:
    """Serves ``site`` until told to stop. Run ``sweep`` beside the connections for as long as there are any."""

    def __init__(self, site: Site, tls: ssl.SSLContext | None = None) -> None:
        options = site.options
        name = site.intake.name
        self._site = site
        self._tls = tls
        self._connections: set[Connection] = set()
        self._crowded = Spell(log, name, "max_connections reached and none idle; new ones are answered 503", "has room again")
        self._starved = Spell(log, name, "cannot accept connections: out of file descriptors", "accepts connections again")
        self._said: set[type[Exception]] = set()
        shortest = min(
            options.header_timeout_secs,
            options.idle_timeout_secs,
            options.request_timeout_secs,
            max(options.overload_wait_secs, 0.1),
        )
        self._sweep_secs = min(1.0, shortest / 8)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Take connections until cancelled; they run in ``nursery``."""
        listener.setblocking(False)
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                for _ in range(_AT_A_TIME):
                    self._take(*listener.accept(), nursery)
                self._starved.over()
            except BlockingIOError:
                self._starved.over()
            except OSError as error:
                if error.errno in _OF_ONE_CONNECTION:
                    continue
                if error.errno not in _OUT_OF_FILES:
                    raise
                self._starved.hit()
                self._make_room()
                await trio.sleep(0.1)

    def _take(self, sock: socket.socket, peer: Sequence[str], nursery: trio.Nursery) -> None:
        if len(self._connections) >= self._site.options.max_connections and not self._make_room():
            self._crowded.hit()
            self._turn_away(sock)
            return
        self._crowded.over()
        link = SocketLink(sock) if self._tls is None else secure(sock, self._tls)
        self.attach(link, peer[0].removeprefix("::ffff:") if peer else None, nursery)

    def attach(self, link: Link, client_ip: str | None, nursery: trio.Nursery) -> None:
        """Serve one more connection."""
        connection = Connection(link, self._site, client_ip)
        self._connections.add(connection)
        nursery.start_soon(self._run, connection)

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run()
        except Exception as error:
            if type(error) not in self._said:
                self._said.add(type(error))
                log.exception("source %s: a connection failed (said once per kind)", self._site.intake.name)
        finally:
            self._connections.discard(connection)

    def _turn_away(self, sock: socket.socket) -> None:
        """Answer 503 where that needs no waiting, and close."""
        with sock:
            if self._tls is None:
                SocketLink(sock).refuse(render(self._site.connections_full, keep_alive=False))

    def _make_room(self) -> bool:
        """End the connection that has been idle longest, else one whose client has left while it waits for its answer."""
        idle = [one for one in self._connections if one.phase is Phase.IDLE]
        victim = min(idle, key=lambda one: one.idle_since) if idle else self._deserted()
        if victim is None:
            return False
        victim.evict()
        self._connections.discard(victim)
        return True

    def _deserted(self) -> Connection | None:
        waiting = (one for one in self._connections if one.phase in (Phase.EMITTING, Phase.ANSWERING))
        return next((one for one in waiting if one.link.gone()), None)

    async def sweep(self) -> None:
        """Interrupt connections whose deadline has passed, until cancelled."""
        while True:
            await trio.sleep(self._sweep_secs)
            now = trio.current_time()
            for connection in self._connections:
                if connection.deadline <= now:
                    connection.interrupt()

    def stop(self) -> None:
        """End idle connections, refuse half-received requests, and let the others have their answer."""
        self._site.stopping = True
        for connection in self._connections:
            if connection.phase in (Phase.OPENING, Phase.IDLE, Phase.READING):
                connection.interrupt()
