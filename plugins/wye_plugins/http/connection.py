"""One client's connection: reads, answers in order, and ends when it should.

There is no timeout per read: a cancel scope costs more than a read. A connection has one scope and a ``deadline``, and the
server's sweep looks at all deadlines from time to time. What an interruption means depends on what the connection was about.
"""

from __future__ import annotations

import enum
import math
import time

import trio
from msgspec import Struct

from wye.message import Received, Reply
from wye.plugin import Accepted
from wye_plugins.http.answer import CONTINUE, render
from wye_plugins.http.claims import BROKEN
from wye_plugins.http.link import Link
from wye_plugins.http.protocol import Request
from wye_plugins.http.site import TIMED_OUT, Site

LINGER_SECS = 2.0
LINGER_BYTES = 4_194_304


class Phase(enum.Enum):
    """What a connection is about."""

    OPENING = enum.auto()
    IDLE = enum.auto()
    READING = enum.auto()
    EMITTING = enum.auto()
    ANSWERING = enum.auto()
    SENDING = enum.auto()
    CLOSING = enum.auto()


class Settlement:
    """What became of a batch: ``safe`` is ``None`` until it is known."""

    __slots__ = ("_known", "safe")

    def __init__(self) -> None:
        self.safe: bool | None = None
        self._known: trio.Event | None = None

    def note(self, safe: bool) -> None:
        self.safe = safe
        if self._known is not None:
            self._known.set()

    async def wait(self) -> bool:
        while self.safe is None:
            self._known = trio.Event()
            await self._known.wait()
        return self.safe


class Taken(Struct):
    """A batch that the intake has, and that its sender has not been told about, and until when it is to wait for that."""

    accepted: Accepted
    settlement: Settlement | None
    until: float


class Connection:
    """``phase``, ``deadline`` and ``idle_since`` are for the server to read; times are trio's clock in seconds."""

    def __init__(self, link: Link, site: Site, client_ip: str | None) -> None:
        self.phase = Phase.OPENING
        self.deadline = trio.current_time() + site.options.header_timeout_secs
        self.idle_since = 0.0
        self.link = link
        self._site = site
        self._protocol = site.protocol(client_ip)
        self._scope = trio.CancelScope()
        self._started = 0.0
        self._doomed = False
        self._taken: Taken | None = None
        self._offered = Reply(503)
        self._out: list[bytes] = []

    async def run(self) -> None:
        """Serve until the end. A client that goes away, or a handshake that fails, ends it silently."""
        try:
            while await self._session():
                pass
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._protocol.close()
            await self.link.aclose()

    def interrupt(self) -> None:
        """The deadline has passed, or the server wants to end what can be ended."""
        self._scope.cancel()

    def evict(self) -> None:
        """End it, whatever it is about."""
        self._doomed = True
        self._scope.cancel()

    # ── one scope's worth ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _session(self) -> bool:
        """Serve until the connection is over (``False``), or was interrupted and can go on in a new scope."""
        with trio.CancelScope() as self._scope:
            if self.phase is Phase.OPENING:
                await self.link.open()
            await self._serve()
            await self._linger()
            return False
        return self._after_interruption()

    def _after_interruption(self) -> bool:
        """Decide what the interruption means. It can also have come too late: in the moment between the deadline and the sweep
        a request can become complete, or the intake take a batch. Then the work goes on."""
        protocol = self._protocol
        if self._doomed:
            return False
        if self.phase is Phase.READING:
            protocol.refuse(self._site.shutting_down if self._site.stopping else TIMED_OUT)
        elif self.phase is Phase.EMITTING:
            if trio.current_time() >= self.deadline:
                self._site.full.hit()
                protocol.requests[0].reply = self._site.overloaded(self._offered)
        elif self.phase is Phase.ANSWERING:
            self._give_up_waiting()
        else:
            return False
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        return True

    def _give_up_waiting(self) -> None:
        """The sender is told that nothing is promised, though its events may yet arrive; it sends them again."""
        taken = self._taken
        if taken is None or taken.settlement is None or taken.settlement.safe is not None:
            return
        if trio.current_time() >= taken.until:
            self._site.full.hit()
            self._protocol.requests[0].reply = self._site.overloaded(taken.accepted.failure)
            self._taken = None

    async def _serve(self) -> None:
        protocol, link = self._protocol, self.link
        while True:
            if protocol.requests:
                await self._answer_all()
            if protocol.closed:
                return
            if protocol.wants_continue:
                protocol.wants_continue = False
                await self._send(CONTINUE)
            self._rest()
            data = await link.receive()
            if not data:
                return
            protocol.feed(data)

    def _rest(self) -> None:
        """Set by when the next bytes have to come."""
        options, protocol, phase = self._site.options, self._protocol, self.phase
        if not protocol.partial:
            if phase is not Phase.IDLE:
                self.phase = Phase.IDLE
                self.idle_since = trio.current_time()
                self.deadline = self.idle_since + options.idle_timeout_secs
            return
        if phase is not Phase.READING:
            self.phase = Phase.READING
            self._started = trio.current_time()
        self.deadline = self._started + (options.header_timeout_secs if protocol.in_head else options.request_timeout_secs)

    async def _linger(self) -> None:
        """After an answer that came before the request's end, swallow what the client is still sending: closing at once would
        make its system throw the answer away unread."""
        self.phase, self.deadline = Phase.CLOSING, trio.current_time() + LINGER_SECS
        if self._protocol.partial:
            await self.link.finish()
            left = LINGER_BYTES
            while left > 0 and (data := await self.link.receive()):
                left -= len(data)
        await self.link.part()

    # ── answering ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer_all(self) -> None:
        """Answer what has been received, in order, in as few writes as there are waits."""
        requests = self._protocol.requests
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        while requests:
            request = requests[0]
            reply = request.reply
            if reply is None:
                reply = await self._ask(request)
            requests.popleft()
            if request.body is not None:
                request.body.release()
            self._render(request, reply, last=self._site.stopping and not requests)
        await self._flush()

    def _render(self, request: Request, reply: Reply, *, last: bool) -> None:
        keep_alive = request.keep_alive and not last
        if not keep_alive:
            self._protocol.closed = True
        try:
            answer = render(reply, to_head=request.to_head, keep_alive=keep_alive, http10=request.http10)
        except ValueError:
            answer = render(BROKEN, to_head=request.to_head, keep_alive=keep_alive, http10=request.http10)
        self._out.append(answer)

    async def _ask(self, request: Request) -> Reply:
        """Let the endpoint read the request, hand its events over, and wait for their word where it is wanted."""
        if self._taken is None:
            endpoint, head = request.endpoint, request.head
            assert endpoint is not None
            assert head is not None
            received = Received(head, request.content, int(time.time() * 1000))
            outcome = self._site.endpoints.receive(endpoint, received)
            if isinstance(outcome, Reply):
                return outcome
            taken = await self._hand_over(outcome)
        else:
            taken = self._taken
        safe = True
        if taken.settlement is not None and (safe := taken.settlement.safe) is None:
            await self._flush()
            self.deadline = taken.until
            safe = await taken.settlement.wait()
            self.deadline = math.inf
        self._taken = None
        return taken.accepted.success if safe else taken.accepted.failure

    async def _hand_over(self, accepted: Accepted) -> Taken:
        site = self._site
        settlement = Settlement() if site.waits_for_delivery else None
        self._offered = accepted.failure
        self.phase, self.deadline = Phase.EMITTING, trio.current_time() + site.options.overload_wait_secs
        await site.intake.emit(accepted.decoded, on_settled=None if settlement is None else settlement.note)
        self._taken = taken = Taken(accepted, settlement, trio.current_time() + site.options.answer_timeout_secs)
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        site.full.over()
        if self._scope.cancel_called:
            await trio.lowlevel.checkpoint()
        return taken

    async def _flush(self) -> None:
        if self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
            await self._send(data)

    async def _send(self, data: bytes) -> None:
        rest = self.link.send_now(data)
        if rest:
            before = self.phase, self.deadline
            self.phase, self.deadline = Phase.SENDING, trio.current_time() + self._site.options.request_timeout_secs
            await self.link.send(rest)
            self.phase, self.deadline = before
