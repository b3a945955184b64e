"""HTTP/1 sans-io: bytes in, requests out in their order. httptools splits; what it is lenient about is refused here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal

import httptools
from msgspec import Struct

from wye.message import Head, Reply
from wye.plugin import Endpoint
from wye_plugins.http.answer import text
from wye_plugins.http.body import Body, Budget, Inflater, RefusedError
from wye_plugins.http.claims import Claimed
from wye_plugins.http.target import parse_target

_CODINGS: dict[str, Literal["gzip", "deflate", ""]] = {
    "": "",
    "identity": "",
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
}
_HEAD_TOO_LARGE = text(431, "the request head is too large")
_LINE_BYTES = 3  # a colon and the line's end


class Request(Struct):
    """A request to answer: with ``reply`` where that is settled, else by ``endpoint``."""

    reply: Reply | None = None
    endpoint: Endpoint | None = None
    head: Head | None = None
    content: bytes = b""
    body: Body | None = None
    keep_alive: bool = False
    http10: bool = False
    to_head: bool = False


class Bounds(Struct, frozen=True):
    """What one request may be, in bytes."""

    max_header_bytes: int
    max_body_bytes: int
    max_decompressed_bytes: int


class Protocol:
    """One connection's incoming side.

    ``feed`` it; ``requests`` are then complete and to be answered in order. A request that breaks a rule is among them with its
    ``reply`` set and ``keep_alive`` off, and nothing after it is read. ``choose`` is asked once per head.
    """

    def __init__(
        self, choose: Callable[[Head], Claimed], bounds: Bounds, budget: Budget, busy: Reply, client_ip: str | None
    ) -> None:
        self.requests: deque[Request] = deque()
        self.closed = False
        self.wants_continue = False
        self._choose = choose
        self._bounds = bounds
        self._budget = budget
        self._busy = busy
        self._client_ip = client_ip
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._stage: Literal["idle", "head", "body"] = "idle"
        self._current = Request()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._resumes = False
        self._framing = b""
        # How much of the head was fed: surely, and at the most. The truth is only looked up when the latter is too much.
        self._surely = self._at_most = self._feeding = 0
        self._overhead = 0

    @property
    def partial(self) -> bool:
        """Whether a request has begun and is not complete."""
        return self._stage != "idle"

    @property
    def in_head(self) -> bool:
        return self._stage == "head"

    def feed(self, data: bytes) -> None:
        """Take bytes as they came. Never raises for what they are."""
        if self.closed or self._parser is None:
            return
        self._count(len(data))
        try:
            self._parse(self._parser, data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, RefusedError):
                raise (cause or error) from None
            self.refuse(cause.reply)
        except httptools.HttpParserError as error:
            if not self.closed:
                self.refuse(text(400, f"not a valid HTTP/1.1 request: {error}"))
        else:
            self._bound_framing()

    def refuse(self, reply: Reply) -> None:
        """Answer the request that is being received with ``reply`` and read no further."""
        current = self._current
        if current.body is not None:
            current.body.release()
        self.requests.append(Request(reply, http10=current.http10, to_head=current.to_head))
        self.wants_continue = False
        self.closed = True

    def close(self) -> None:
        """The connection is over: give back what is held."""
        self.closed = True
        for request in (*self.requests, self._current):
            if request.body is not None:
                request.body.release()
        self.requests.clear()
        self._parser = None

    def _parse(self, parser: httptools.HttpRequestParser, data: bytes) -> None:
        while data:
            try:
                parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # llhttp takes what follows an Upgrade for another protocol. Nobody here switches, so it is a body, if there is
                # one, and then the next request.
                data = self._framing + data[upgrade.args[0] :]
                self._framing = b""
                if self.closed:
                    return

    # ── bounds on what has no natural end ────────────────────────────────────────────────────────────────────────────────

    def _count(self, count: int) -> None:
        self._feeding = count
        if self._stage == "head":
            self._surely += count
            self._at_most += count
        elif self._stage == "body":
            self._overhead += count

    def _bound_framing(self) -> None:
        most = self._bounds.max_header_bytes
        if self._stage == "head" and self._surely > most:
            self.refuse(_HEAD_TOO_LARGE)
        elif self._stage == "body" and self._overhead > most:
            self.refuse(text(400, "chunk extensions or trailers without end"))

    def _head_bytes(self) -> int:
        fields = sum(len(name) + len(value) + _LINE_BYTES for name, value in self._headers.items())
        return len(self._url) + fields

    # ── httptools' callbacks ─────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        if self._resumes:
            return
        self._stage = "head"
        self._current = Request()
        self._url = b""
        self._headers = {}
        self._surely = 0
        self._at_most = self._feeding

    def on_url(self, url: bytes) -> None:
        if not self._resumes:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage != "head" or self._resumes:
            return
        key = _NAMES.get(name) or _lower(name)
        content = value.decode("latin-1").rstrip(" \t")
        earlier = self._headers.get(key)
        self._headers[key] = content if earlier is None else f"{earlier}, {content}"

    def on_headers_complete(self) -> None:
        if self._resumes:
            self._resumes = False
            return
        parser = self._parser
        assert parser is not None
        if self._at_most > self._bounds.max_header_bytes and self._head_bytes() > self._bounds.max_header_bytes:
            raise RefusedError(_HEAD_TOO_LARGE)
        headers = self._headers
        method = _METHODS.get(raw := parser.get_method()) or raw.decode()
        current = self._current
        current.to_head = method == "HEAD"
        current.http10 = (version := parser.get_http_version()) == "1.0"
        _check_head(method, version, headers)
        try:
            path, query = parse_target(self._url)
        except ValueError as error:
            raise RefusedError(text(400, str(error))) from None
        current.keep_alive = parser.should_keep_alive()
        current.head = Head(method, path, query, headers, self._client_ip)
        self._stage = "body"
        self._overhead = 0
        self._admit(current, current.head)
        if parser.should_upgrade() and _has_body(headers):
            self._resume_after_upgrade(headers, current.keep_alive)

    def on_body(self, piece: bytes) -> None:
        self._overhead = 0
        self.wants_continue = False
        body = self._current.body
        assert body is not None
        if self._current.reply is None:
            body.add(piece)
        else:
            body.skip(piece)

    def on_message_complete(self) -> None:
        if self._resumes:
            return
        current = self._current
        if current.body is not None and current.reply is None:
            current.content = current.body.finish()
        self.wants_continue = False
        self._stage = "idle"
        self._current = Request()
        self.requests.append(current)
        if not current.keep_alive:
            self.closed = True

    # ── the head's consequences ──────────────────────────────────────────────────────────────────────────────────────────

    def _admit(self, current: Request, head: Head) -> None:
        """Ask whose request this is, and get ready for its body."""
        claimed = self._choose(head)
        current.reply = claimed.claim.reply
        current.endpoint = claimed.endpoint
        if not _has_body(head.headers):
            return
        expects = "expect" in head.headers and not current.http10
        if expects and current.reply is not None:
            raise RefusedError(current.reply)
        current.body = self._body_for(claimed, head)
        current.body.expect(int(head.headers.get("content-length", 0)), kept=current.reply is None)
        self.wants_continue = expects

    def _body_for(self, claimed: Claimed, head: Head) -> Body:
        claim, bounds = claimed.claim, self._bounds
        coding = _CODINGS.get(head.headers.get("content-encoding", "").lower())
        if coding is None and claim.reply is None:
            raise RefusedError(
                text(415, "Content-Encoding is none of gzip, deflate, identity", (("Accept-Encoding", "gzip, deflate"),))
            )
        limit = bounds.max_body_bytes
        if claim.max_body_bytes is not None and claim.max_body_bytes < limit:
            limit = claim.max_body_bytes
        inflater = Inflater(coding) if coding and claim.reply is None else None
        return Body(limit, claim.reply or claim.too_large, self._budget, self._busy, inflater, bounds.max_decompressed_bytes)

    def _resume_after_upgrade(self, headers: dict[str, str], keep_alive: bool) -> None:
        """llhttp skips the body of a request with Upgrade: have a plain head of the same framing fed in its place."""
        length = headers.get("content-length")
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        connection = "" if keep_alive else "Connection: close\r\n"
        self._framing = f"POST / HTTP/1.1\r\n{framing}\r\n{connection}\r\n".encode()
        self._resumes = True


def _has_body(headers: Mapping[str, str]) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers


def _check_head(method: str, version: str, headers: dict[str, str]) -> None:
    """Raises ``RefusedError`` for what llhttp lets through: other versions, codings of the transfer, tunnels."""
    if version not in ("1.1", "1.0"):
        raise RefusedError(text(505, "only HTTP/1.1 and HTTP/1.0 are spoken here"))
    if method == "CONNECT":
        raise RefusedError(text(405, "this is no proxy"))
    coding = headers.get("transfer-encoding")
    if coding is not None and version == "1.0":
        raise RefusedError(text(400, "HTTP/1.0 has no Transfer-Encoding"))
    if coding is not None and coding.lower() != "chunked":
        raise RefusedError(text(501, "Transfer-Encoding is not chunked"))
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise RefusedError(text(417, "only 100-continue can be expected"))


_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")}
_NAMES: dict[bytes, str] = {}


def _lower(name: bytes) -> str:
    """``name`` as a lower-case string, remembered for the next request while there is room."""
    key = name.decode("latin-1").lower()
    if len(_NAMES) < 512 and len(name) <= 64:
        _NAMES[name] = key
    return key
