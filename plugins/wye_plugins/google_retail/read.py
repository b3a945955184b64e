"""One document of Google's to one canonical event, member by member.

What a canonical field cannot give back as it was (a number as a text, an empty id, a ``null``) is set aside for Google alone,
at its own place: ``{"purchaseTransaction": {"revenue": "1599.97"}}``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from msgspec import UNSET, structs

from wye.event import CUSTOM, Device, Event, Item, Json, Origin, Page
from wye.message import Payload
from wye.remember import remembered
from wye.wire import Wire, amount, derive_id, identity, sift
from wye_plugins.google_retail.attributes import Bag
from wye_plugins.google_retail.bag import custom_attributes, members_without_field, read_slots, restore_money, take_id, unhash
from wye_plugins.google_retail.schema import TYPES, VENDOR, GrDetail, GrEvent, GrPriceInfo, GrPurchase, GrUserInfo
from wye_plugins.google_retail.slots import PRICES, SEED_DETAIL
from wye_plugins.google_retail.times import format_time, parse_time

_NO_USER = GrUserInfo()
_NO_PRICE = GrPriceInfo()
_NO_PURCHASE = GrPurchase()


def event_of(record: GrEvent, payload: Payload, tenant: str | None) -> Event:
    """The canonical event of one document, which came with ``payload`` for the catalogue ``tenant``."""
    extra: Bag = {} if record.rest is UNSET else dict(record.rest)
    record, time_ms, ns_rest = _timed(record, payload, extra)
    attributes = custom_attributes(record, extra)
    facts: dict[str, Any] = {"items": _items(record, extra)}
    _purchase(record, facts, extra)
    _native(record, facts, payload, extra)
    attrs = members_without_field(record, extra)
    event_id = take_id(attributes, extra) if attributes else None
    if attributes:
        restore_money(attributes, facts, extra)
        unhash(attributes, facts, extra)
        read_slots(attributes, facts, attrs, extra)
    return Event(
        id=event_id or derive_id(VENDOR, record),
        type=TYPES.get(record.eventType) or CUSTOM + record.eventType,
        time_ms=time_ms,
        time_ns_rest=ns_rest,
        origin=_NOWHERE if tenant is None else _origin(tenant),
        attrs=attrs,
        extra=extra,
        **facts,
    )


_NOWHERE = Origin(vendor=VENDOR)


@remembered(256)
def _origin(tenant: str) -> Origin:
    return Origin(vendor=VENDOR, tenant=tenant)


def _timed(record: GrEvent, payload: Payload, extra: Bag) -> tuple[GrEvent, int, int]:
    """Without a time of its own an event has that of its request (``ets``), or of its arrival, which then is part of what its
    id is derived from: one visitor's two visits are two events."""
    given = record.eventTime
    found = None if given is None else parse_time(given)
    if found is not None:
        if format_time(*found) != given:
            extra["eventTime"] = given
        return record, *found
    ets = amount(payload.query.get("ets"))
    time_ms = int(ets) if ets is not None and abs(ets) < 10**15 else payload.received_ms
    rest = record.rest
    if rest is not UNSET and "eventTime" in rest:  # a null
        del extra["eventTime"]
        rest = {name: value for name, value in rest.items() if name != "eventTime"} or UNSET
    return structs.replace(record, eventTime=format_time(time_ms), rest=rest), time_ms, 0


def _text(value: str | None, name: str, odd: Bag) -> str | None:
    """A text; an empty one, which to Google is none, is kept for Google."""
    if value == "":
        odd[name] = ""
        return None
    return value


def _identity(value: str | None, name: str, odd: Bag) -> str | None:
    who = identity(value)
    if who is None and value is not None:
        odd[name] = value
    return who


def _number(bag: Bag, wire: Wire, name: str) -> Decimal | None:
    """An amount, from a number or a text; whatever is not simply a number is kept as it was."""
    value: Json = getattr(wire, name)
    if value is UNSET:
        return None
    found = amount(value)
    if found is None or type(value) is str:
        bag[name] = value
    return found


# ── members with a canonical field ───────────────────────────────────────────────────────────────────────────────────────


def _native(record: GrEvent, facts: dict[str, Any], payload: Payload, extra: Bag) -> None:
    user = record.userInfo or _NO_USER
    odd: Bag = {} if user.rest is UNSET else dict(user.rest)
    facts["user_id"] = _identity(user.userId, "userId", odd)
    facts["device"] = _device(user, payload, odd)
    if odd or (record.userInfo is not None and user == _NO_USER):
        extra["userInfo"] = odd
    facts["visitor_id"] = _identity(record.visitorId, "visitorId", extra)
    facts["session_id"] = _identity(record.sessionId, "sessionId", extra)
    if record.searchQuery is not None:
        facts["search_query"] = _text(record.searchQuery, "searchQuery", extra)
    if record.attributionToken is not None:
        facts["attribution"] = _text(record.attributionToken, "attributionToken", extra)
    if record.cartId is not None:
        facts["cart_id"] = _text(record.cartId, "cartId", extra)
    facts["page"] = _page(record, payload, extra)
    if record.pageCategories:
        facts["categories"] = tuple(record.pageCategories)
    elif record.pageCategories is not None:
        extra["pageCategories"] = []


def _page(record: GrEvent, payload: Payload, extra: Bag) -> Page | None:
    url = _text(record.uri, "uri", extra) or payload.query.get("uri") or None
    referrer = None if record.referrerUri is None else _text(record.referrerUri, "referrerUri", extra)
    view_id = None if record.pageViewId is None else _text(record.pageViewId, "pageViewId", extra)
    return Page(url=url, referrer=referrer, view_id=view_id) if url or referrer or view_id else None


def _device(user: GrUserInfo, payload: Payload, odd: Bag) -> Device | None:
    """What a shopper's own request says of them stands in its head. Whoever passes it on has to write it into the document, and
    must no longer call it a direct request."""
    ip, agent = _text(user.ipAddress, "ipAddress", odd), _text(user.userAgent, "userAgent", odd)
    if user.directUserRequest is not None:
        odd["directUserRequest"] = user.directUserRequest
    if user.directUserRequest or "userEvent" in payload.query:
        if payload.ip or payload.user_agent:
            odd.pop("directUserRequest", None)
        ip, agent = ip or payload.ip, agent or payload.user_agent
    return None if ip is None and agent is None else Device(ip=ip, user_agent=agent)


def _purchase(record: GrEvent, facts: dict[str, Any], extra: Bag) -> None:
    purchase = record.purchaseTransaction
    if purchase is None:
        return
    odd: Bag = {} if purchase.rest is UNSET else dict(purchase.rest)
    facts["order_id"] = _text(purchase.id, "id", odd)
    facts["currency"] = _text(purchase.currencyCode, "currencyCode", odd)
    facts["grand_total"] = _number(odd, purchase, "revenue")
    facts["tax"] = _number(odd, purchase, "tax")
    facts["cost"] = _number(odd, purchase, "cost")
    if odd or purchase == _NO_PURCHASE:
        extra["purchaseTransaction"] = odd


# ── products ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _items(record: GrEvent, extra: Bag) -> tuple[Item, ...] | None:
    """The products; of an array that has something else in it too, those that are products."""
    if record.productDetails is not None:
        return tuple([_item(detail) for detail in record.productDetails])
    members = extra.get("productDetails")
    if type(members) is not list:
        return None
    details = [sift(member, GrDetail) for member in cast(list[Json], members) if type(member) is dict]
    return tuple([structs.replace(_item(detail), extra={}) for detail in details])


def _item(detail: GrDetail) -> Item:
    odd: Bag = {}
    attrs: Bag = {}
    facts: dict[str, Any] = {}
    if detail.rest is not UNSET:
        odd.update(detail.rest)
        _seed_members(odd, attrs)
    quantity = amount(odd.get("quantity")) if detail.quantity is None else Decimal(detail.quantity)
    product = detail.product
    if product is not None:
        of_product: Bag = {}
        if product.rest is not UNSET:
            of_product.update(product.rest)
            _catalogue(product.rest, facts)
        facts["id"] = _text(product.id, "id", of_product)
        if product.priceInfo is not None:
            _price(product.priceInfo, facts, attrs, of_product)
        if of_product or (product.id is None and product.priceInfo is None):
            odd["product"] = of_product
    return Item(quantity=quantity, attrs=attrs, extra=odd, **facts)


def _price(price: GrPriceInfo, facts: dict[str, Any], attrs: Bag, of_product: Bag) -> None:
    odd: Bag = {} if price.rest is UNSET else dict(price.rest)
    facts["currency"] = _text(price.currencyCode, "currencyCode", odd)
    facts["unit_price"] = _number(odd, price, "price")
    if price.originalPrice is not UNSET or price.cost is not UNSET:
        for name, ours in PRICES.items():
            value = _number(odd, price, name)
            if value is not None:
                attrs[ours] = value
    if odd or price == _NO_PRICE:
        of_product["priceInfo"] = odd


def _catalogue(product: Bag, facts: dict[str, Any]) -> None:
    """What Google ignores here, because it knows its catalogue, others do not."""
    for field, name, read in _CATALOGUE:
        value = read(product.get(name))
        if value is not None:
            facts[field] = value


def _only_text(value: Json) -> str | None:
    return value if type(value) is str and value else None


def _first_text(value: Json) -> str | None:
    return _only_text(cast(list[Json], value)[0]) if type(value) is list and value else None


_CATALOGUE: tuple[tuple[str, str, Callable[[Json], str | None]], ...] = (
    ("name", "title", _only_text),
    ("brand", "brands", _first_text),
    ("category", "categories", _first_text),
    ("group_id", "primaryProductId", _only_text),
)


def _seed_members(odd: Bag, attrs: Bag) -> None:
    """What the third-party document adds to a product."""
    for name, ours in SEED_DETAIL.items():
        if type(odd.get(name)) in (int, Decimal, str):
            attrs[ours] = odd.pop(name)
