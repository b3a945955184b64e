"""Reelevant's envelopes to canonical events.

What goes in as Reelevant and comes out as Reelevant is the same JSON, but for: the order of members; white space and escapes;
the last of members with the same name stands; ``10.0`` is written ``10`` where the vendor has whole numbers, and ``-0`` as
``0``; and what the vendor requires and the envelope lacks is filled in: ``eventId`` (derived from the envelope), ``timestamp``
(when it was received), ``v`` (1), ``data`` (empty), ``url`` and ``key`` (as the encoder has them), ``tmpId`` (``clientId``).

Read are single envelopes and arrays of them. Like the vendor's server, this drops fields and not events: only an envelope
without a name is a failure.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from wye.event import App, Device, Event, Json, Origin, Page
from wye.message import Decoded, Payload
from wye.money import EXACT
from wye.values import milliseconds
from wye.wire import WireDecoder, amount, derive_id, identity
from wye_plugins.reelevant.ids import read_ids
from wye_plugins.reelevant.labels import ATTRIBUTION, EXACT_TOTAL, VALUE_IS, Labels, read_labels
from wye_plugins.reelevant.schema import (
    PLACEHOLDERS,
    PURCHASE_REFERENCES,
    SECONDS_BELOW,
    TYPE_LABEL,
    VENDOR,
    ReRecord,
    is_of_shoppers,
    type_of,
)
from wye_plugins.reelevant.value import as_value

_MAX_MS = 2**63


class ReelevantDecoder:
    """Decodes bodies of requests to the collector, or lines of envelopes."""

    def __init__(self) -> None:
        self._wire = WireDecoder(ReRecord)

    def decode(self, payload: Payload) -> Decoded:
        """One event an envelope."""
        records, failures = self._wire.read(payload)
        return Decoded([_event(record, payload) for record in records], failures, len(payload.body))


def _event(record: ReRecord, payload: Payload) -> Event:
    extra: dict[str, Json] = {} if record.rest is UNSET else dict(record.rest)
    name = record.name or ""
    event_id = _identity(record, "eventId", extra) or derive_id(VENDOR, record)
    time_ms, ns_rest = _time(record, payload.received_ms, extra)
    bag: Labels = dict(record.data) if record.data else {}
    odd: Labels = {}
    kind = _type(name, bag, odd, extra)
    facts = read_labels(bag, kind, odd) if bag else None
    fields: dict[str, Any] = facts.event if facts else {}
    if bag:
        _value(bag, fields, odd)
        _order_id(bag, fields, odd)
        read_ids(kind, bag, fields, odd)
    if name == PURCHASE_REFERENCES and kind == "purchase":
        fields["item_ids_are"] = "reference"
    _attribution(record, fields, odd, extra)
    if odd:
        extra["data"] = odd
    if record.key == "":
        extra["key"] = ""
    if record.v is not None and record.v != 1:
        extra["v"] = record.v
    return Event(
        id=event_id,
        type=kind,
        time_ms=time_ms,
        time_ns_rest=ns_rest,
        origin=Origin(vendor=VENDOR, tenant=record.key or None),
        user_id=_identity(record, "clientId", extra),
        visitor_id=_identity(record, "tmpId", extra),
        page=_page(record, facts.page if facts else {}, extra),
        device=_device(record, payload, facts.device if facts else {}, extra),
        app=App(**facts.app) if facts and facts.app else None,
        attrs=bag,
        **fields,
        extra=extra,
    )


def somebody(value: Json) -> str | None:
    """A text, or a whole number, that names somebody or something to the vendor and to us; otherwise ``None``."""
    who = identity(str(value) if type(value) is int else value)
    return None if who in PLACEHOLDERS else who


def _identity(record: ReRecord, name: str, extra: dict[str, Json]) -> str | None:
    """Who it is. What names nobody, or is spelled as a number, is kept for the vendor."""
    value = getattr(record, name)
    if value is None:
        return somebody(record.beyond(name))
    who = somebody(value)
    if who is None:
        extra[name] = value
    return who


def _time(record: ReRecord, received_ms: int, extra: dict[str, Json]) -> tuple[int, int]:
    """Milliseconds and the nanoseconds below. Without a time that can be read it is that of reception, as at the vendor."""
    found = record.timestamp
    if found is not None and not -SECONDS_BELOW < found < SECONDS_BELOW:
        return found, 0
    exact = amount(record.beyond("timestamp") if found is None else found)
    if found is not None:
        extra["timestamp"] = found
    if exact is None or exact.adjusted() > 18:
        return received_ms, 0
    time = milliseconds(EXACT.scaleb(exact, 3) if -SECONDS_BELOW < exact < SECONDS_BELOW else exact)
    return time if -_MAX_MS <= time[0] < _MAX_MS else (received_ms, 0)


def _type(name: str, bag: Labels, odd: Labels, extra: dict[str, Json]) -> str:
    """The type of a name, or the one that a label says it really is."""
    carried = bag.get(TYPE_LABEL)
    if type(carried) is str and carried and is_of_shoppers(carried):
        odd[TYPE_LABEL] = bag.pop(TYPE_LABEL)
        extra["name"] = name
        return carried
    return type_of(name)


def _page(record: ReRecord, facts: dict[str, Any], extra: dict[str, Json]) -> Page | None:
    """The vendor wants no parameters and no fragment in ``url``; where they are, they stay, and come back."""
    url = record.url
    if url is not None:
        if identity(url) is None:
            extra["url"], url = url, None
        elif "?" in url or "#" in url:
            extra["url"] = url
    return Page(url=url, **facts) if url is not None or facts else None


def _device(record: ReRecord, payload: Payload, facts: dict[str, Any], extra: dict[str, Json]) -> Device | None:
    """Only the seldom ``ua`` is in the envelope; otherwise the user agent is the request's, and never becomes an ``ua``."""
    if record.ua is not None:
        extra["ua"] = record.ua
    agent = record.ua or payload.user_agent
    if agent is None and payload.ip is None and not facts:
        return None
    return Device(user_agent=agent, ip=payload.ip, **facts)


def _attribution(record: ReRecord, fields: dict[str, Any], odd: Labels, extra: dict[str, Json]) -> None:
    """``b`` and ``id`` are two opaque texts of one description; the first one there is stands for both, unless a label does."""
    labelled = fields.get("attribution")
    for name, token in (("b", record.b), ("id", record.id)):
        if token is not None:
            extra[name] = token
            if labelled is not None:
                odd[ATTRIBUTION] = labelled
            elif token:
                fields.setdefault("attribution", token)


# ── labels of the vendor's own ───────────────────────────────────────────────────────────────────────────────────────────


def _value(bag: Labels, fields: dict[str, Any], odd: Labels) -> None:
    """The goods' total, where the value is a number; with more decimals where a label of ours has them."""
    if "value" not in bag:
        return
    value = bag.pop("value")
    total = amount(value)
    if total is None or type(value) is str:
        odd["value"] = value
    if total is None:
        return
    if bag.get(VALUE_IS) == "grand_total" and "grand_total" in fields:
        odd["value"], odd[VALUE_IS] = value, bag.pop(VALUE_IS)
        return
    exact = amount(bag.get(EXACT_TOTAL))
    if exact is not None and as_value(exact) == total:
        odd["value"], odd[EXACT_TOTAL] = value, bag.pop(EXACT_TOTAL)
        total = exact
    fields["goods_total"] = total


def _order_id(bag: Labels, fields: dict[str, Any], odd: Labels) -> None:
    if "transId" not in bag:
        return
    value = bag.pop("transId")
    order_id = identity(str(value) if type(value) is int else value)
    if order_id != value or order_id is None:
        odd["transId"] = value
    if order_id is not None:
        fields["order_id"] = order_id
