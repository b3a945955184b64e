# pyright: basic, reportMissingImports=false
"""W2 with hypercorn, without a sync: ``python -m bench.peers.hypercorn_in PORT FILE``"""

from __future__ import annotations

import asyncio
import os
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

from bench.limits.convert import of_array

OUT = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


async def app(scope, receive, send) -> None:
    """Every request is a post of events."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    os.write(OUT, of_array(body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


config = Config()
config.bind = [f"127.0.0.1:{sys.argv[1]}"]
config.keep_alive_max_requests = 10**9
config.backlog = 256
config.accesslog = config.errorlog = None
asyncio.run(serve(app, config))
