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
    start, has_body = _start_and_fields(reply.status, reply.headers)
    connection = b"Connection: close\r\n" if not keep_alive else b"Connection: keep-alive\r\n" if http10 else b""
    if not has_body:
        return b"%b%b%b\r\n" % (start, _date(int(time.time())), connection)
    body = b"" if to_head else reply.body
    return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (start, _date(int(time.time())), connection, len(reply.body), body)


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()


@functools.lru_cache(maxsize=256)
def _start_and_fields(status: int, headers: Headers) -> tuple[bytes, bool]:
    """Status line and the reply's own fields, and whether an answer of this status has a body."""
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"]
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"header field {name!r} has a name or value that cannot be sent")
        if name.lower() not in _OURS:
            lines.append(f"{name}: {value}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1"), status >= 200 and status not in (204, 304)
