"""W2's limit: events by HTTP to a file of Google's. ``python -m bench.limits.http_in PORT FILE [--sync]``

One loop on epoll, httptools for the requests, one write for all that came at once, and with ``--sync`` one ``fdatasync``
before all their answers."""

from __future__ import annotations

import gc
import os
import select
import socket
import sys
from pathlib import Path

import httptools

from bench.limits.convert import of_array

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Connection:
    """One client; ``bodies`` are those of requests that are complete."""

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


def main(port: int, target: Path, sync: bool) -> None:
    gc.set_threshold(50_000, 20, 100)
    poll = select.epoll()
    connections: dict[int, Connection] = {}
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener, target.open("wb", buffering=0) as out:
        poll.register(listener, select.EPOLLIN)
        while True:
            documents: list[bytes] = []
            answers: list[tuple[Connection, bytes]] = []
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
                    documents.extend(map(of_array, connection.bodies))
                    answers.append((connection, ANSWER * len(connection.bodies)))
                    connection.bodies.clear()
            if documents:
                out.write(b"".join(documents))
                if sync:
                    os.fdatasync(out.fileno())
            for connection, answer in answers:
                connection.socket.send(answer)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), "--sync" in sys.argv)
