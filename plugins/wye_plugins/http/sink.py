"""The HTTP sink: sends an adapter's requests, and puts its verdicts on the events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import httpx
import trio

from wye.message import HttpRequest, Shipment
from wye.net import adapter_name, authority, check_url, host_and_port, public_url
from wye.options import OptionsError
from wye.plugin import Outbound, RequestEncoder, SinkContext
from wye.verdict import Verdict, Verdicts, per_event
from wye_plugins.http.client import Client
from wye_plugins.http.config import SCHEMES, HttpSinkOptions
from wye_plugins.http.reason import verdict_of

log = logging.getLogger("wye.http")

PROBE_SECS = 3.0


class HttpSink:
    """Raises ``ValueError`` when the adapter does not make HTTP requests, or when nobody says where to send them."""

    def __init__(self, options: HttpSinkOptions, context: SinkContext) -> None:
        encoder = context.adapter.encoder
        if not isinstance(encoder, RequestEncoder):
            raise ValueError(f"adapter {adapter_name(encoder)} makes a stream, not HTTP requests; use a websocket or file sink")
        self._name = context.name
        self._options = options
        self._encoder = encoder
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
        async with client.http, trio.open_nursery() as nursery:
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
        except (OSError, trio.TooSlowError):
            log.warning("sink %s: cannot reach %s; events wait in its buffer", self._name, authority(door))

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """One verdict for each event."""
        placed: list[Verdict | None] = [None] * len(shipment.events)
        for request in self._requests(shipment):
            verdicts, stop = await self._carry(request)
            for index, verdict in zip(request.indices, verdicts, strict=True):
                placed[index] = verdict
            if stop is not None:
                return [verdict or stop for verdict in placed]
        return [verdict or _FORGOTTEN for verdict in placed]

    def _requests(self, shipment: Shipment) -> Iterator[HttpRequest]:
        """The adapter's requests, until there are no more or the adapter fails."""
        count = len(shipment.events)
        try:
            for request in self._encoder.requests(shipment):
                _check(request, count)
                yield request
        except Exception as error:
            self._say(error)

    async def _carry(self, request: HttpRequest) -> tuple[Sequence[Verdict], Verdict | None]:
        """Verdicts for the request's events, and one for all that is not sent yet when there is no point in going on."""
        client = self._client
        assert client is not None, "send is called while open"
        count = len(request.indices)
        try:
            response = await client.exchange(request)
        except trio.TooSlowError:
            stop = Verdict("busy", f"no answer from {self._where} within {self._options.timeout_secs:g} s")
            return [stop] * count, stop
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            stop = verdict_of(error, self._where)
            return [stop] * count, stop
        try:
            verdicts = self._encoder.verdicts(request, response)
            each = per_event(verdicts, count)
        except Exception as error:
            self._say(error)
            return [Verdict("retry", "the adapter could not read the answer; see the log", None, response.status)] * count, None
        return each, verdicts if isinstance(verdicts, Verdict) and verdicts.kind == "busy" else None

    def _say(self, error: Exception) -> None:
        if type(error) not in self._said:
            self._said.add(type(error))
            log.error("sink %s: its adapter failed (said once per kind)", self._name, exc_info=error)


def _base_url(adapter: Outbound) -> str:
    if adapter.base_url is None:
        raise OptionsError([(("url",), "missing; expected a URL, as the adapter does not know where its vendor is")])
    check_url("base_url", adapter.base_url, SCHEMES)
    return adapter.base_url


def _check(request: HttpRequest, count: int) -> None:
    if not all(0 <= index < count for index in request.indices):
        raise ValueError(f"a request for the events {list(request.indices)} of {count}")


_FORGOTTEN = Verdict("retry", "the adapter put this event into no request")
