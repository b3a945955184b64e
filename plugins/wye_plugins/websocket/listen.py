"""The source as a server: clients connect and send messages."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import trio
from trio import TaskStatus

from wye.message import Reply
from wye.plugin import Inbound, Intake, SourceContext
from wye_plugins.websocket.config import WebSocketSourceOptions
from wye_plugins.websocket.door import Admitted, Door, Visitor, open_listeners, serve_listeners, shown_addresses
from wye_plugins.websocket.link import Link
from wye_plugins.websocket.receive import Ended, Receiver, limits_of

_log = logging.getLogger("wye.websocket.listen")

FULL = Reply(503, (("Content-Type", "text/plain"), ("Retry-After", "5")), b"too many connections")


class WebSocketListenSource:
    """Takes in what its clients send. A client is not told what became of it: the protocol has no acknowledgement."""

    def __init__(self, options: WebSocketSourceOptions, context: SourceContext) -> None:
        self._name = context.name
        self._adapters = context.adapters
        self._options = options
        self._limits = limits_of(options)
        self._tls = None if options.tls is None else options.tls.server
        self.listens: Sequence[str] = (f"{'ws' if options.tls is None else 'wss'}://{options.address}",)

    async def run(self, intake: Intake, /, *, task_status: TaskStatus[None]) -> None:
        """Raises ``StartError`` when it cannot listen."""
        listeners = await open_listeners(self._options.address or "", self._tls)
        self.listens = shown_addresses(listeners)

        async def welcome(link: Link, adapter: Inbound, shown: str) -> None:
            await self._take_in(link, adapter, shown, intake)

        door = Door(
            self._name,
            self._admit,
            welcome,
            most=self._options.max_connections,
            full=FULL,
            max_message_bytes=self._limits.max_message_bytes,
            timeout_secs=self._options.connect_timeout_secs,
        )
        async with trio.open_nursery() as handlers:
            task_status.started()
            with intake.until_stopped():
                await serve_listeners(door, listeners, handlers)

    def _admit(self, visitor: Visitor) -> Admitted[Inbound] | Reply:
        refusal: Reply | None = None
        for adapter in self._adapters:
            reply = adapter.stream.admit(visitor.head) if adapter.stream is not None else None
            if reply is None:
                return Admitted(adapter)
            refusal = refusal or reply
        return refusal or Reply(404)

    async def _take_in(self, link: Link, adapter: Inbound, shown: str, intake: Intake) -> None:
        ended = None
        try:
            ended = await Receiver(link, adapter.decoder, self._limits).run(intake)
            self._report(ended, shown)
        finally:
            if ended is None or ended.why == "stopped":
                await link.close(1001, "going away")

    def _report(self, ended: Ended, shown: str) -> None:
        """Only what the operator could do something about; clients come and go all the time."""
        if ended.why == "too_large":
            limit = self._limits.max_message_bytes
            _log.warning("%s: %s sent a message longer than max_message_bytes (%d); closed", self._name, shown, limit)
        elif ended.why == "no_pong":
            _log.info("%s: %s: %s; closed", self._name, shown, ended.reason)
