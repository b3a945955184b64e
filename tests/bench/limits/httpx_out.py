"""What W3 is held against: the same through httpx, several requests at a time and nothing else.
``python -m bench.limits.httpx_out PORT FILE EVENTS_A_REQUEST CONNECTIONS``"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.limits.posts import bodies, path

HEADERS = {"Content-Type": "application/json"}


async def post_all(client: httpx.AsyncClient, where: str, todo: Iterator[bytes]) -> None:
    """Take a body, post it, and so on until there are no more."""
    for body in todo:
        response = await client.post(where, content=body, headers=HEADERS)
        response.raise_for_status()


async def main(port: int, origin: Path, events: int, connections: int) -> None:
    gc.set_threshold(50_000, 20, 100)
    todo = bodies(origin, events)
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, trust_env=False) as client:
        await asyncio.gather(*(post_all(client, path(events), todo) for _ in range(connections)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
