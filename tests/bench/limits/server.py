"""The leanest HTTP server: one loop on epoll, httptools for the requests."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import httptools


class Connection:
    """One client; ``bodies`` are those of requests that are complete and not answered yet."""

    def __init__(self, client: socket.socket) -> None:
        self.socket = client
        self.bodies: list[bytes] = []
        self._parts: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)
        self.feed = self._parser.feed_data

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self.bodies.append(b"".join(self._parts))
        self._parts.clear()

    def answer(self, answer: bytes) -> None:
        """The same to all of its requests, in one write."""
        self.socket.send(answer * len(self.bodies))
        self.bodies.clear()


def asking(port: int) -> Iterator[list[Connection]]:
    """Listens, and gives again and again the connections that wait for answers."""
    poll = select.epoll()
    connections: dict[int, Connection] = {}
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        poll.register(listener, select.EPOLLIN)
        while True:
            waiting: list[Connection] = []
            for number, _ in poll.poll():
                if number == listener.fileno():
                    client = listener.accept()[0]
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[client.fileno()] = Connection(client)
                    poll.register(client, select.EPOLLIN)
                    continue
                connection = connections[number]
                received = connection.socket.recv(262_144)
                if not received:
                    poll.unregister(number)
                    connections.pop(number).socket.close()
                    continue
                connection.feed(received)
                if connection.bodies:
                    waiting.append(connection)
            if waiting:
                yield waiting
