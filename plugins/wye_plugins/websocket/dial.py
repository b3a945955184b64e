"""Connecting to a server. Everything that goes wrong becomes a ``ConnectionError`` that holds no secret."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from typing import cast
from urllib.parse import unquote, unquote_plus, urlsplit

import trio
from msgspec import Struct, structs
from trio_websocket import ConnectionRejected, wrap_client_stream

from wye.answer import asked_secs
from wye.message import HttpResponse
from wye.net import ClientTls, client_context, host_and_port, public_url, reason_of
from wye.plugin import Stream
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions
from wye_plugins.websocket.link import MESSAGES_AT_HAND, READ_BYTES, Link, ReaderTask, Wire

_LEAST_SECRET = 4


class RefusedError(ConnectionError):
    """The server answered the opening handshake with an HTTP status. ``after_secs`` is what it asked us to wait."""

    def __init__(self, status: int, after_secs: float | None = None) -> None:
        super().__init__(f"refused ({status})")
        self.status = status
        self.after_secs = after_secs


class Dial(Struct, frozen=True):
    """Where to connect and how. ``url`` and ``headers`` hold secrets; ``shown`` does not. ``wss://`` needs a ``ready`` one."""

    url: str
    headers: Mapping[str, str] = {}
    tls: ClientTls = ClientTls()
    timeout_secs: float = 10
    max_message_bytes: int = 1_048_576
    context: ssl.SSLContext | None = None

    def ready(self) -> Dial:
        """This one with the files of ``tls`` read. Raises ``StartError`` when one cannot be used."""
        return structs.replace(self, context=client_context(self.tls)) if self.secure else self

    @property
    def shown(self) -> str:
        """Scheme, host and port only."""
        return public_url(self.url)

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "wss"

    @property
    def host_and_port(self) -> tuple[str, int]:
        return host_and_port(urlsplit(self.url))

    @property
    def resource(self) -> str:
        """Path and query, as the request line has them."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def safe(self, text: str) -> str:
        """``text``, or a mere remark where a peer has quoted our credentials in it."""
        return "(it quotes our credentials)" if any(secret in text for secret in self._secrets()) else text

    def _secrets(self) -> set[str]:
        parts = urlsplit(self.url)
        values = [pair.partition("=")[2] for pair in parts.query.split("&")]
        words = [word for value in self.headers.values() for word in value.split()]
        raw = [*values, *words, *parts.path.split("/")]
        spelt = {spelling for value in raw for spelling in (value, unquote(value), unquote_plus(value))}
        return {secret for secret in spelt if len(secret) >= _LEAST_SECRET}


def dial_of(options: WebSocketSourceOptions | WebSocketSinkOptions, stream: Stream | None) -> Dial:
    """Of options with a ``url``. ``stream`` is the adapter's word on what has to be added to it."""
    url = options.url or ""
    whole = url if stream is None else stream.connect_url(url)
    return Dial(whole, options.headers, options.tls or ClientTls(), options.connect_timeout_secs, options.max_message_bytes)


async def connect(dial: Dial, nursery: trio.Nursery) -> Link:
    """An open connection, its reading task in ``nursery``. Raises ``ConnectionError``, of which ``RefusedError`` is one."""
    try:
        with trio.fail_after(dial.timeout_secs):
            wire = Wire(await _open_stream(dial))
            return await _handshake(dial, wire, nursery)
    except trio.TooSlowError:
        raise ConnectionError(f"no answer within {dial.timeout_secs:g} s") from None


async def _open_stream(dial: Dial) -> trio.abc.Stream:
    host, port = dial.host_and_port
    try:
        stream = await trio.open_tcp_stream(host, port)
        return await _over_tls(stream, dial.context, host) if dial.secure else stream
    except (OSError, UnicodeError, trio.BrokenResourceError) as error:
        raise ConnectionError(_reason(error)) from None


async def _over_tls(stream: trio.SocketStream, context: ssl.SSLContext | None, host: str) -> trio.abc.Stream:
    assert context is not None, "the dial is ready"
    secure = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await secure.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(secure)
        raise
    return secure


def _reason(error: BaseException) -> str:
    """A cause without the wrappings that trio puts around it."""
    cause = error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        attempts = cast(BaseExceptionGroup[BaseException], cause).exceptions
        return "; ".join(sorted({reason_of(attempt) for attempt in attempts}))
    return reason_of(cause if isinstance(error, trio.BrokenResourceError) and cause is not None else error)


async def _handshake(dial: Dial, wire: Wire, nursery: trio.Nursery) -> Link:
    reader = ReaderTask(nursery)
    host = urlsplit(dial.url).netloc
    headers = [(name.encode(), value.encode()) for name, value in dial.headers.items()]
    wrap = partial(wrap_client_stream, reader.as_nursery, wire, host, dial.resource)  # type: ignore[arg-type]  any stream will do
    done = False
    try:
        with trio.CancelScope() as scope:
            reader.on_end = scope.cancel
            connection = await wrap(
                extra_headers=headers,
                max_message_size=dial.max_message_bytes,
                message_queue_size=MESSAGES_AT_HAND,
                receive_buffer_size=READ_BYTES,
            )
            done = True
            return Link(connection, wire, reader)
        raise _refusal(wire, reader)
    finally:
        reader.on_end = lambda: None
        if not done:
            await trio.aclose_forcefully(wire)


def _refusal(wire: Wire, reader: ReaderTask) -> ConnectionError:
    failure = reader.failure
    if isinstance(failure, ConnectionRejected):
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in failure.headers}
        return RefusedError(failure.status_code, asked_secs(HttpResponse(failure.status_code, headers)))
    if wire.status is not None and wire.status != 101:
        return RefusedError(wire.status)
    return ConnectionError("the server closed the connection during the opening handshake")
