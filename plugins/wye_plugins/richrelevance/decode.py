"""RichRelevance's stream to canonical events.

What goes in as RichRelevance and comes out as RichRelevance is the same JSON, but for: the order of members; white space (a
no-break space outside of texts is white space too: the vendor's own page has it); the last of members with the same name
stands; ``10.0`` is written ``10`` where the vendor has whole numbers, and ``-0`` as ``0``.

The stream has no ids, so an event's id is derived from the document without the blanks around its ``apiKey``: the same message
gives the same id again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import UNSET, structs

from wye.event import CUSTOM, Event, Item, Json, Origin, Page
from wye.message import Decoded, Failure, Payload
from wye.money import from_cents, total
from wye.wire import WireDecoder, amount, derive_id, identity, parse, write
from wye_plugins.richrelevance.schema import BY_NAME, KINDS, MAX_WHOLE, VENDOR, RrEvent, RrLine

_NO_BREAK_SPACE = b"\xc2\xa0"
_STRING_OR_SPACE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|\xc2\xa0', re.DOTALL)


class RichRelevanceDecoder:
    """Decodes the messages of the stream, or lines of such documents."""

    def __init__(self) -> None:
        self._wire = WireDecoder(RrEvent)

    def decode(self, payload: Payload) -> Decoded:
        """One event a document. An ``eventType`` that the vendor's page does not know becomes ``custom:<eventType>``."""
        records, failures = self._wire.read(payload)
        if failures and _NO_BREAK_SPACE in payload.body:
            records, failures = self._read_pasted(payload, records, failures)
        return Decoded([_event(record) for record in records], failures, len(payload.body))

    def _read_pasted(
        self, payload: Payload, records: list[RrEvent], failures: list[Failure]
    ) -> tuple[list[RrEvent], list[Failure]]:
        """Read again with plain spaces for no-break ones; where that is no better, what was found before stands."""
        again = self._wire.read(structs.replace(payload, body=_STRING_OR_SPACE.sub(_plain_space, payload.body)))
        return again if len(again[1]) < len(failures) else (records, failures)


def _plain_space(match: re.Match[bytes]) -> bytes:
    found = match.group()
    return b" " if found == _NO_BREAK_SPACE else found


def _event(record: RrEvent) -> Event:
    extra: dict[str, Json] = {} if record.rest is UNSET else dict(record.rest)
    tenant = record.apiKey and record.apiKey.strip()
    if record.apiKey is not None and (not tenant or tenant != record.apiKey):
        extra["apiKey"] = record.apiKey
        record = structs.replace(record, apiKey=tenant)
    kind = BY_NAME.get(record.eventType)
    _set_aside(record, kind and kind.member, extra)
    return Event(
        id=derive_id(VENDOR, record),
        type=kind.type if kind else CUSTOM + record.eventType,
        time_ms=record.eventTime,
        origin=Origin(vendor=VENDOR, tenant=tenant or None),
        user_id=_identity(record, "userId", extra),
        visitor_id=_identity(record, "rrUserId", extra),
        session_id=_identity(record, "sessionId", extra),
        **(_READ[kind.member](record, extra) if kind else {}),
        extra=extra,
    )


def _identity(record: RrEvent, name: str, extra: dict[str, Json]) -> str | None:
    """Who it is; a text that names nobody is kept for the vendor alone."""
    text: str | None = getattr(record, name)
    if text is None:
        return None
    who = identity(text)
    if who is None:
        extra[name] = text
    return who


def _set_aside(record: RrEvent, own: str | None, extra: dict[str, Json]) -> None:
    """Members that belong to another type than the document's are kept for the vendor alone."""
    for kind in KINDS:
        value = getattr(record, kind.member)
        if value is not None and kind.member != own:
            extra[kind.member] = parse(write(record, {}))[kind.member]


# ── the member that says what an event is about ──────────────────────────────────────────────────────────────────────────


def _one_item(name: str) -> Callable[[RrEvent, dict[str, Json]], dict[str, Any]]:
    def read(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
        text = getattr(record, name)
        if text:
            return {"items": (Item(id=text),)}
        if text is not None:
            extra[name] = text
        return {}

    return read


def _category(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    return {} if record.viewedCategory is None else {"categories": (record.viewedCategory,)}


def _brand(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    return {"brand": record.viewedBrand}


def _search(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    return {"search_query": record.searchTerm}


def _landing(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    return {} if record.referrerUrl is None else {"page": Page(referrer=record.referrerUrl)}


def _cart(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    return {"items": _items(record.addedToCartItems)}


def _order(record: RrEvent, extra: dict[str, Json]) -> dict[str, Any]:
    items = _items(record.orders)
    return {"items": items, "goods_total": _goods_total(items)}


_READ: dict[str, Callable[[RrEvent, dict[str, Json]], dict[str, Any]]] = {
    "viewedItem": _one_item("viewedItem"),
    "clickProductId": _one_item("clickProductId"),
    "viewedCategory": _category,
    "viewedBrand": _brand,
    "searchTerm": _search,
    "referrerUrl": _landing,
    "addedToCartItems": _cart,
    "orders": _order,
}


def _items(lines: list[RrLine] | None) -> tuple[Item, ...] | None:
    return None if lines is None else tuple([_item(line) for line in lines])


def _item(line: RrLine) -> Item:
    extra: dict[str, Json] = {} if line.rest is UNSET else dict(line.rest)
    if line.itemId == "":
        extra["itemId"] = ""
    return Item(
        id=line.itemId or None,
        quantity=_quantity(line, extra),
        unit_price=None if line.priceCents is None else from_cents(line.priceCents),
        extra=extra,
    )


def _quantity(line: RrLine, extra: dict[str, Json]) -> Decimal | None:
    """A fraction has no place in the vendor's format, but half a metre is half a metre: it is read, and kept as it was."""
    return amount(extra.get("quantity")) if line.quantity is None else Decimal(line.quantity)


def _goods_total(items: tuple[Item, ...] | None) -> Decimal | None:
    """The order's value, where every line says its price and its quantity."""
    if not items:
        return None
    lines: list[tuple[Decimal, Decimal]] = []
    for item in items:
        if item.unit_price is None or item.quantity is None or abs(item.quantity) >= MAX_WHOLE:
            return None
        lines.append((item.unit_price, item.quantity))
    return total(lines)
