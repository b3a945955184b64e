"""The HTTP sink: sends an adapter's requests, and puts its verdicts on the events."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from urllib.parse import urlsplit

import trio
from msgspec import structs

from wye.message import FollowUp, HttpRequest, HttpResponse, Shipment
from wye.net import authority, check_url, host_and_port, public_url
from wye.options import OptionsError
from wye.plugin import Auth, AuthError, Outbound, RequestEncoder, SinkContext
from wye.verdict import DELIVERED, Verdict, Verdicts, per_event
from wye_plugins.http.client import Client
from wye_plugins.http.config import SCHEMES, HttpSinkOptions
from wye_plugins.http.reason import ExchangeError, verdict_of

log = logging.getLogger("wye.http")

PROBE_SECS = 3.0


class HttpSink:
    """Raises ``ValueError`` when the adapter does not make HTTP requests, or when nobody says where to send them."""

    def __init__(self, options: HttpSinkOptions, context: SinkContext) -> None:
        encoder = context.adapter.encoder
        if not isinstance(encoder, RequestEncoder):
            name = context.adapter.name
            raise ValueError(f'adapter "{name}" makes a stream, not HTTP requests; use a websocket or file sink')
        self._name = context.name
        self._options = options
        self._encoder = encoder
        self._auth = context.adapter.auth
        self._url = options.url or _base_url(context.adapter)
        self._where = authority(urlsplit(self._url))
        self._client: Client | None = None
        self._said: set[type[Exception]] = set()

    @property
    def target(self) -> str:
        return public_url(self._url)

    @property
    def concurrency(self) -> int:
        return self._options.concurrency

    def open(self) -> AbstractAsyncContextManager[None]:
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[None]:
        client = Client(self._options, self._url)
        async with client, trio.open_nursery() as nursery:
            self._client = client
            nursery.start_soon(self._probe)
            try:
                yield
            finally:
                self._client = None
                nursery.cancel_scope.cancel()

    async def _probe(self) -> None:
        """Say at the start what would otherwise be found out with the first event."""
        door = urlsplit(self._options.proxy or self._url)
        try:
            with trio.fail_after(PROBE_SECS):
                await (await trio.open_tcp_stream(*host_and_port(door))).aclose()
        except (OSError, UnicodeError, trio.TooSlowError):
            log.warning("sink %s: cannot reach %s; events wait in its buffer", self._name, authority(door))

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """One verdict for each event, or one for all where all are delivered."""
        placed: list[Verdict | None] = [None] * len(shipment.events)
        for request in self._requests(shipment):
            stop = await self._see_through(request, placed)
            if stop is not None:
                return [verdict or stop for verdict in placed]
        return DELIVERED if placed.count(DELIVERED) == len(placed) else [verdict or _FORGOTTEN for verdict in placed]

    async def _see_through(self, request: HttpRequest, placed: list[Verdict | None]) -> Verdict | None:
        """Send a request and all that follows from it, until each of its events has its verdict; returns one for all that is
        not sent yet when there is no point in going on."""
        began = trio.current_time()
        answer = await self._carry(request)
        if isinstance(answer, FollowUp):
            return await self._follow(answer, began + self._options.follow_up_timeout_secs, placed)
        return _place(answer, request.indices, placed)

    async def _follow(self, answer: FollowUp, until: float, placed: list[Verdict | None]) -> Verdict | None:
        """The same for what follows."""
        waiting = deque((request, answer.after_secs) for request in answer.requests)
        while waiting:
            request, after_secs = waiting.popleft()
            found: Verdicts | FollowUp
            if trio.current_time() + after_secs > until:
                found = Verdict("retry", f"not finished within {self._options.follow_up_timeout_secs:g} s")
            else:
                if after_secs:
                    await trio.sleep(after_secs)
                found = await self._carry(request)
            if isinstance(found, FollowUp):
                waiting.extendleft((following, found.after_secs) for following in reversed(found.requests))
                continue
            if (stop := _place(found, request.indices, placed)) is not None:
                return stop
        return None

    def _requests(self, shipment: Shipment) -> Iterator[HttpRequest]:
        """The adapter's requests, until there are no more or the adapter fails."""
        count, name = len(shipment.events), self._options.idempotency_header
        try:
            for request in self._encoder.requests(shipment):
                _check(request, count)
                yield request if name is None else _named(request, name, shipment)
        except Exception as error:
            self._say(error)

    async def _carry(self, request: HttpRequest) -> Verdicts | FollowUp:
        """One request and what its answer means. Whatever goes wrong is a verdict too."""
        client = self._client
        assert client is not None, "send is called while open"
        try:
            response = await (client.exchange(request) if self._auth is None else self._authorized(client, self._auth, request))
        except trio.TooSlowError:
            return Verdict("busy", f"no answer from {self._where} within {self._options.timeout_secs:g} s")
        except AuthError as error:
            return Verdict("busy" if error.passing else "hold", str(error))
        except ExchangeError as error:
            return verdict_of(error, self._where)
        try:
            answer = self._encoder.verdicts(request, response)
            if isinstance(answer, FollowUp):
                _check_follow_up(answer, request)
            elif answer is not DELIVERED:
                per_event(answer, len(request.indices))
        except Exception as error:
            self._say(error)
            return Verdict("retry", "the adapter could not read the answer; see the log", None, response.status)
        return answer

    async def _authorized(self, client: Client, auth: Auth, request: HttpRequest) -> HttpResponse:
        """With the adapter's credentials; with new ones when they are not accepted, once."""
        response = await client.exchange(_signed(request, await auth.headers()))
        if response.status != _NOT_ACCEPTED:
            return response
        await auth.invalidate()
        return await client.exchange(_signed(request, await auth.headers()))

    def _say(self, error: Exception) -> None:
        if type(error) not in self._said:
            self._said.add(type(error))
            log.error("sink %s: its adapter failed (said once per kind)", self._name, exc_info=error)


def _base_url(adapter: Outbound) -> str:
    if adapter.base_url is None:
        raise OptionsError([(("url",), "missing; expected a URL, as the adapter does not know where its vendor is")])
    check_url("base_url", adapter.base_url, SCHEMES)
    return adapter.base_url


def _place(answer: Verdicts, indices: Sequence[int], placed: list[Verdict | None]) -> Verdict | None:
    """Put the verdicts on the events at ``indices``; returns the one that holds for all others too, if it does."""
    if answer is DELIVERED:
        for index in indices:
            placed[index] = DELIVERED
        return None
    for index, verdict in zip(indices, per_event(answer, len(indices)), strict=True):
        placed[index] = verdict
    return answer if isinstance(answer, Verdict) and answer.kind == "busy" else None


def _check(request: HttpRequest, count: int) -> None:
    indices = request.indices
    if indices and not (min(indices) >= 0 and max(indices) < count):
        raise ValueError(f"a request for the events {list(request.indices)} of {count}")


def _named(request: HttpRequest, header: str, shipment: Shipment) -> HttpRequest:
    """With a key made of the ids of its events, and of what is asked for them."""
    ids = "\n".join([request.method, request.path, *(shipment.events[index].id for index in request.indices)])
    return structs.replace(
        request, headers={**request.headers, header: sha256(ids.encode("utf-8", "replace")).hexdigest()[:32]}
    )


def _check_follow_up(answer: FollowUp, request: HttpRequest) -> None:
    indices = [index for one in answer.requests for index in one.indices]
    if sorted(indices) != sorted(request.indices):
        raise ValueError(f"follow-up requests for the events {indices} where {list(request.indices)} were sent")


def _signed(request: HttpRequest, credentials: Mapping[str, str]) -> HttpRequest:
    return structs.replace(request, headers={**request.headers, **credentials})


_NOT_ACCEPTED = 401
_FORGOTTEN = Verdict("retry", "the adapter put this event into no request")
