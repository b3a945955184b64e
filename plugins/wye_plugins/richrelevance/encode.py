"""Canonical events to RichRelevance's stream.

The stream has eight event types and no free names: any other type is *unmapped*. It has no currency, no order id and no bag,
and a view is about one item: the first. Prices are written in whole cents, halves of a cent rounded to even; a price or
quantity that is not there, or a quantity that is no whole number, is left out rather than made up. ``userId`` and
``sessionId`` are on all of the vendor's events: they are always written, empty where there is none, as the vendor does with
``userId``. An event from elsewhere that does not say what it is about (a search without a term, a line without an id) is unfit.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, cast

import msgspec

from wye.event import CUSTOM, Event, Item, Json
from wye.message import Unfit
from wye.money import EXACT, is_amount, to_cents
from wye.plugin import Limits
from wye.wire import overlay
from wye_plugins.richrelevance.schema import BY_TYPE, MAX_WHOLE, VENDOR, Kind, RrEvent

_json = msgspec.json.Encoder(decimal_format="number")


class RichRelevanceEncoder:
    """Writes one document an event. ``api_key`` replaces whatever key an event came with."""

    limits = Limits()

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key

    def encode(self, events: Sequence[Event]) -> list[bytes | Unfit]:
        return [self._encode(event) for event in events]

    def _encode(self, event: Event) -> bytes | Unfit:
        own = event.origin.vendor == VENDOR
        kind = BY_TYPE.get(event.type)
        if kind is None and not (own and event.type.startswith(CUSTOM)):
            return Unfit(f"RichRelevance has no event type for {event.type}", unmapped=True)
        subject = _WRITE[kind.type](event, kind) if kind else {}
        if isinstance(subject, Unfit):
            return subject
        lack = None if own or kind is None else _lack(subject, kind)
        if lack is not None:
            return Unfit(f"RichRelevance: {lack}")
        record = RrEvent(
            apiKey=self._api_key or event.origin.tenant or (None if own else "wye"),
            userId=event.user_id if own else event.user_id or "",
            sessionId=event.session_id if own else event.session_id or "",
            rrUserId=event.visitor_id,
            eventType=kind.name if kind else event.type[len(CUSTOM) :],
            eventTime=event.time_ms,
            **subject,
        )
        return self._with_extra(record, event.extra) if own and event.extra else _json.encode(record)

    def _with_extra(self, record: RrEvent, extra: dict[str, Json]) -> bytes:
        if self._api_key:
            extra = {name: value for name, value in extra.items() if name != "apiKey"}
        return _json.encode(overlay(msgspec.to_builtins(record, builtin_types=(Decimal,)), extra))


def _lack(subject: dict[str, Any], kind: Kind) -> str | None:
    """What an event of this type has in every document of the vendor's and this one does not say."""
    said = subject.get(kind.member)
    if said is None or said == "":
        return f"{kind.member} is required for {kind.name}"
    if isinstance(said, list):
        for place, line in enumerate(cast(list[dict[str, Json]], said)):
            if "itemId" not in line:
                return f"{kind.member}[{place}].itemId is required"
    return None


def _one_item(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    return {kind.member: event.items[0].id} if event.items and event.item_ids_are in ("product", "reference") else {}


def _category(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    if event.categories:
        return {kind.member: event.categories[0]}
    return {kind.member: event.items[0].id} if event.items and event.item_ids_are == "category" else {}


def _brand(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    if event.brand is None and event.items and event.item_ids_are == "brand":
        return {kind.member: event.items[0].id}
    return {kind.member: event.brand}


def _search(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    return {kind.member: event.search_query}


def _landing(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    referrer = event.page and event.page.referrer
    if not referrer and event.origin.vendor != VENDOR:
        return Unfit("RichRelevance has no event type for a landing without a referrer", unmapped=True)
    return {kind.member: referrer}


def _lines(event: Event, kind: Kind) -> dict[str, Any] | Unfit:
    if event.items is None:
        return {}
    own = event.origin.vendor == VENDOR
    return {kind.member: [_line(item, own=own) for item in event.items]}


_WRITE = {
    "item_view": _one_item,
    "item_click": _one_item,
    "category_view": _category,
    "brand_view": _brand,
    "search": _search,
    "landing": _landing,
    "add_to_cart": _lines,
    "purchase": _lines,
}


def _line(item: Item, *, own: bool) -> dict[str, Json]:
    line: dict[str, Json] = {}
    if item.id is not None:
        line["itemId"] = item.id
    if item.unit_price is not None and (cents := _cents(item.unit_price)) is not None:
        line["priceCents"] = cents
    if item.quantity is not None and (quantity := _whole(item.quantity)) is not None:
        line["quantity"] = quantity
    return overlay(line, item.extra) if own and item.extra else line


def _cents(price: Decimal) -> int | None:
    if not is_amount(price):
        return None
    cents = to_cents(price)
    if cents is None:
        cents = int(EXACT.scaleb(price, 2).to_integral_value(ROUND_HALF_EVEN))
    return cents if -MAX_WHOLE < cents < MAX_WHOLE else None


def _whole(quantity: Decimal) -> int | None:
    if not is_amount(quantity) or quantity != quantity.to_integral_value():
        return None
    return int(quantity) if abs(quantity) < MAX_WHOLE else None
