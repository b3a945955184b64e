"""One exchange with a vendor: the request as the sink's options want it, the answer cut at 64 KiB.

Plain requests take the ``lean`` way, all others the ``thorough`` one. Nobody but the clock can tell which.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Self, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import trio
from msgspec import Struct

from wye.message import HttpRequest, HttpResponse
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.lean import Lean, is_plain, is_plain_server

if TYPE_CHECKING:
    from wye_plugins.http.thorough import Thorough

Fields: TypeAlias = tuple[tuple[str, str], ...]

_COMPRESS_IN_THREAD_BYTES = 65_536

# The answer's body is bounded as it comes; a compressed one could only be bounded after it was blown up.
_DEFAULTS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "wye"}

_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"


class Address:
    """Joins requests' paths and parameters to a configured URL, whose own parameters win where the names are the same."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path or "/"
        self._query = parts.query
        self._names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        # An adapter asks for the same few again and again, and making one costs more than sending it.
        self._remembered = lru_cache(maxsize=64)(self._target)

    def target(self, path: str, query: Mapping[str, str]) -> str:
        """What stands behind ``origin``: path and parameters. It may hold secrets."""
        return self._remembered(path, tuple(query.items()))

    def _target(self, path: str, query: Fields) -> str:
        added = urlencode([(name, value) for name, value in query if name not in self._names])
        both = "&".join(part for part in (self._query, added) if part)
        return f"{self._joined(path)}{'?' if both else ''}{both}"

    def _joined(self, path: str) -> str:
        own = self._path.removesuffix("/") if path.startswith("/") else self._path
        return own + quote(path, safe=_KEPT_IN_PATH)


class Plan(Struct, frozen=True, gc=False):
    """All of a request but its body. ``head`` is what the lean way says before the body's length; ``None`` where it is not for
    that way."""

    method: str
    target: str
    headers: dict[str, str]
    head: bytes | None


class Client:
    """Holds the connections to ``url`` while it is open. Raises ``StartError`` for files that cannot be used."""

    def __init__(self, options: HttpSinkOptions, url: str) -> None:
        self._options = options
        self._address = Address(url)
        self._own_headers = _lower(options.headers.items())
        parts = urlsplit(url)
        self._lean = Lean(options, parts) if is_plain_server(options, parts) else None
        self._thorough: Thorough | None = None
        if self._lean is None:
            self._through_httpx()
        # Requests differ in their bodies; the rest is mostly the same, and takes longer to make than to send.
        self._plan = lru_cache(maxsize=64)(self._planned)

    async def __aenter__(self) -> Self:
        if self._lean is not None:
            self._lean.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for way in (self._lean, self._thorough):
            if way is not None:
                await way.aclose()

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read its answer. Raises ``ExchangeError`` or ``trio.TooSlowError``."""
        body = request.body
        compress = bool(body) and self._options.compression == "gzip"
        if compress:
            body = await _compressed(body)
        headers, query = tuple(request.headers.items()), tuple(request.query.items())
        plan = self._plan(request.method, request.path, query, headers, compress)
        if self._lean is not None and plan.head is not None:
            return await self._lean.exchange(plan.method, plan.head, body)
        with trio.fail_after(self._options.timeout_secs):
            return await self._through_httpx().exchange(plan.method, self._address.origin + plan.target, plan.headers, body)

    def _planned(self, method: str, path: str, query: Fields, fields: Fields, compress: bool) -> Plan:
        """Raises ``ExchangeError``."""
        headers = _DEFAULTS | _lower(fields)
        if compress:
            headers["content-encoding"] = "gzip"
        headers |= self._own_headers
        method, target = self._options.method or method, self._address.target(path, dict(query))
        plain = self._lean is not None and is_plain(method, target, headers)
        head = self._lean.head(method, target, headers) if self._lean is not None and plain else None
        return Plan(method, target, headers, head)

    def _through_httpx(self) -> Thorough:
        """Made when it is needed first: httpx takes long to import."""
        from wye_plugins.http.thorough import Thorough

        if self._thorough is None:
            self._thorough = Thorough(self._options)
        return self._thorough


async def _compressed(body: bytes) -> bytes:
    return _compress(body) if len(body) < _COMPRESS_IN_THREAD_BYTES else await trio.to_thread.run_sync(_compress, body)


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)


def _lower(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields}
