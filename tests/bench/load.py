"""The load: a process that posts events over keep-alive connections and prints what it saw as JSON.

    python -m bench.load PORT [--events 1] [--connections 32] (--secs S | --count N) [--rate R] [--tail FILE]

Each connection has one request under way. Without ``--rate`` the next follows the answer at once; with it requests are due at
fixed times, whatever the answers do, and every latency counts from when its request was due. ``--tail`` watches the file that
the events end up in, and times their arrival there as well.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import time
from collections import deque
from pathlib import Path

from bench import payloads

_DISTINCT = 20_000
"""Events in requests that are made before the start; after these they come again. How many there are to come does not matter:
else few would differ less from each other than many, and be cheaper."""
_ID = re.compile(rb'"event_id":(?:\{"text":\[)?"event-(\d{12})"')
_PATIENCE_SECS = 30.0


class Connection:
    """One keep-alive connection. ``due_at`` is when its request was due."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due_at = 0.0
        self._received = b""
        self._usual = b""

    def post(self, request: bytes, due_at: float) -> None:
        self.due_at = due_at
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Read what there is: whether the answer is complete. Raises ``ValueError`` unless it is a 200."""
        received = self.socket.recv(65_536)
        if not received:
            raise ValueError("the server has closed a connection")
        if received == self._usual and not self._received:
            return True
        answer = self._received = self._received + received
        head, end, body = answer.partition(b"\r\n\r\n")
        if not end:
            return False
        if head[9:12] not in (b"200", b"202", b"204"):
            raise ValueError(f"answered {answer[:200]!r}")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if len(body) < (int(length[1]) if length else 0) or (
            not length and b"chunked" in head and not body.endswith(b"0\r\n\r\n")
        ):
            return False
        self._usual, self._received = answer, b""
        return True


class Tail:
    """When the events of a file arrived in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""
        self.arrivals: list[tuple[int, float]] = []

    def look(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        if not new:
            return
        now = time.monotonic()
        self._at += len(new)
        lines, _, self._rest = (self._rest + new).rpartition(b"\n")
        self.arrivals.extend((int(number), now) for number in _ID.findall(lines))


class Load:
    """The requests, who carries them, and when each was due and answered."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._total: int | None = arguments.count
        if arguments.rate:
            self._total = int(arguments.rate * arguments.secs)
        distinct = max(_DISTINCT // arguments.events, 32)
        if self._total is not None:
            distinct = self._total if arguments.rate else min(self._total, distinct)
        make = payloads.mixed_posts if arguments.mixed else payloads.posts
        self._requests = make(arguments.events, distinct)
        self._tail = Tail(arguments.tail) if arguments.tail else None
        self._poll = select.epoll()
        self._by_number: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._sent = 0
        self._latencies: list[float] = []
        self._due: list[float] = []

    def run(self) -> dict[str, float]:
        for _ in range(self._arguments.connections):
            connection = Connection(self._arguments.port)
            self._by_number[connection.socket.fileno()] = connection
            self._poll.register(connection.socket, select.EPOLLIN)
            self._idle.append(connection)
        start = time.monotonic()
        until = start + self._arguments.secs if self._total is None else float("inf")
        self._go_on(start, until)
        while len(self._idle) < len(self._by_number) or self._more(until):
            self._take_answers(0.001 if self._arguments.rate else 1.0)
            self._go_on(start, until)
            if self._tail is not None:
                self._tail.look()
        end = time.monotonic()
        return {
            "requests": self._sent,
            "began": start,
            "secs": end - start,
            **_spread(self._latencies, "answer"),
            **self._arrivals(),
        }

    def _more(self, until: float) -> bool:
        return time.monotonic() < until if self._total is None else self._sent < self._total

    def _go_on(self, start: float, until: float) -> None:
        rate: float | None = self._arguments.rate
        while self._idle and self._more(until):
            now = time.monotonic()
            due_at = start + self._sent / rate if rate else now
            if due_at > now:
                return
            connection = self._idle.popleft()
            self._due.append(due_at)
            connection.post(self._requests[self._sent % len(self._requests)], due_at)
            self._sent += 1

    def _take_answers(self, secs: float) -> None:
        for number, _ in self._poll.poll(secs):
            connection = self._by_number[number]
            if connection.answered():
                self._latencies.append(time.monotonic() - connection.due_at)
                self._idle.append(connection)

    def _arrivals(self) -> dict[str, float]:
        tail = self._tail
        if tail is None:
            return {}
        until = time.monotonic() + _PATIENCE_SECS
        while len(tail.arrivals) < self._sent and time.monotonic() < until:
            tail.look()
            time.sleep(0.001)
        return _spread([at - self._due[number] for number, at in tail.arrivals], "sink") | {"arrived": len(tail.arrivals)}


def _spread(latencies: list[float], name: str) -> dict[str, float]:
    """Percentiles in milliseconds."""
    ordered = sorted(latencies)
    picks = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
    return {
        f"{name}_{pick}_ms": 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] for pick, share in picks.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--events", type=int, default=1, help="events a request")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--secs", type=float)
    parser.add_argument("--count", type=int, help="requests")
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--tail", type=Path)
    parser.add_argument("--mixed", action="store_true", help="by turns of two vendors")
    print(json.dumps(Load(parser.parse_args()).run()))


if __name__ == "__main__":
    main()
