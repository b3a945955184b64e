"""W3's limit: a file of events, posted. ``python -m bench.limits.http_out PORT FILE EVENTS_A_REQUEST CONNECTIONS``

One loop on epoll, one prebuilt head, httptools for the answers. Decodes, converts and encodes every event, as wye does."""

from __future__ import annotations

import gc
import select
import socket
import sys
from itertools import islice
from pathlib import Path

import httptools

from bench.limits.posts import bodies, path

HEAD = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %%d\r\n\r\n"


class Connection:
    """One connection, and whether its request was answered."""

    def __init__(self, port: int, head: bytes) -> None:
        self._head = head
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answered = True
        self._parser = httptools.HttpResponseParser(self)
        self.feed = self._parser.feed_data

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            raise ValueError(f"answered {self._parser.get_status_code()}")
        self.answered = True

    def post(self, body: bytes) -> None:
        self.answered = False
        self.socket.sendall(self._head % len(body) + body)


def main(port: int, origin: Path, events: int, connections: int) -> None:
    gc.set_threshold(50_000, 20, 100)
    poll = select.epoll()
    waiting: dict[int, Connection] = {}
    todo = bodies(origin, events)
    for body in islice(todo, connections):
        connection = Connection(port, HEAD % path(events).encode())
        waiting[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
        connection.post(body)
    while waiting:
        for number, _ in poll.poll():
            connection = waiting[number]
            connection.feed(connection.socket.recv(65_536))
            if not connection.answered:
                continue
            body = next(todo, None)
            if body is None:
                poll.unregister(number)
                waiting.pop(number).socket.close()
            else:
                connection.post(body)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
