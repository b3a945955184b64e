"""A vendor's answers, sans-io: bytes in, an ``HttpResponse`` out. httptools splits them; what follows from them is said here.

It reads what h11, and so httpx, reads, save what no known server sends: a ``Content-Length`` that is repeated, versions other
than 1.0, 1.1 and 2.0, chunks whose lines end without CR.
"""

from __future__ import annotations

import httptools
from msgspec import Struct

from wye.message import HttpResponse
from wye_plugins.http.reason import ExchangeError

MAX_BODY_BYTES = 65_536
"""What is kept of an answer's body. What comes after it is not waited for."""

_MAX_HEAD_BYTES = 102_400
# A body in chunks can be mostly frame; so much of it is still read for the 64 KiB that count.
_MAX_BYTES = 1_048_576


class _Seen(Struct, frozen=True):
    """An answer's head as it came, what it says, and how long such an answer is with its body."""

    head: bytes
    status: int
    headers: dict[str, str]
    size: int


class Incoming:
    """One connection's answers, one after the other: ``expect`` one, then ``feed`` until it is ``complete``.

    ``keep_alive`` says then whether the connection is good for another one. An answer that begins as the last one did, to the
    byte, is not taken apart again: many servers answer the same again and again.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._seen: _Seen | None = None
        self.expect()

    def expect(self) -> None:
        """Forget the last answer."""
        self.complete = False
        self.keep_alive = False
        self._answer: HttpResponse | None = None
        self._status = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._kept_bytes = 0
        self._fed_bytes = 0
        self._in_body = False

    @property
    def response(self) -> HttpResponse:
        if self._answer is not None:
            return self._answer
        return HttpResponse(self._status, _collected(self._fields), b"".join(self._pieces)[:MAX_BODY_BYTES])

    def feed(self, data: bytes) -> None:
        """Take in what was received; no bytes are the connection's end. Raises ``ExchangeError``."""
        if not data:
            # Only a body that says nothing of its length may end so.
            self.complete = self._in_body and not self._framed()
            if not self.complete:
                raise ExchangeError("answer")
            return
        seen = self._seen
        if seen is not None and len(data) == seen.size and not self._fed_bytes and data.startswith(seen.head):
            self._answer = HttpResponse(seen.status, seen.headers, data[len(seen.head) :])
            self.complete = self.keep_alive = True
            return
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # What follows a complete answer is nobody's.
            self.keep_alive = False
            if not self.complete:
                raise ExchangeError("answer") from None
        if not self.complete and self._fed_bytes > (_MAX_BYTES if self._in_body else _MAX_HEAD_BYTES):
            raise ExchangeError("answer")
        if self.keep_alive and self._fed_bytes == len(data):
            self._remember(data)

    def _remember(self, data: bytes) -> None:
        """``data`` is the whole answer. How much follows its head must hang on nothing but its head."""
        answer = self._answer = self.response
        head = data.removesuffix(answer.body)
        if head.endswith(b"\r\n\r\n") and "transfer-encoding" not in answer.headers:
            self._seen = _Seen(head, answer.status, dict(answer.headers), len(data))

    def _framed(self) -> bool:
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._fields)

    # ── httptools' callbacks ─────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        if self.complete:
            raise _StopError

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # else it is a trailer
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self._status = status = self._parser.get_status_code()
        fields = self._fields
        if status < 100 or any(_is_bad(name, value) for name, value in fields):
            raise _StopError
        self._in_body = status >= 200

    def on_body(self, data: bytes) -> None:
        if not self._in_body:  # an interim answer has none
            raise _StopError
        self._pieces.append(data)
        self._kept_bytes += len(data)
        if self._kept_bytes >= MAX_BODY_BYTES:
            self.complete = True
            raise _StopError

    def on_message_complete(self) -> None:
        if self._in_body:
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()
        else:
            # An interim answer; the one that counts is still to come.
            self._fields.clear()


class _StopError(Exception):
    """Makes httptools stop."""


def _is_bad(name: bytes, value: bytes) -> bool:
    # A name with a space at its end frames the body for llhttp, and for nobody else.
    return name.endswith(b" ") or (name.lower() == b"transfer-encoding" and value.lower() != b"chunked")


def _collected(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Values by lower-case name; several of one name are joined by commas. They are text in whatever fits them all."""
    for encoding in ("ascii", "utf-8"):
        try:
            return _decoded(fields, encoding)
        except UnicodeDecodeError:
            continue
    return _decoded(fields, "latin-1")


def _decoded(fields: list[tuple[bytes, bytes]], encoding: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in fields:
        key, content = name.decode("ascii").lower(), value.decode(encoding).rstrip(" \t")
        headers[key] = f"{headers[key]}, {content}" if key in headers else content
    return headers
