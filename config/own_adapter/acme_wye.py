"""A plugin in one file: the adapter ``acme``, the source ``dropbox`` and the sink ``udp``.

Acme's format is one JSON object an event: ``{"kind": "sale", "sku": "A1", "cents": 1099, "at": 1700000000}``.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import trio
from msgspec import Meta

from wye import money
from wye.event import Event, Item, Origin
from wye.message import Decoded, Payload, Shipment, Unfit
from wye.options import Options, Positive
from wye.plugin import (
    AdapterPart,
    Inbound,
    Intake,
    Limits,
    Outbound,
    Role,
    SinkContext,
    SinkPart,
    SourceContext,
    SourcePart,
    StartError,
    hookimpl,
)
from wye.verdict import DELIVERED, Verdicts
from wye.wire import Wire, WireDecoder, derive_id

# ── the adapter ──────────────────────────────────────────────────────────────────────────────────────────────────────────

KINDS = {"sale": "purchase", "look": "item_view", "basket": "add_to_cart"}
NAMES = {event_type: kind for kind, event_type in KINDS.items()}


class AcmeEvent(Wire, frozen=True):
    """One event on Acme's wire; ``at`` is in seconds since the epoch."""

    kind: str
    at: int
    sku: str | None = None
    cents: int | None = None
    store: str | None = None


class AcmeDecoder:
    def __init__(self) -> None:
        self._wire = WireDecoder(AcmeEvent)

    def decode(self, payload: Payload, /) -> Decoded:
        records, failures = self._wire.read(payload)
        return Decoded([_event(record) for record in records], failures, len(payload.body))


def _event(wire: AcmeEvent) -> Event:
    price = None if wire.cents is None else money.from_cents(wire.cents)
    return Event(
        id=derive_id("acme", wire),
        type=KINDS.get(wire.kind, f"custom:{wire.kind}"),
        time_ms=wire.at * 1000,
        items=None if wire.sku is None else (Item(id=wire.sku, unit_price=price),),
        origin=Origin(vendor="acme", tenant=wire.store),
        extra=wire.rest or {},
    )


class AcmeEncoder:
    limits = Limits(max_bytes=1400)

    def __init__(self, store: str | None) -> None:
        self._store = store

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [self._document(event) for event in events]

    def _document(self, event: Event) -> bytes | Unfit:
        kind = NAMES.get(event.type)
        if kind is None:
            return Unfit(f"acme has no kind for {event.type}", unmapped=True)
        item = event.items[0] if event.items else Item()
        cents = None if item.unit_price is None else money.to_cents(item.unit_price)
        store = self._store or event.origin.tenant
        return msgspec.json.encode(AcmeEvent(kind=kind, at=event.time_ms // 1000, sku=item.id, cents=cents, store=store))


class AcmeSourceOptions(Options, frozen=True):
    """Nothing to choose when Acme's events come in."""


class AcmeSinkOptions(Options, frozen=True):
    """Acme's options on the way out."""

    store: Annotated[str | None, Meta(description="The store to write into every event; left out, the event's own.")] = None


# ── the source ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class DropboxOptions(Options, frozen=True):
    """Every `*.json` file dropped into a folder is one event; it is deleted once it is safe elsewhere."""

    path: Annotated[str, Meta(description="The folder.")]
    poll_secs: Annotated[Positive, Meta(description="How often to look.")] = 1.0


class Dropbox:
    def __init__(self, options: DropboxOptions, context: SourceContext) -> None:
        self._folder = Path(options.path)
        self._poll_secs = options.poll_secs
        self._decoder = context.adapters[0].decoder
        self.listens = [f"{options.path}/*.json"]

    async def run(self, intake: Intake, /, *, task_status: trio.TaskStatus[None]) -> None:
        if not self._folder.is_dir():
            raise StartError(f"source {intake.name}: {self._folder} is not a folder; create it")
        task_status.started()
        with intake.until_stopped():
            while True:
                for file in sorted(self._folder.glob("*.json")):
                    body = await trio.Path(file).read_bytes()
                    decoded = self._decoder.decode(Payload(body, received_ms=time.time_ns() // 1_000_000))
                    if await intake.deliver(decoded, place=lambda _, name=file.name: name):
                        file.unlink()
                await trio.sleep(self._poll_secs)


# ── the sink ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class UdpOptions(Options, frozen=True):
    """Sends each event as one datagram. Nobody confirms a datagram: delivered means sent."""

    address: Annotated[str, Meta(description="Where to, as `host:port`.")]

    def __post_init__(self) -> None:
        if not self.address.rpartition(":")[2].isdigit():
            raise ValueError(f"address: expected host:port, found {self.address!r}")


class Udp:
    concurrency = 1

    def __init__(self, options: UdpOptions, context: SinkContext) -> None:
        self.target = f"udp://{options.address}"
        host, _, port = options.address.rpartition(":")
        self._to = (host, int(port))
        self._socket: trio.socket.SocketType | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as self._socket:
            yield

    async def send(self, shipment: Shipment, /) -> Verdicts:
        assert self._socket is not None
        for document in shipment.documents:
            await self._socket.sendto(document, self._to)
        return DELIVERED


# ── the hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    return [
        AdapterPart(
            "acme",
            Role(AcmeSourceOptions, lambda _: Inbound(AcmeDecoder())),
            Role(AcmeSinkOptions, lambda options: Outbound(AcmeEncoder(options.store))),
        )
    ]


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("dropbox", DropboxOptions, Dropbox)]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    return [SinkPart("udp", UdpOptions, Udp)]
