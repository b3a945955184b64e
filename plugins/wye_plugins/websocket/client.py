"""The source as a client: connects to a vendor's stream, and connects again whenever it is lost."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence

import trio
from trio import TaskStatus

from wye.plugin import Intake, SourceContext
from wye_plugins.websocket.config import WebSocketSourceOptions
from wye_plugins.websocket.dial import RefusedError, connect, dial_of
from wye_plugins.websocket.link import Link
from wye_plugins.websocket.outage import Outage
from wye_plugins.websocket.receive import Ended, Receiver, limits_of

_FAREWELLS = {"stopped": (1001, "going away")}

_log = logging.getLogger("wye.websocket.client")


class WebSocketClientSource:
    """Receives what a server sends. The server is never told what became of it: the protocol has no acknowledgement."""

    def __init__(self, options: WebSocketSourceOptions, context: SourceContext) -> None:
        """Raises ``ValueError`` unless there is exactly one adapter."""
        if len(context.adapters) != 1:
            raise ValueError(f"`url` takes exactly one adapter, and there are {len(context.adapters)}")
        (adapter,) = context.adapters
        self._name = context.name
        self._decoder = adapter.decoder
        self._dial = dial_of(options, adapter.stream)
        self._limits = limits_of(options)
        self._backoff = options.reconnect.backoff
        self._failures = 0
        self.listens: Sequence[str] = (self._dial.shown,)

    async def run(self, intake: Intake, /, *, task_status: TaskStatus[None]) -> None:
        """Starts at once: a server that cannot be reached is a warning, not an error. Raises ``StartError`` when a TLS file
        cannot be used."""
        self._dial = self._dial.ready()
        outage = Outage(_log, self._name, self._dial.shown, trio.current_time())
        task_status.started()
        async with trio.open_nursery() as readers:
            while not intake.stopped:
                asked_secs = await self._attempt(intake, outage, readers)
                with intake.until_stopped():
                    await trio.sleep(self._backoff.delay_secs(max(self._failures, 1), random.random, asked_secs))

    async def _attempt(self, intake: Intake, outage: Outage, readers: trio.Nursery) -> float | None:
        """One connection from dialling to its end. Returns the wait that the server asked for, in seconds, if it did."""
        link = None
        try:
            with intake.until_stopped():
                link = await connect(self._dial, readers)
        except RefusedError as error:
            self._failures += 1
            outage.refused(error.status)
            return error.after_secs
        except ConnectionError as error:
            self._failures += 1
            outage.failed(str(error))
        if link is not None:
            await self._receive(link, intake, outage)
        return None

    async def _receive(self, link: Link, intake: Intake, outage: Outage) -> None:
        connected = trio.current_time()
        outage.up(connected)
        try:
            ended = await Receiver(link, self._decoder, self._limits).run(intake)
        except BaseException:
            await link.close(1001, "going away")
            raise
        await link.close(*_FAREWELLS.get(ended.why, (1000, None)))
        now = trio.current_time()
        if ended.why == "stopped":
            return
        healthy = ended.messages > 0 or now - connected > self._backoff.max_secs
        self._failures = 1 if healthy else self._failures + 1
        outage.lost(self._why(ended), now)

    def _why(self, ended: Ended) -> str:
        if ended.why == "too_large":
            number, limit = ended.messages + 1, self._limits.max_message_bytes
            return f"message {number} is longer than max_message_bytes ({limit}) and was not taken"
        return self._dial.safe(ended.reason)
