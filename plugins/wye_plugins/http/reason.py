"""Why a request did not get through, in words that hold no secret: never the text of an exception, only what kind it is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from wye.net import reason_of
from wye.verdict import Verdict


def verdict_of(error: httpx.HTTPError | httpx.InvalidURL, where: str) -> Verdict:
    """``busy`` for what may pass; ``hold`` for what an operator has to mend. ``where`` is ``host:port``."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Verdict("hold", f"the request to {where} is not valid HTTP; check url, headers and the adapter's options")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Verdict(
                "hold", f"certificate of {where} not accepted: {cause.verify_message}; check tls.ca and the host name"
            )
    return Verdict("busy", f"{_what(error)} {where}{_detail(error)}")


def _what(error: Exception) -> str:
    if isinstance(error, httpx.ProxyError):
        return "the proxy does not let through to"
    if isinstance(error, httpx.ConnectTimeout):
        return "timed out connecting to"
    if isinstance(error, httpx.TimeoutException):
        return "timed out talking to"
    if isinstance(error, httpx.ConnectError):
        return "cannot connect to"
    if isinstance(error, httpx.RemoteProtocolError):
        return "connection closed, or no valid HTTP answer, by"
    return "connection lost to"


def _detail(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror | ssl.SSLError) or (isinstance(cause, OSError) and cause.errno):
            return f": {reason_of(cause)}"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what caused it, and so on; into groups too."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        waiting.extend(cause for cause in (one.__context__, one.__cause__) if cause is not None)
