"""Moloco's documents to canonical events.

What goes in as Moloco and comes out as Moloco is the same JSON, but for: the order of members; white space; the last of members
with the same name stands; ``-0`` is written ``0``; names in camelCase are written in snake_case; a time in seconds, with a
fraction or in RFC 3339, which the vendor refuses, is written in milliseconds; an ``id`` or a ``channel_type`` that is missing
is filled in (the id is derived from the document), as is an ``id`` that is empty or a word for nothing (``null``).

A document without a type or a time is a failure. Whether the vendor would take it otherwise is not asked here: the endpoint and
the encoder do, by the same rules.
"""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET

from wye.event import Json
from wye.message import Decoded, Payload
from wye.records import TOO_DEEP
from wye.wire import BAGS, WireDecoder, identity, parse, sift, too_deep, write
from wye_plugins.moloco.read import event_of
from wye_plugins.moloco.schema import CAMEL, CAMEL_DEVICE, CAMEL_ITEM, MoEvent
from wye_plugins.moloco.times import time_of


class MoRecord(MoEvent, frozen=True, kw_only=True):
    """An event as it is received. Raises ``ValueError`` where it has no type or no time."""

    def __post_init__(self) -> None:
        if not (self.event_type or (self.event_type is None and self._has_camel_type())):
            raise ValueError("event_type is missing or empty")
        if time_of(self.timestamp) is None:
            raise ValueError("timestamp is missing, or neither milliseconds nor RFC 3339")
        if any(type(value) in BAGS and too_deep(value) for value in _loose(self)):
            raise ValueError(TOO_DEEP)

    def _has_camel_type(self) -> bool:
        return self.rest is not UNSET and "event_type" not in self.rest and identity(self.rest.get("eventType")) is not None


def _loose(record: MoEvent) -> list[Json]:
    """What may be anything."""
    found: list[Json] = [money.amount for money in (record.revenue, record.shipping_charge) if money is not None]
    for item in record.items or ():
        found.append(item.quantity)
        if item.price is not None:
            found.append(item.price.amount)
    return found


class MolocoDecoder:
    """Decodes bodies of requests, or lines of such documents. ``platform`` among the payload's parameters is the tenant."""

    def __init__(self) -> None:
        self._wire = WireDecoder(MoRecord)

    def decode(self, payload: Payload) -> Decoded:
        """One event a document. An ``event_type`` that the vendor does not have becomes ``custom:<event_type>``."""
        records, failures = self._wire.read(payload)
        tenant = payload.query.get("platform") or None
        return Decoded([event_of(_in_snake_case(record), tenant) for record in records], failures, len(payload.body))


# ── the JavaScript client's names ────────────────────────────────────────────────────────────────────────────────────────


def _in_snake_case(record: MoRecord) -> MoRecord:
    """The record under the wire's names. Nearly all are, so the document is written and read again only where one is not."""
    if not _is_camel(record):
        return record
    return sift(snake_case(parse(write(record, {}))), MoRecord)


def _is_camel(record: MoRecord) -> bool:
    rest = record.rest
    if rest is not UNSET and not (CAMEL.keys().isdisjoint(rest) and ("items" not in rest or _are_plain(rest["items"]))):
        return True
    device = record.device
    if device is not None and device.rest is not UNSET and not CAMEL_DEVICE.keys().isdisjoint(device.rest):
        return True
    return any(item.rest is not UNSET and not CAMEL_ITEM.keys().isdisjoint(item.rest) for item in record.items or ())


def _are_plain(items: Json) -> bool:
    """Whether no item of an array that has something else in it too has a name to be changed."""
    if not isinstance(items, list):
        return True
    return all(type(item) is not dict or CAMEL_ITEM.keys().isdisjoint(cast(Any, item)) for item in cast(list[Json], items))


def snake_case(document: dict[str, Json]) -> dict[str, Json]:
    """``document`` with the wire's names. Where a member stands under both, that of the wire counts and the other stays."""
    renamed = _renamed(document, CAMEL)
    if isinstance(renamed.get("device"), dict):
        renamed["device"] = _renamed(renamed["device"], CAMEL_DEVICE)
    if isinstance(renamed.get("items"), list):
        renamed["items"] = [
            _renamed(cast(dict[str, Json], item), CAMEL_ITEM) if isinstance(item, dict) else item
            for item in cast(list[Json], renamed["items"])
        ]
    return renamed


def _renamed(bag: dict[str, Json], names: dict[str, str]) -> dict[str, Any]:
    return {name if names.get(name, name) in bag else names.get(name, name): value for name, value in bag.items()}
