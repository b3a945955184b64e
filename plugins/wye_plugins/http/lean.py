"""An exchange with a vendor in as few steps as it takes: for the plain requests that a sink sends thousands of.

A request is one write on a connection that is kept, and its answer mostly one read. What is unusual is not for here
(``is_plain``); ``thorough`` does it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import SplitResult, unquote

import trio

from wye.message import HttpResponse
from wye.net import ClientTls, client_context, host_and_port, shown
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.kept import Kept
from wye_plugins.http.link import SocketLink, StreamLink
from wye_plugins.http.reason import ExchangeError
from wye_plugins.http.timekeeper import Timekeeper

# httpx's own; shorter than what servers and balancers between wait before they hang up on an idle client.
KEEP_SECS = 5.0
GOODBYE_SECS = 1.0

_METHODS = frozenset({"POST", "PUT", "PATCH", "GET", "DELETE"})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_FRAMING = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
_HOST = re.compile(r"[A-Za-z0-9._-]*[A-Za-z][A-Za-z0-9._-]*")
# What httpx would write in another way goes through httpx.
_TARGET = re.compile(r"/(?:[A-Za-z0-9!$&'()*+,;=:@/._~|^\\\[\]-]|%[0-9A-Fa-f]{2})*(?:\?(?:[!$&-;=?-~]|%[0-9A-Fa-f]{2})*)?")
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")
_MAX_TARGET = 32_768
_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE = re.compile(r"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?", re.ASCII)


def is_plain_server(options: HttpSinkOptions, url: SplitResult) -> bool:
    """Whether requests to ``url`` can go this way at all."""
    return options.proxy is None and _is_plain_host(url.hostname or "")


def is_plain(method: str, target: str, headers: Mapping[str, str]) -> bool:
    """Whether a request, its header names in lower case, can go this way."""
    return method in _METHODS and _FRAMING.isdisjoint(headers) and _is_plain_target(target)


def _is_plain_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    with contextlib.suppress(ValueError):
        return "%" not in host and bool(ipaddress.ip_address(host))
    return False


@lru_cache(maxsize=256)
def _is_plain_target(target: str) -> bool:
    return len(target) <= _MAX_TARGET and _TARGET.fullmatch(target) is not None and not _DOTS.search(target.partition("?")[0])


class Lean:
    """Keeps as many connections as there are exchanges at a time. Raises ``StartError`` for files that cannot be used."""

    def __init__(self, options: HttpSinkOptions, url: SplitResult) -> None:
        self._host, self._port = host_and_port(url)
        self._connect_timeout_secs = options.connect_timeout_secs
        secure = url.scheme == "https"
        # Reading the system's authorities takes longer than all the rest, so only where they, or the files, count.
        context = client_context(options.tls) if secure or options.tls != ClientTls() else None
        if context is not None:
            context.set_alpn_protocols(["http/1.1"])
        self._tls = context if secure else None
        whole = shown(self._host, self._port)
        self._own = {"host": whole.removesuffix(":443" if secure else ":80"), "connection": "keep-alive"}
        self._credentials = _credentials(url)
        self._timeout_secs = options.timeout_secs
        self._idle: list[Kept] = []
        self._timekeeper = Timekeeper()

    def open(self) -> None:
        """From now on it keeps the time."""
        self._timekeeper.open()

    def head(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        """What a request begins with, up to the length of its body. Raises ``ExchangeError``."""
        return _head(method, target, {**self._own, **headers, **self._credentials})

    async def exchange(self, method: str, head: bytes, body: bytes) -> HttpResponse:
        """Raises ``ExchangeError`` or ``trio.TooSlowError``."""
        if body or method in _WITH_LENGTH:
            request = b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        else:
            request = head + b"\r\n"
        now = trio.current_time()
        until = now + self._timeout_secs
        connection = self._rested(now) or await self._connected(until)
        self._timekeeper.begin(connection, until)
        try:
            response = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        finally:
            self._timekeeper.end(connection)
        if connection.keep_alive:
            connection.idle_since = trio.current_time()
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def _rested(self, now: float) -> Kept | None:
        """The connection that was used last, of those that are still good."""
        oldest = now - KEEP_SECS
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.pop(0).close()
        while self._idle:
            connection = self._idle.pop()
            if connection.quiet():
                return connection
            connection.close()
        return None

    async def _connected(self, until: float) -> Kept:
        with trio.fail_at(until):
            return await self._connect()

    async def _connect(self) -> Kept:
        try:
            with trio.fail_after(self._connect_timeout_secs):
                stream = await trio.open_tcp_stream(self._host, self._port)
                if self._tls is None:
                    sock = socket.socket(fileno=stream.socket.detach())
                    return Kept(SocketLink(sock), sock)
                secured = trio.SSLStream(stream, self._tls, server_hostname=self._host, https_compatible=True)
                try:
                    await secured.do_handshake()
                except BaseException:
                    stream.socket.close()
                    raise
                return Kept(StreamLink(secured), stream.socket)
        except trio.TooSlowError:
            raise ExchangeError("connecting late") from None
        except (OSError, UnicodeError, trio.BrokenResourceError) as error:
            raise ExchangeError("connecting") from error

    async def aclose(self) -> None:
        self._timekeeper.close()
        with trio.move_on_after(GOODBYE_SECS):
            for connection in self._idle:
                await connection.part()
        while self._idle:
            self._idle.pop().close()


def _head(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields.items()):
        raise ExchangeError("invalid")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), ""]
    try:
        return "\r\n".join(lines).encode("ascii")
    except UnicodeError:
        # Its text would show the field's value.
        raise ExchangeError("invalid") from None


def _credentials(url: SplitResult) -> dict[str, str]:
    """Those of the URL, which stand above all others."""
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"} if user or password else {}
