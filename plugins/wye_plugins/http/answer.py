"""Answers to clients: plain words as a reply, and a reply as the bytes of an HTTP answer."""

from __future__ import annotations

import functools
import re
import time
from email.utils import formatdate
from http import HTTPStatus

from wye.message import Headers, Reply

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_OURS = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def text(status: int, words: str, headers: Headers = ()) -> Reply:
    """An answer for a person to read."""
    return Reply(status, (("Content-Type", "text/plain; charset=utf-8"), *headers), f"{words}\n".encode())


def render(reply: Reply, *, to_head: bool = False, keep_alive: bool = True, http10: bool = False) -> bytes:
    """The whole answer. Raises ``ValueError`` when a header field of the reply could not be sent as one."""
    status, has_body = _status(reply.status)
    fields = "".join([_field(name, value) for name, value in reply.headers]).encode("latin-1")
    connection = b"Connection: close\r\n" if not keep_alive else b"Connection: keep-alive\r\n" if http10 else b""
    date = _date(int(time.time()))
    if not has_body:
        return b"%b%b%b%b\r\n" % (status, fields, date, connection)
    body = b"" if to_head else reply.body
    return b"%b%b%b%bContent-Length: %d\r\n\r\n%b" % (status, fields, date, connection, len(reply.body), body)


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()


@functools.lru_cache(maxsize=256)
def _status(status: int) -> tuple[bytes, bool]:
    """The status line, and whether an answer of this status has a body."""
    line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode()
    return line, status >= 200 and status not in (204, 304)


def _field(name: str, value: str) -> str:
    # Most values are plain, and many are new with each answer: a look at them has to be cheap.
    if not (value.isascii() and value.isprintable()) and not _VALUE.fullmatch(value):
        raise _not_to_be_sent(name)
    start = _start(name)
    return f"{start}{value}\r\n" if start else ""


@functools.lru_cache(maxsize=256)
def _start(name: str) -> str:
    """How a field of this name starts; nothing for one that is the transport's business."""
    if not _NAME.fullmatch(name):
        raise _not_to_be_sent(name)
    return "" if name.lower() in _OURS else f"{name}: "


def _not_to_be_sent(name: str) -> ValueError:
    return ValueError(f"header field {name!r} has a name or value that cannot be sent")
