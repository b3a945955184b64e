"""HTTP/1 sans-io: bytes in, requests out in their order. httptools splits; what it is lenient about is refused here."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Literal

import httptools
from msgspec import Struct

from wye.message import Head, Reply
from wye.plugin import Accepted, Endpoint
from wye_plugins.http.body import Body, Budget, Held, Inflater, RefusedError
from wye_plugins.http.claims import Claimed
from wye_plugins.http.head import Field, Plan, RawHead, collect, framing_of, parse_target, plan_for
from wye_plugins.http.repeated import Repeated, repeated
from wye_plugins.http.settlement import Settlement

_HEAD_TOO_LARGE = 431, "the request head is too large"
_LINE_BYTES = 3  # a colon and the line's end
_REMEMBERED_BYTES = 8192


class Request(Struct):
    """A request to answer: with ``reply`` where that is settled, else by ``endpoint``.

    Its events are ``accepted`` by the endpoint, then taken in by the sinks. ``taken`` says what became of them, where its
    sender waits for that word: ``until`` then, on trio's clock.
    """

    reply: Reply | None = None
    endpoint: Endpoint | None = None
    head: Head | None = None
    content: bytes = b""
    held: Held | None = None
    keep_alive: bool = False
    http10: bool = False
    to_head: bool = False
    accepted: Accepted | None = None
    taken: Settlement | None = None
    until: float = math.inf


Refuse = Callable[[Endpoint | None, Head | None, int, str], Reply]


class Bounds(Struct, frozen=True):
    """What one request may be, in bytes."""

    max_header_bytes: int
    max_body_bytes: int
    max_decompressed_bytes: int


class Protocol:
    """One connection's incoming side.

    ``feed`` it; ``requests`` are then complete and to be answered in order. A request that breaks a rule is among them with its
    ``reply`` set and ``keep_alive`` off, and nothing after it is read. ``choose`` is pure: where a head is the same as the last
    one, what it said then counts. ``refuse`` makes a reply of whose request it is, a status and words.
    """

    def __init__(
        self, choose: Callable[[Head], Claimed], refuse: Refuse, bounds: Bounds, budget: Budget, client_ip: str | None
    ) -> None:
        self.requests: deque[Request] = deque()
        self.closed = False
        self.wants_continue = False
        self._choose = choose
        self._refuse = refuse
        self._bounds = bounds
        self._budget = budget
        self._client_ip = client_ip
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._stage: Literal["idle", "head", "body"] = "idle"
        self._current: Request | None = None
        self._url = b""
        self._fields: list[Field] = []
        self._body: Body | None = None
        self._last: tuple[RawHead, Plan] | None = None
        self._repeated: Repeated | None = None
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
        begins = self._stage == "idle"
        if begins and self._repeated is not None and self._repeats(self._repeated, data):
            return
        self._count(len(data))
        try:
            self._parse(self._parser, data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, RefusedError):
                raise (cause or error) from None
            self.refuse(cause.status, cause.words)
        except httptools.HttpParserError as error:
            if not self.closed:
                self.refuse(400, f"not a valid HTTP/1.1 request: {error}")
        else:
            if self._stage != "idle":
                self._bound_framing()
            elif begins and not self.closed:
                self._remember(data)

    def _repeats(self, known: Repeated, data: bytes) -> bool:
        """Whether ``data`` is one more request with a known head; it is then among the others."""
        found = known.split(data)
        if found is None or not self._budget.has_room(found[0].length):
            return False
        plan, content = found
        held = Held(self._budget)
        held.hold(plan.length)
        self.requests.append(Request(None, plan.endpoint, plan.head, content, held, True))
        return True

    def _remember(self, data: bytes) -> None:
        """The next request may have the head that the last one in ``data`` had."""
        request, last = self.requests[-1] if self.requests else None, self._last
        self._repeated = None
        if request is not None and last is not None and request.head is last[1].head and request.reply is None:
            self._repeated = repeated(data, request.content, *last, self._bounds.max_header_bytes, self._plan_for)

    def refuse(self, status: int, words: str) -> None:
        """Answer the request that is being received, and read no further. An answer that its head got already stands."""
        current = self._current or self._begun()
        if current.held is not None:
            current.held.release()
        reply = current.reply or self._refuse(current.endpoint, current.head, status, words)
        self.requests.append(Request(reply, http10=current.http10, to_head=current.to_head))
        self.wants_continue = False
        self.closed = True

    def _begun(self) -> Request:
        """Whose a request is whose head is not complete, or not to be served: as far as that can be told."""
        if self._stage != "head" or self._parser is None:
            return Request()
        try:
            path, query = parse_target(self._url)
        except ValueError:
            return Request()
        head = Head(self._parser.get_method().decode(), path, query, collect(self._fields), self._client_ip)
        return Request(endpoint=self._choose(head).endpoint, head=head, to_head=head.method == "HEAD")

    def close(self) -> None:
        """The connection is over: give back what is held."""
        self.closed = True
        for request in (*self.requests, self._current):
            if request is not None and request.held is not None:
                request.held.release()
        self.requests.clear()
        self._parser = self._repeated = None

    def _parse(self, parser: httptools.HttpRequestParser, data: bytes) -> None:
        while data and not self.closed:
            try:
                parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # llhttp takes what follows an Upgrade for another protocol. Nobody here switches, so it is a body, if there is
                # one, and then the next request.
                data = self._framing + data[upgrade.args[0] :]
                self._framing = b""
                # The old one takes nothing more where the connection ends with this request.
                parser = self._parser = httptools.HttpRequestParser(self)

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
            self.refuse(*_HEAD_TOO_LARGE)
        elif self._stage == "body" and self._overhead > most:
            self.refuse(400, "chunk extensions or trailers without end")

    def _head_bytes(self) -> int:
        return len(self._url) + sum(len(name) + len(value) + _LINE_BYTES for name, value in self._fields)

    # ── httptools' callbacks ─────────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        if self._resumes:
            return
        self._stage = "head"
        self._url = b""
        self._fields = []
        self._surely = 0
        self._at_most = self._feeding

    def on_url(self, url: bytes) -> None:
        if not self._resumes:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, and the stand-in head after an Upgrade.
        if self._stage == "head":
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._resumes:
            self._resumes = False
            return
        parser = self._parser
        assert parser is not None
        if self._at_most > self._bounds.max_header_bytes and self._head_bytes() > self._bounds.max_header_bytes:
            raise RefusedError(*_HEAD_TOO_LARGE)
        plan = self._plan(RawHead(parser.get_method(), parser.get_http_version(), self._url, self._fields), parser)
        self._stage = "body"
        self._overhead = 0
        self._current = current = Request(
            plan.reply, plan.endpoint, plan.head, b"", None, plan.keep_alive, plan.http10, plan.to_head
        )
        if plan.has_body:
            current.held = self._body = self._body_of(plan)
            if parser.should_upgrade():
                self._resume_after_upgrade(plan)

    def on_body(self, piece: bytes) -> None:
        self._overhead = 0
        self.wants_continue = False
        current, body = self._current, self._body
        assert current is not None
        assert body is not None
        if current.reply is None:
            body.add(piece)
        else:
            body.skip(piece)

    def on_message_complete(self) -> None:
        if self._resumes:
            return
        current = self._current
        assert current is not None
        if self._body is not None and current.reply is None:
            current.content = self._body.finish()
        self.wants_continue = False
        self._stage = "idle"
        self._current = self._body = None
        self.requests.append(current)
        if not current.keep_alive:
            self.closed = True

    # ── the head's consequences ──────────────────────────────────────────────────────────────────────────────────────────

    def _plan(self, raw: RawHead, parser: httptools.HttpRequestParser) -> Plan:
        """Most senders repeat one head: then nothing has to be worked out again."""
        if self._last is not None and self._last[0] == raw:
            return self._last[1]
        keep_alive = parser.should_keep_alive()
        plan = self._plan_for(raw, keep_alive)
        if self._at_most <= _REMEMBERED_BYTES:
            self._last = raw, plan
        return plan

    def _plan_for(self, raw: RawHead, keep_alive: bool = True) -> Plan:
        return plan_for(raw, keep_alive, self._choose, self._bounds.max_body_bytes, self._client_ip)

    def _body_of(self, plan: Plan) -> Body:
        """Get ready for a body. Raises ``RefusedError`` when it need not come at all."""
        if plan.expects_continue and plan.reply is not None:
            raise RefusedError(plan.reply.status, "")
        inflater = Inflater(plan.coding) if plan.coding else None
        most = self._bounds.max_decompressed_bytes
        body = Body(plan.max_body_bytes, self._budget, inflater, most)
        body.expect(plan.length, kept=plan.reply is None)
        self.wants_continue = plan.expects_continue
        return body

    def _resume_after_upgrade(self, plan: Plan) -> None:
        """llhttp skips the body of a request with Upgrade: have a plain head of the same framing fed in its place."""
        connection = "" if plan.keep_alive else "Connection: close\r\n"
        self._framing = f"POST / HTTP/1.1\r\n{framing_of(plan.head.headers)}\r\n{connection}\r\n".encode()
        self._resumes = True
