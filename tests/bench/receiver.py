"""The far end of an HTTP sink: answers every post with 200, and prints as JSON when the first and the last event came.

``python -m bench.receiver PORT EVENTS`` ends when it has seen so many events.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

import httptools

_BODY = b'{"name":"projects/shop/operations/1","done":true}'
"""An import of Google's that is done at once; everybody else does not read it."""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_MARK = b'"event_id"'


class Connection:
    """One client, and how much of it is not answered yet."""

    def __init__(self, client: socket.socket) -> None:
        self.socket = client
        self.events = self.due = 0
        self._parts: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)
        self.feed = self._parser.feed_data

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self.events += b"".join(self._parts).count(_MARK)
        self.due += 1
        self._parts.clear()


def main(port: int, wanted: int) -> None:
    poll = select.epoll()
    connections: dict[int, Connection] = {}
    events = requests = 0
    first = last = 0.0
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        poll.register(listener, select.EPOLLIN)
        while events < wanted:
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
                first = first or time.monotonic()
                connection.feed(received)
                if connection.due:
                    last = time.monotonic()
                    connection.socket.send(_ANSWER * connection.due)
                    events += connection.events
                    requests += connection.due
                    connection.events = connection.due = 0
    print(json.dumps({"events": events, "requests": requests, "secs": last - first}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
