"""An exchange with a vendor through httpx: slow, and at home with everything that HTTP allows."""

from __future__ import annotations

import logging
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx
import trio

from wye.message import HttpResponse
from wye.net import authority, client_context
from wye.plugin import StartError
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.incoming import MAX_BODY_BYTES
from wye_plugins.http.reason import ExchangeError, Fault


class Thorough:
    """Raises ``StartError`` for files, or a proxy, that cannot be used."""

    def __init__(self, options: HttpSinkOptions) -> None:
        # Their INFO lines print whole URLs, and their DEBUG lines header fields.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = httpx.AsyncClient(
            verify=client_context(options.tls),
            proxy=None if options.proxy is None else _proxy(options.proxy),
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx.Limits(max_connections=options.concurrency, max_keepalive_connections=options.concurrency),
            timeout=httpx.Timeout(options.timeout_secs, connect=options.connect_timeout_secs),
        )
        self._http.headers = httpx.Headers()  # the client has its own

    async def exchange(self, method: str, url: str, headers: dict[str, str], body: bytes) -> HttpResponse:
        """Raises ``ExchangeError``."""
        try:
            response = await self._http.send(self._build(method, url, body, headers), stream=True)
            try:
                fields = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status_code, fields, await _read(response))
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ExchangeError(_fault(error)) from error
        except UnicodeError as error:
            # A host name that cannot be one.
            raise ExchangeError("connecting") from error

    def _build(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> httpx.Request:
        try:
            return self._http.build_request(method, url, content=body or None, headers=headers)
        except UnicodeError:
            # A header field is not ASCII. The error's text would show its value.
            raise ExchangeError("invalid") from None

    async def aclose(self) -> None:
        await self._http.aclose()


def _proxy(url: str) -> httpx.Proxy:
    try:
        return httpx.Proxy(url)
    except httpx.InvalidURL:
        where = authority(urlsplit(url))
        raise StartError(f"cannot use `proxy` {where}: there is no such host; expected a name or an IP address") from None


def _fault(error: httpx.HTTPError | httpx.InvalidURL) -> Fault:
    for kind, fault in _FAULTS:
        if isinstance(error, kind):
            return fault
    return "lost"


async def _read(response: httpx.Response) -> bytes:
    """The body as it came, up to the bound."""
    found = bytearray()
    with trio.CancelScope() as scope:
        async for piece in response.aiter_raw():
            found += piece
            if len(found) >= MAX_BODY_BYTES:
                # Leaving the loop would leave the half a dozen generators under it open; the next read ends them all.
                scope.cancel()
    return bytes(found[:MAX_BODY_BYTES])


_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (httpx.InvalidURL, "invalid"),
    (httpx.UnsupportedProtocol, "invalid"),
    (httpx.LocalProtocolError, "invalid"),
    (httpx.ProxyError, "proxy"),
    (httpx.ConnectTimeout, "connecting late"),
    (httpx.TimeoutException, "late"),
    (httpx.ConnectError, "connecting"),
    (httpx.RemoteProtocolError, "answer"),
)
