# pyright: basic, reportMissingImports=false
"""W3 with aiohttp: ``python -m bench.peers.aiohttp_out PORT FILE EVENTS_A_REQUEST CONNECTIONS``"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from bench.limits.posts import bodies, path


async def post_all(session: aiohttp.ClientSession, where: str, todo: Iterator[bytes]) -> None:
    """Take a body, post it, and so on until there are no more."""
    for body in todo:
        async with session.post(where, data=body, headers={"Content-Type": "application/json"}) as response:
            response.raise_for_status()
            await response.read()


async def main(port: int, origin: Path, events: int, connections: int) -> None:
    todo = bodies(origin, events)
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:
        await asyncio.gather(*(post_all(session, path(events), todo) for _ in range(connections)))


asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
