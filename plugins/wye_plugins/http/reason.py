"""Why a request did not get through, in words that hold no secret: never the text of an exception, only what kind it is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Literal

from wye.net import reason_of
from wye.verdict import Verdict

Fault = Literal["invalid", "proxy", "connecting late", "late", "connecting", "answer", "lost"]
"""What went wrong: our request, the proxy, the time it took (to connect, after that), the connection, its answer, its end."""

_WORDS: dict[Fault, str] = {
    "proxy": "the proxy does not let through to",
    "connecting late": "timed out connecting to",
    "late": "timed out talking to",
    "connecting": "cannot connect to",
    "answer": "connection closed, or no valid HTTP answer, by",
    "lost": "connection lost to",
}


class ExchangeError(Exception):
    """There is no answer. Its cause, where it has one, says more."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def verdict_of(error: ExchangeError, where: str) -> Verdict:
    """``busy`` for what may pass; ``hold`` for what an operator has to mend. ``where`` is ``host:port``."""
    if error.fault == "invalid":
        return Verdict("hold", f"the request to {where} is not valid HTTP; check url, headers and the adapter's options")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Verdict(
                "hold", f"certificate of {where} not accepted: {cause.verify_message}; check tls.ca and the host name"
            )
    return Verdict("busy", f"{_WORDS[error.fault]} {where}{_detail(error)}")


def _detail(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror | UnicodeError | ssl.SSLError) or (isinstance(cause, OSError) and cause.errno):
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
