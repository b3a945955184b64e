"""The sink as a server: every event goes to all subscribers who want its type."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

from wye.event import CUSTOM, EVENT_TYPES
from wye.message import Reply, Shipment
from wye.plugin import SinkContext
from wye.verdict import DELIVERED, Verdicts
from wye_plugins.websocket.config import WebSocketSinkOptions
from wye_plugins.websocket.door import Admitted, Door, Visitor, open_listeners, serve_listeners, shown_addresses
from wye_plugins.websocket.link import Link
from wye_plugins.websocket.subscription import Subscription

_FLUSH_SECS = 2.0
_FINAL_TEXT = 0x81
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")
FULL = Reply(503, (_PLAIN, ("Retry-After", "5")), b"too many subscribers")

Types = frozenset[str] | None


class WebSocketServeSink:
    """Serves subscribers. An event is delivered once it waits for each subscriber of that moment, be they none."""

    concurrency = 1

    def __init__(self, options: WebSocketSinkOptions, context: SinkContext) -> None:
        self._name = context.name
        self._stream = context.adapter.stream
        self._options = options
        self._tls = None if options.tls is None else options.tls.server
        self._subscriptions: dict[Subscription, None] = {}
        self._dropped_before = 0
        self.target = f"{'ws' if options.tls is None else 'wss'}://{options.address}"

    @property
    def subscribers(self) -> int:
        """How many are connected."""
        return len(self._subscriptions)

    @property
    def dropped(self) -> int:
        """How many events were not sent to a subscriber who was too slow for them, over all subscribers so far."""
        return self._dropped_before + sum(one.queue.dropped for one in self._subscriptions)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Listens. Raises ``StartError`` when it cannot. In the end subscribers get what waits for them, within 2 s."""
        listeners = await open_listeners(self._options.address or "", self._tls)
        self.target = ", ".join(shown_addresses(listeners))
        door = Door(
            self._name,
            self._admit,
            self._welcome,
            most=self._options.max_subscribers,
            full=FULL,
            max_message_bytes=self._options.max_message_bytes,
            timeout_secs=self._options.connect_timeout_secs,
        )
        async with trio.open_nursery() as handlers, trio.open_nursery() as listening:
            listening.start_soon(serve_listeners, door, listeners, handlers)
            yield
            listening.cancel_scope.cancel()
            await self._say_goodbye()

    async def send(self, shipment: Shipment, /) -> Verdicts:
        """Returns once all of it waits for every subscriber; only ``when_full = "block"`` makes that take time."""
        await trio.lowlevel.checkpoint()
        if not self._subscriptions:
            return DELIVERED
        frames = [text_frame(document) for document in shipment.documents]
        types = [event.type for event in shipment.events]
        offers = [(one, _wanted(frames, types, one.types)) for one in self._subscriptions]
        unfinished = [(one, offered[taken:]) for one, offered in offers if (taken := one.offer(offered)) < len(offered)]
        for subscription, rest in unfinished:
            await subscription.offer_patiently(rest)
        return DELIVERED

    def _admit(self, visitor: Visitor) -> Admitted[Types] | Reply:
        if self._stream is not None and (refusal := self._stream.admit(visitor.head)) is not None:
            return refusal
        wanted = wanted_types(visitor.query)
        if wanted is not None and (unknown := unknown_types(wanted)):
            return Reply(400, (_PLAIN,), _explain(unknown).encode())
        return Admitted(wanted)

    async def _welcome(self, link: Link, types: Types, shown: str) -> None:
        subscription = Subscription(link, types, f"{self._name}: subscriber {shown}", self._options)
        self._subscriptions[subscription] = None
        try:
            await subscription.run()
        finally:
            del self._subscriptions[subscription]
            self._dropped_before += subscription.queue.dropped

    async def _say_goodbye(self) -> None:
        async with trio.open_nursery() as nursery:
            for subscription in list(self._subscriptions):
                nursery.start_soon(subscription.finish, _FLUSH_SECS)


def _wanted(frames: Sequence[bytes], types: Sequence[str], wanted: Types) -> Sequence[bytes]:
    if wanted is None:
        return frames
    return [frame for frame, type_ in zip(frames, types, strict=True) if type_ in wanted]


def wanted_types(query: Sequence[tuple[str, str]]) -> Types:
    """The types that a subscriber names, in one ``type`` with commas or in several; ``None`` where it names none: all."""
    named = [one.strip() for name, value in query if name == "type" for one in value.split(",")]
    return frozenset(named) if named else None


def unknown_types(wanted: frozenset[str]) -> list[str]:
    return sorted(one for one in wanted if one not in EVENT_TYPES and not (one.startswith(CUSTOM) and len(one) > len(CUSTOM)))


def _explain(unknown: Sequence[str]) -> str:
    named = ", ".join(repr(one[:50]) for one in unknown[:5])
    return f"unknown event type {named}; known types: {', '.join(EVENT_TYPES)}, and {CUSTOM}<name>"


def text_frame(document: bytes) -> bytes:
    """``document`` (UTF-8) as one unfragmented text message (RFC 6455, section 5.2), not masked: one frame serves every
    subscriber."""
    size = len(document)
    if size < 126:
        return bytes((_FINAL_TEXT, size)) + document
    if size < 65536:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + document
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + document
