"""Subscribers of a WebSocket server, all in one process, that read whatever comes.

``python -m bench.subscribers PORT COUNT EVENTS`` prints ``ready`` when all are connected, and, when each has had so many
events, how long that took from the first frame to the last, as JSON.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time

_GREETING = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MARK = b'"eventType"'
"""Once in every document."""


def _subscribed(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(_GREETING % port)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    if not head.startswith(b"HTTP/1.1 101"):
        raise ValueError(f"no subscription: {head!r}")
    return client


def main(port: int, count: int, events: int) -> None:
    clients = {client.fileno(): client for client in [_subscribed(port) for _ in range(count)]}
    poll = select.epoll()
    for number in clients:
        poll.register(number, select.EPOLLIN)
    rests = dict.fromkeys(clients, b"")
    seen = 0
    first = last = 0.0
    print("ready", flush=True)
    while seen < count * events:
        for number, _ in poll.poll():
            received = rests[number] + clients[number].recv(1_048_576)
            if received == rests[number]:
                raise ValueError("the server has closed a subscription")
            first = first or time.monotonic()
            seen += received.count(_MARK)
            rests[number] = received[1 - len(_MARK) :]
        last = time.monotonic()
    print(json.dumps({"deliveries": seen, "secs": last - first}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
