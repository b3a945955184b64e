"""A small HTTP server that plays the vendor: it remembers what it was sent and answers as it is told."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import h11
import msgspec
import trio
from msgspec import Struct

from wye.message import Reply


class Post(Struct, frozen=True):
    """One request as it came; names of ``headers`` are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, free of ``Content-Encoding: gzip``, as JSON."""
        body = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return msgspec.json.decode(body)


class HttpPartner:
    """Listens on 127.0.0.1. ``answer`` decides about each request; ``posts`` are all of them, ``answers`` the statuses given.

    Use ``async with HttpPartner().listening() as partner``. Give ``gate`` an unset
    event to let nothing be answered until it is set: a partner that has stalled.
    """

    def __init__(self, answer: Callable[[Post], Reply | int] = lambda _: 200) -> None:
        self.answer = answer
        self.posts: list[Post] = []
        self.answers: list[int] = []
        self.gate = trio.Event()
        self.gate.set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accepted(self) -> list[Any]:
        """The members of all JSON arrays that were answered with a 2xx, in order."""
        found: list[Any] = []
        for post, status in zip(self.posts, self.answers, strict=False):
            if 200 <= status < 300:
                found.extend(post.json())
        return found

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncGenerator[HttpPartner]:
        """Serve until the block ends."""
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
            self.port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, self._serve, listeners)
            yield self
            nursery.cancel_scope.cancel()

    async def _serve(self, stream: trio.SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (post := await _read(connection, stream)) is not None:
                await self.gate.wait()
                answer = self.answer(post)
                reply = Reply(answer) if isinstance(answer, int) else answer
                self.posts.append(post)
                self.answers.append(reply.status)
                await stream.send_all(_written(connection, reply))
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass  # the client went away
        finally:
            await trio.aclose_forcefully(stream)


async def _read(connection: h11.Connection, stream: trio.SocketStream) -> Post | None:
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            headers = {name.decode(): value.decode() for name, value in request.headers}
            return Post(request.method.decode(), request.target.decode(), headers, body)
        else:
            return None


def _written(connection: h11.Connection, reply: Reply) -> bytes:
    headers = [*reply.headers, ("Content-Length", str(len(reply.body)))]
    response = h11.Response(status_code=reply.status, headers=headers)
    parts = (connection.send(response), connection.send(h11.Data(data=reply.body)), connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)
