"""W4's limit: a file of events to WebSocket subscribers. ``python -m bench.limits.ws_out PORT FILE SUBSCRIBERS``

Each event is one frame, built once, and sent to every subscriber's socket without waiting where it takes it. It starts once
all subscribers and the file are there."""

from __future__ import annotations

import gc
import select
import socket
import struct
import sys
import time
from base64 import b64encode
from hashlib import sha1
from pathlib import Path

from bench.limits.convert import documents

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LOT = 256


def main(port: int, origin: Path, subscribers: int) -> None:
    gc.set_threshold(50_000, 20, 100)
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        clients = [_greeted(listener) for _ in range(subscribers)]
        while not origin.exists():
            time.sleep(0.01)
        lines = origin.read_bytes().splitlines()
        for start in range(0, len(lines), _LOT):
            for document in documents(lines[start : start + _LOT]):
                frame = _frame(document)
                for client in clients:
                    _send(client, frame)
        for client in clients:
            client.setblocking(True)
            client.recv(1)  # until it is gone


def _greeted(listener: socket.socket) -> socket.socket:
    client = listener.accept()[0]
    while client:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(4096)
            if not head:  # somebody looked whether we are there
                client = listener.accept()[0]
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = b64encode(sha1(key.partition(b":")[2].strip() + _GUID, usedforsecurity=False).digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
        )
        break
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setblocking(False)
    return client


def _frame(document: bytes) -> bytes:
    size = len(document)
    return (b"\x81" + bytes((size,)) if size < 126 else b"\x81\x7e" + struct.pack("!H", size)) + document


def _send(client: socket.socket, frame: bytes) -> None:
    try:
        sent = client.send(frame)
    except BlockingIOError:
        sent = 0
    while sent < len(frame):
        select.select((), (client,), ())
        sent += client.send(memoryview(frame)[sent:])


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
