"""One client's connection: reads, answers in order, and ends when it should.

There is no timeout per read: a cancel scope costs more than a read. A connection has one scope and a ``deadline``, and the
server's sweep looks at all deadlines from time to time. What an interruption means depends on what the connection was about.

Over a plain socket its task rests between requests, which saves the scheduler's work to wake it: the reception reads and
answers by the methods that end in ``_now``, as far as that needs no waiting. For anything else the task is called, and goes on
from where things stand.
"""

from __future__ import annotations

import enum
import math
import selectors

import trio

from wye.plugin import Accepted
from wye_plugins.http import asking
from wye_plugins.http.answer import CONTINUE, render
from wye_plugins.http.claims import BROKEN
from wye_plugins.http.link import Link, SocketLink
from wye_plugins.http.protocol import Request
from wye_plugins.http.site import NOT_SAFE, SHUTTING_DOWN, TIMED_OUT, Site

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
        self._out: list[bytes] = []
        self._socket = link if isinstance(link, SocketLink) else None
        self.rests = False
        self._watched = False
        self._called = trio.Event()
        self._failure: Exception | None = None
        self._received = b""

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
        self._rise()
        self._scope.cancel()

    def evict(self) -> None:
        """End it, whatever it is about."""
        self._doomed = True
        self._rise()
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
            protocol.refuse(*(SHUTTING_DOWN if self._site.stopping else TIMED_OUT))
        elif self.phase is Phase.EMITTING:
            if trio.current_time() >= self.deadline:
                self._refuse(protocol.requests[0])
        elif self.phase is Phase.ANSWERING:
            self._give_up_waiting()
        else:
            return False
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        return True

    def _give_up_waiting(self) -> None:
        """The sender is told that nothing is promised, though its events may yet arrive; it sends them again."""
        request = self._protocol.requests[0] if self._protocol.requests else None
        if request is None or request.reply is not None or request.taken is None:
            return
        asking.settle(self._site, request)
        if request.reply is None and trio.current_time() >= request.until:
            self._refuse(request)

    def _refuse(self, request: Request) -> None:
        """Nothing was promised, and it can come again."""
        if request.taken is not None:
            request.taken.then = None
        self._site.full.hit()
        request.reply = self._site.refuse(request.endpoint, request.head, *NOT_SAFE)

    async def _serve(self) -> None:
        protocol = self._protocol
        while True:
            if protocol.requests or self._out:
                await self._answer_all()
            if protocol.closed:
                return
            if protocol.wants_continue:
                protocol.wants_continue = False
                await self._send(CONTINUE)
            self._expect(trio.current_time())
            if self._socket is not None:
                if not await self._rest(self._socket):
                    return
            elif data := await self.link.receive():
                protocol.feed(data)
            else:
                return

    def _expect(self, now: float) -> None:
        """Set by when the next bytes have to come."""
        options, protocol, phase = self._site.options, self._protocol, self.phase
        if not protocol.partial:
            if phase is not Phase.IDLE:
                self.phase = Phase.IDLE
                self.idle_since = now
                self.deadline = now + options.idle_timeout_secs
            return
        if phase is not Phase.READING:
            self.phase = Phase.READING
            self._started = now
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
            if requests[0].reply is None:
                await self._ask(requests[0])
            self._answer()
        await self._flush()

    def _answer(self) -> None:
        """The first request has its reply."""
        request = self._protocol.requests.popleft()
        reply = request.reply
        assert reply is not None
        if request.held is not None:
            request.held.release()
        keep_alive = request.keep_alive and not (self._site.stopping and not self._protocol.requests)
        if not keep_alive:
            self._protocol.closed = True
        try:
            answer = render(reply, to_head=request.to_head, keep_alive=keep_alive, http10=request.http10)
        except ValueError:
            answer = render(BROKEN, to_head=request.to_head, keep_alive=keep_alive, http10=request.http10)
        self._out.append(answer)

    async def _ask(self, request: Request) -> None:
        """Let the endpoint read the request, hand its events over, and wait for their word where it is wanted."""
        asking.read(self._site, request)
        if request.accepted is not None and request.taken is None:
            await self._hand_over(request, request.accepted)
        if request.reply is None and request.taken is not None:
            await self._flush()
            self.deadline = request.until
            await request.taken.wait()
            self.deadline = math.inf
            asking.settle(self._site, request)

    async def _hand_over(self, request: Request, accepted: Accepted) -> None:
        site = self._site
        settlement, on_settled = asking.new_settlement(site)
        self.phase, self.deadline = Phase.EMITTING, trio.current_time() + site.options.overload_wait_secs
        await site.intake.emit(accepted.decoded, on_settled=on_settled)
        asking.took(site, request, settlement, trio.current_time())
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        if self._scope.cancel_called:
            await trio.lowlevel.checkpoint()

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

    # ── resting: the reception attends ───────────────────────────────────────────────────────────────────────────────────

    async def _rest(self, link: SocketLink) -> bool:
        """Until called; ``False`` when the client has sent its last. Raises what has broken meanwhile."""
        self._called = trio.Event()
        self._ended = False
        self._site.resting.register(link.number, selectors.EVENT_READ, self)
        self.rests = self._watched = True
        try:
            await self._called.wait()
        finally:
            self._rise()
        if self._failure is not None:
            raise self._failure
        return not self._ended

    def _rise(self) -> None:
        """The reception has nothing to do with it any more."""
        self.rests = False
        self._look_away()

    def _look_away(self) -> None:
        if self._watched and self._socket is not None:
            self._watched = False
            self._site.resting.unregister(self._socket.number)

    def call(self, failure: Exception | None = None) -> None:
        """What is to be done now is the task's business."""
        self._rise()
        self._failure = failure
        self._called.set()

    def receive_now(self) -> int:
        """Read what there is: how many bytes."""
        if self._socket is None or self._protocol.requests:  # it comes when the first is answered
            self._look_away()
            return 0
        try:
            data = self._socket.receive_now()
        except OSError as error:
            self.call(error)
            return 0
        if data:
            self._received = data
            return len(data)
        if data is not None:
            self._ended = True
            self.call()
        return 0

    def feed_now(self, now: float) -> bool:
        """Take in what was read; whether that makes a request to answer."""
        self._protocol.feed(self._received)
        self._received = b""
        if not self._protocol.requests:
            self._go_on_now(now)
            return False
        self.phase, self.deadline = Phase.ANSWERING, math.inf
        return True

    @property
    def asked(self) -> Request:
        return self._protocol.requests[0]

    def read_now(self, now: float) -> bool:
        """Let the endpoint read the first request."""
        asking.read(self._site, self._protocol.requests[0])
        return True

    def offer_now(self, now: float) -> bool:
        """Hand its events over; ``False`` where it has to wait for room, or for the word."""
        request = self._protocol.requests[0]
        return asking.offer(self._site, request, now) and request.reply is not None

    def answer_now(self, now: float) -> bool:
        """Get its answer ready; whether there is another request."""
        self._answer()
        return bool(self._protocol.requests)

    def send_now(self, now: float) -> bool:
        """Send what is ready, and see how it goes on."""
        if self._out:
            rest = self.link.send_now(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out = [bytes(rest)] if rest else []
        self._go_on_now(now)
        return self.rests

    def _go_on_now(self, now: float) -> None:
        protocol = self._protocol
        first = protocol.requests[0] if protocol.requests else None
        if self._out or protocol.closed or protocol.wants_continue or not self._watched:
            self.call()
        elif first is None:
            self._expect(now)
        elif first.taken is None:
            self.call()
        else:
            self.deadline = first.until
            first.taken.then = self._settled_now

    def _settled_now(self) -> None:
        """The word has come that the first request waits for."""
        if not self.rests:
            return
        try:
            asking.settle(self._site, self._protocol.requests[0])
            self._answer()
            self.send_now(trio.current_time())
        except Exception as error:
            self.call(error)
