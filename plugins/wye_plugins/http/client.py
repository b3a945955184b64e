"""One exchange with a vendor through httpx: the request as the sink's options want it, the answer cut at 64 KiB."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import trio

from wye.message import HttpRequest, HttpResponse
from wye.net import client_context
from wye_plugins.http.config import HttpSinkOptions

MAX_RESPONSE_BYTES = 65_536
_COMPRESS_IN_THREAD_BYTES = 65_536

# The answer's body is bounded as it comes; a compressed one could only be bounded after it was blown up.
_DEFAULTS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "wye"}

_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"


class Address:
    """Joins requests' paths and parameters to a configured URL, whose own parameters win where the names are the same."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path or "/"
        self._query = parts.query
        self._names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}

    def join(self, path: str, query: Mapping[str, str]) -> str:
        """The whole URL. It may hold secrets."""
        added = urlencode({name: value for name, value in query.items() if name not in self._names})
        both = "&".join(part for part in (self._query, added) if part)
        return f"{self._origin}{self._joined(path)}{'?' if both else ''}{both}"

    def _joined(self, path: str) -> str:
        own = self._path.removesuffix("/") if path.startswith("/") else self._path
        return own + quote(path, safe=_KEPT_IN_PATH)


class Client:
    """Holds the connections to ``url`` while it is open. Raises ``StartError`` for files that cannot be used."""

    def __init__(self, options: HttpSinkOptions, url: str) -> None:
        # Their INFO lines print whole URLs, and their DEBUG lines header fields.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._options = options
        self._address = Address(url)
        self._own_headers = {name.lower(): value for name, value in options.headers.items()}
        self.http = httpx.AsyncClient(
            verify=client_context(options.tls),
            proxy=options.proxy,
            trust_env=False,
            limits=httpx.Limits(max_connections=options.concurrency, max_keepalive_connections=options.concurrency),
            timeout=httpx.Timeout(options.timeout_secs, connect=options.connect_timeout_secs),
        )
        self.http.headers = httpx.Headers()  # ours are in _DEFAULTS

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read its answer. Raises ``httpx.HTTPError``, ``httpx.InvalidURL`` or ``trio.TooSlowError``."""
        options = self._options
        body, encoding = await self._encoded(request.body)
        headers = _DEFAULTS | _lower(request.headers) | encoding | self._own_headers
        url = self._address.join(request.path, request.query)
        with trio.fail_after(options.timeout_secs):
            out = self._build(options.method or request.method, url, body, headers)
            response = await self.http.send(out, stream=True)
            try:
                return HttpResponse(response.status_code, _lower(response.headers), await _read(response))
            finally:
                await response.aclose()

    def _build(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> httpx.Request:
        try:
            return self.http.build_request(method, url, content=body or None, headers=headers)
        except UnicodeError:
            # Its text would show the header's value.
            raise httpx.LocalProtocolError("a header field is not ASCII") from None

    async def _encoded(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        if self._options.compression == "none" or not body:
            return body, {}
        if len(body) < _COMPRESS_IN_THREAD_BYTES:
            return _compress(body), {"content-encoding": "gzip"}
        return await trio.to_thread.run_sync(_compress, body), {"content-encoding": "gzip"}


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=6, mtime=0)


async def _read(response: httpx.Response) -> bytes:
    """The body as it came, up to the bound."""
    found = bytearray()
    with trio.CancelScope() as scope:
        async for piece in response.aiter_raw():
            found += piece
            if len(found) >= MAX_RESPONSE_BYTES:
                # Leaving the loop would leave the half a dozen generators under it open; the next read ends them all.
                scope.cancel()
    return bytes(found[:MAX_RESPONSE_BYTES])


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
