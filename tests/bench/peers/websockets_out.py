# pyright: basic, reportMissingImports=false
"""W4 with websockets and its broadcast: ``python -m bench.peers.websockets_out PORT FILE SUBSCRIBERS``"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from websockets.asyncio.server import broadcast, serve

from bench.limits.convert import documents

MOST_BUFFERED_BYTES = 65_536


async def main(port: int, origin: Path, subscribers: int) -> None:
    ended = asyncio.Event()

    async def stay(_connection) -> None:
        await ended.wait()

    async with serve(stay, "127.0.0.1", port, compression=None) as server:
        while len(server.connections) < subscribers or not origin.exists():
            await asyncio.sleep(0.01)
        clients = list(server.connections)
        lines = origin.read_bytes().splitlines()
        for start in range(0, len(lines), 64):
            for document in documents(lines[start : start + 64]):
                broadcast(clients, document.decode())
            await asyncio.sleep(0)
            while any(client.transport.get_write_buffer_size() > MOST_BUFFERED_BYTES for client in clients):
                await asyncio.sleep(0)
        await asyncio.sleep(3600)


asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
