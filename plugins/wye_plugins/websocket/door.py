"""The listening end: accepts connections, asks who may come in, and hands the open ones on."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast
from urllib.parse import parse_qsl, unquote

import trio
from msgspec import Struct
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from wye.message import Head, Reply
from wye.net import ServerTls, bound_address, listen, server_context, shown
from wye_plugins.websocket.link import MESSAGES_AT_HAND, READ_BYTES, Link, ReaderTask, Wire, say_goodbye

G = TypeVar("G")
Listener = trio.SocketListener | trio.SSLListener[trio.SocketStream]

_log = logging.getLogger("wye.websocket.door")

_ORIGIN = re.compile(r"\A[a-z]+://[^/?#]*", re.IGNORECASE)


class Admitted(Struct, Generic[G], frozen=True):
    """Someone may come in; ``guest`` is what the admitting side wants to remember about them."""

    guest: G


class Visitor(Struct, frozen=True):
    """Someone who asks to come in. ``query`` keeps every value of a name, in order; ``shown`` is host and port."""

    head: Head
    query: Sequence[tuple[str, str]]
    shown: str


class Door(Generic[G]):
    """Serves one connection after the other, each in its own task.

    ``name`` is the part's. ``admit`` decides on the head of the request; ``welcome`` gets the open connection and returns when
    it is over. Who would be one more than ``most`` is answered ``full``.
    """

    def __init__(
        self,
        name: str,
        admit: Callable[[Visitor], Admitted[G] | Reply],
        welcome: Callable[[Link, G, str], Awaitable[None]],
        *,
        most: int,
        full: Reply,
        max_message_bytes: int,
        timeout_secs: float,
    ) -> None:
        self._name = name
        self._admit = admit
        self._welcome = welcome
        self._most = most
        self._full = full
        self._guests = 0
        self._max_message_bytes = max_message_bytes
        self._timeout_secs = timeout_secs
        self._asking: set[trio.CancelScope] = set()
        self._said: set[type[Exception]] = set()

    def shut(self) -> None:
        """Send away those who are still at the opening handshake."""
        for scope in self._asking:
            scope.cancel()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """One connection, from its first byte to its end. What the peer does wrong ends here."""
        wire = Wire(stream)
        async with trio.open_nursery() as nursery:
            reader = ReaderTask(nursery)
            try:
                await self._let_in(stream, wire, reader)
            finally:
                await say_goodbye(wire, reader)
            nursery.cancel_scope.cancel()

    async def _let_in(self, stream: trio.abc.Stream, wire: Wire, reader: ReaderTask) -> None:
        visitor = link = answer = None
        try:
            with trio.move_on_after(self._timeout_secs) as scope:
                reader.on_end = scope.cancel
                self._asking.add(scope)
                request = await self._request(wire, reader)
                visitor = visitor_of(request, _peer(stream))
                answer = self._decide(visitor)
                link = await _answer(request, answer, wire, reader)
            reader.on_end = lambda: None
            self._asking.discard(scope)
            if link is not None and visitor is not None and isinstance(answer, Admitted):
                await self._welcome(link, answer.guest, visitor.shown)
        finally:
            self._guests -= isinstance(answer, Admitted)
            if link is not None:
                await link.close()

    def _decide(self, visitor: Visitor) -> Admitted[G] | Reply:
        """Who is admitted has a place from now on: others ask while the answer is being sent."""
        try:
            answer = self._admit(visitor)
        except Exception as error:  # a plugin's fault costs the visit
            kind = type(error)
            if kind not in self._said:
                words = "%s: an adapter raised %s about a visitor; answered 500 (said once per kind)"
                _log.error(words, self._name, kind.__name__, exc_info=error)
            self._said.add(kind)
            return Reply(500)
        if not isinstance(answer, Admitted):
            return answer
        if self._guests >= self._most:
            return self._full
        self._guests += 1
        return answer

    async def _request(self, wire: Wire, reader: ReaderTask) -> WebSocketRequest:
        return await wrap_server_stream(
            reader.as_nursery, wire, MESSAGES_AT_HAND, self._max_message_bytes, receive_buffer_size=READ_BYTES
        )


async def _answer(request: WebSocketRequest, answer: Admitted[G] | Reply, wire: Wire, reader: ReaderTask) -> Link | None:
    try:
        if isinstance(answer, Admitted):
            return Link(await request.accept(), wire, reader)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        await request.reject(answer.status, extra_headers=headers, body=answer.body)
    except ConnectionClosed:
        pass
    return None


def visitor_of(request: WebSocketRequest, peer: tuple[str, int] | None) -> Visitor:
    """The head of an opening request, in the form that adapters know."""
    # Cut by hand: a client may send what is no URL, at which ``urlsplit`` raises.
    target = request.path if request.path.startswith("/") else _ORIGIN.sub("", request.path, count=1)
    path, _, parameters = target.partition("#")[0].partition("?")
    query = parse_qsl(parameters, keep_blank_values=True)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
    head = Head("GET", unquote(path) or "/", dict(query), headers, peer[0] if peer else None)
    return Visitor(head, query, shown(*peer) if peer else "unknown")


def _peer(stream: trio.abc.Stream) -> tuple[str, int] | None:
    plain = cast(trio.SSLStream[trio.SocketStream], stream).transport_stream if isinstance(stream, trio.SSLStream) else stream
    if not isinstance(plain, trio.SocketStream):
        return None
    try:
        host, port, *_ = plain.socket.getpeername()
    except OSError:
        return None
    return host, port


async def open_listeners(address: str, tls: ServerTls | None) -> list[Listener]:
    """Raises ``StartError`` when the address cannot be had or the certificate not be used."""
    context = None if tls is None else server_context(tls)
    listeners = await listen(address)
    return [trio.SSLListener(one, context, https_compatible=True) for one in listeners] if context else list(listeners)


def shown_addresses(listeners: Sequence[Listener]) -> list[str]:
    """``ws://host:port`` for each listener, with the ports that were really bound."""
    return [_shown(one) for one in listeners]


def _shown(listener: Listener) -> str:
    secure = isinstance(listener, trio.SSLListener)
    plain = listener.transport_listener if secure else listener
    assert isinstance(plain, trio.SocketListener)
    return f"{'wss' if secure else 'ws'}://{bound_address(plain.socket)}"


async def serve_listeners(door: Door[G], listeners: Sequence[Listener], handlers: trio.Nursery) -> None:
    """Accept connections until cancelled; those that are open by then stay in ``handlers``."""
    try:
        await trio.serve_listeners(door.serve, list(listeners), handler_nursery=handlers)
    finally:
        door.shut()
