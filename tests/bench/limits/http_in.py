"""W2's limit: events by HTTP to a file of Google's. ``python -m bench.limits.http_in PORT FILE [--sync]``

One write for all that came at once, and with ``--sync`` one ``fdatasync`` before all their answers."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from bench.limits.convert import of_array
from bench.limits.server import asking

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def main(port: int, target: Path, sync: bool) -> None:
    gc.set_threshold(50_000, 20, 100)
    with target.open("wb", buffering=0) as out:
        for connections in asking(port):
            out.write(b"".join([of_array(body) for one in connections for body in one.bodies]))
            if sync:
                os.fdatasync(out.fileno())
            for one in connections:
                one.answer(ANSWER)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), "--sync" in sys.argv)
