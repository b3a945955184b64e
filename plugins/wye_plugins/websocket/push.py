"""The sink as a client: connects to a server when there is something to send, and keeps the connection."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from wye.message import Shipment
from wye.plugin import SinkContext
from wye.verdict import DELIVERED, Verdict, Verdicts
from wye_plugins.websocket.config import WebSocketSinkOptions
from wye_plugins.websocket.dial import RefusedError, connect, dial_of
from wye_plugins.websocket.link import Link, LinkClosedError
from wye_plugins.websocket.outage import Outage
from wye_plugins.websocket.watch import Keepalive, attend

_OPERATORS_FAULT = (401, 403, 404)

_log = logging.getLogger("wye.websocket.push")


class WebSocketPushSink:
    """Sends events to a server. An event is delivered once it is written: what a breaking connection swallows is not known."""

    concurrency = 1

    def __init__(self, options: WebSocketSinkOptions, context: SinkContext) -> None:
        self._name = context.name
        self._dial = dial_of(options, context.adapter.stream)
        self._backoff = options.reconnect.backoff
        self._ping = (options.ping_interval_secs, options.ping_timeout_secs)
        self.target = self._dial.shown
        self._failures = 0
        self._link: Link | None = None
        self._connected_at = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Does not connect yet. Raises ``StartError`` when a TLS file cannot be used."""
        self._dial = self._dial.ready()
        self._outage = Outage(_log, self._name, self.target, trio.current_time())
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                yield
            finally:
                link, self._link = self._link, None
                if link is not None:
                    await link.close(1001, "going away")
                nursery.cancel_scope.cancel()

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """What was written is delivered; the rest is ``busy``, or ``hold`` where the server refuses our credentials."""
        sent = 0
        try:
            link = self._link or await self._connect()
            for document in shipment.documents:
                await self._send(link, document)
                sent += 1
        except ConnectionError as error:
            unsent = [self._verdict(error)] * (len(shipment.documents) - sent)
            return [DELIVERED] * sent + unsent
        return DELIVERED

    async def _send(self, link: Link, document: bytes) -> None:
        try:
            await link.send(document)
        except LinkClosedError as closed:
            self._lost(link, str(closed))
            raise
        except BaseException:
            # A message that was cut short leaves a connection on which nothing more can be said.
            self._link = None
            self._nursery.start_soon(link.cut)
            raise
        self._keepalive.patience.heard()

    async def _connect(self) -> Link:
        try:
            link = await connect(self._dial, self._nursery)
        except RefusedError as error:
            self._failures += 1
            self._outage.refused(error.status)
            raise
        except ConnectionError as error:
            self._failures += 1
            self._outage.failed(str(error))
            raise
        self._link = link
        self._connected_at = trio.current_time()
        self._outage.up(self._connected_at)
        self._keepalive = Keepalive(link, *self._ping)
        self._nursery.start_soon(self._hold, link, self._keepalive)
        return link

    async def _hold(self, link: Link, keepalive: Keepalive) -> None:
        """Notice the end of a connection also while nothing is sent."""
        reason = await attend(link, keepalive)
        self._lost(link, reason)
        await link.close(1000)

    def _lost(self, link: Link, reason: str) -> None:
        if self._link is not link:
            return
        now = trio.current_time()
        lived = now - self._connected_at > self._backoff.max_secs
        self._link = None
        self._failures = 1 if lived else self._failures + 1
        self._outage.lost(self._dial.safe(reason), now)

    def _verdict(self, error: ConnectionError) -> Verdict:
        reason = f"{self.target}: {self._dial.safe(str(error))}"
        asked_secs = error.after_secs if isinstance(error, RefusedError) else None
        wait_secs = self._backoff.delay_secs(max(self._failures, 1), random.random, asked_secs)
        if isinstance(error, RefusedError) and error.status in _OPERATORS_FAULT:
            return Verdict("hold", reason, wait_secs, error.status)
        return Verdict("busy", reason, wait_secs, error.status if isinstance(error, RefusedError) else None)
