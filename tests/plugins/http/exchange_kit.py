"""Single exchanges with a raw server, for the tests of both ways to a vendor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from plugins.http.sink_kit import Recorder, recording
from wye.message import HttpRequest, HttpResponse
from wye_plugins.http.client import Client
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.reason import ExchangeError

POST = HttpRequest([0], b"body")


async def exchanged(url: str, *requests: HttpRequest, **options: Any) -> list[HttpResponse]:
    async with Client(HttpSinkOptions(url=url, **options), url) as client:
        return [await client.exchange(request) for request in requests]


async def answered(pieces: Iterable[bytes], request: HttpRequest = POST) -> HttpResponse:
    """What is made of an answer that comes in ``pieces`` and ends with the connection."""
    response, error = None, None
    async with recording(Saying(pieces)) as port:
        try:
            (response,) = await exchanged(f"http://127.0.0.1:{port}", request)
        except ExchangeError as found:  # a nursery would make a group of it
            error = found
    if response is None:
        raise error or AssertionError
    return response


class Saying(Recorder):
    """Reads one request, says the pieces, and hangs up."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__(b"")
        self.pieces = pieces

    async def serve(self, stream: trio.abc.Stream) -> None:
        await super().serve(stream)
        if self.heads:
            for piece in self.pieces:
                await stream.send_all(piece)
