"""Canonical events to Clickstream's requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from wye.event import CONTROL, Event, Json
from wye.message import HttpRequest, HttpResponse, Shipment, Unfit
from wye.plugin import Limits
from wye.verdict import Verdict
from wye.wire import overlay
from wye_plugins.clickstream.pack import Packer
from wye_plugins.clickstream.schema import MAX_BODY_BYTES, VENDOR
from wye_plugins.clickstream.verdicts import verdict
from wye_plugins.clickstream.write import foreign_record, own_record

LIMITS = Limits(max_events=100, max_bytes=MAX_BODY_BYTES, overhead_bytes=2, divisible=True)

_json = msgspec.json.Encoder(decimal_format="number")


class ClickstreamEncoder:
    """Writes documents, packs them into requests to ``/collect`` and reads the answers.

    ``app_id`` replaces whatever app an event came from.
    """

    limits = LIMITS

    def __init__(self, app_id: str | None = None, *, compress: bool = False, hash_code: bool = False) -> None:
        self._app_id = app_id
        self._packer = Packer(self.app_of, LIMITS, compress=compress, hash_code=hash_code)

    def app_of(self, event: Event) -> str:
        """The app that an event is sent as: the configured one, its own tenant, or ``wye``."""
        return self._app_id or event.origin.tenant or "wye"

    def encode(self, events: Sequence[Event]) -> list[bytes | Unfit]:
        return [self._encode(event) for event in events]

    def requests(self, shipment: Shipment) -> Iterable[HttpRequest]:
        """Requests for ``/collect``, one app and one client (address, user agent) in each, within the limits."""
        return self._packer.requests(shipment)

    def verdicts(self, request: HttpRequest, response: HttpResponse) -> Verdict:
        """One verdict for the request: the vendor takes it as a whole or not at all."""
        return verdict(response)

    def _encode(self, event: Event) -> bytes | Unfit:
        if event.type.startswith(CONTROL):
            return Unfit(f"no event, but a call: {event.type}", unmapped=True)
        own = event.origin.vendor == VENDOR
        document = _json.encode(self._own(event) if own else foreign_record(event, self.app_of(event)))
        if len(document) + LIMITS.overhead_bytes > MAX_BODY_BYTES:
            return Unfit(f"larger than {MAX_BODY_BYTES:,} bytes, which is all that Clickstream takes at once")
        return document

    def _own(self, event: Event) -> Struct | dict[str, Json]:
        """An event that came from this vendor, with what only this vendor knows laid over it."""
        over = dict(event.extra) if event.extra else {}
        if self._app_id:
            over.pop("app_id", None)
        record = own_record(event, self.app_of(event), over)
        return overlay(msgspec.to_builtins(record, builtin_types=(Decimal,)), over) if over else record
