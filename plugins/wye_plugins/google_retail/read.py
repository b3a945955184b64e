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
from wye.values import text
from wye.wire import amount, derive_id, identity, sift
from wye_plugins.google_retail.attributes import Bag
from wye_plugins.google_retail.bag import custom_attributes, members_without_field, read_slots, restore, take_id
from wye_plugins.google_retail.schema import (
    NO_TIME,
    TYPES,
    VENDOR,
    GrDetail,
    GrEvent,
    GrPriceInfo,
    GrPurchase,
    GrUserInfo,
    check_flat,
)
from wye_plugins.google_retail.slots import PRICES, SEED_DETAIL
from wye_plugins.google_retail.times import format_time, parse_time, plain_time

_NO_USER = GrUserInfo()


def event_of(record: GrEvent, payload: Payload, tenant: str | None) -> Event:
    """The canonical event of one document, which came with ``payload`` for the catalogue ``tenant``."""
    extra: Bag = {} if record.rest is UNSET else dict(record.rest)
    time_ms, ns_rest = None if record.eventTime is None else plain_time(record.eventTime), 0
    if time_ms is None:
        record, time_ms, ns_rest = _timed(record, payload, extra)
    attributes = custom_attributes(record, extra)
    facts: dict[str, Any] = {"items": _items(record, extra)}
    if record.purchaseTransaction is not None:
        _purchase(record.purchaseTransaction, facts, extra)
    page = _native(record, facts, payload, extra)
    attrs = members_without_field(record, extra)
    event_id = None
    if attributes:
        event_id = take_id(attributes, extra)
        restore(attributes, facts, extra)
        read_slots(attributes, facts, page, attrs, extra)
    take = facts.pop
    event = Event(
        id=event_id or derive_id(VENDOR, record),
        type=TYPES.get(record.eventType) or CUSTOM + record.eventType,
        time_ms=time_ms,
        time_ns_rest=ns_rest,
        origin=_NOWHERE if tenant is None else _origin(tenant),
        user_id=take("user_id"),
        visitor_id=take("visitor_id"),
        session_id=take("session_id", None),
        items=take("items"),
        currency=take("currency", None),
        search_query=take("search_query", None),
        page=Page(**page) if page else None,
        device=take("device"),
        attrs=attrs,
        extra=extra,
    )
    return structs.replace(event, **facts) if facts else event


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
    if given is not None:
        raise ValueError(NO_TIME)
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


def _number(value: Json, name: str, odd: Bag) -> Decimal | None:
    """An amount, from a number or a text; whatever is not simply a number is kept as it was. Raises ``ValueError`` for what is
    not flat, where the struct has not looked at it."""
    if value is UNSET:
        return None
    found = amount(value)
    if found is None or type(value) is str:
        check_flat(value)
        odd[name] = value
    return found


# ── members with a canonical field ───────────────────────────────────────────────────────────────────────────────────────


def _native(record: GrEvent, facts: dict[str, Any], payload: Payload, extra: Bag) -> dict[str, str]:
    """Returns what there is of the page."""
    _user(record.userInfo, facts, payload, extra)
    facts["visitor_id"] = identity(record.visitorId)
    if facts["visitor_id"] is None:
        extra["visitorId"] = record.visitorId
    if record.sessionId is not None:
        facts["session_id"] = identity(record.sessionId)
        if facts["session_id"] is None:
            extra["sessionId"] = record.sessionId
    if record.searchQuery is not None:
        facts["search_query"] = _text(record.searchQuery, "searchQuery", extra)
    if record.attributionToken is not None:
        facts["attribution"] = _text(record.attributionToken, "attributionToken", extra)
    if record.cartId is not None:
        facts["cart_id"] = _text(record.cartId, "cartId", extra)
    page = _page(record, payload, extra)
    if record.pageCategories:
        facts["categories"] = tuple(record.pageCategories)
    elif record.pageCategories is not None:
        extra["pageCategories"] = []
    return page


def _page(record: GrEvent, payload: Payload, extra: Bag) -> dict[str, str]:
    url = _text(record.uri, "uri", extra) or payload.query.get("uri")
    page = {"url": url} if url else {}
    referrer, view_id = record.referrerUri, record.pageViewId
    if referrer is not None and _text(referrer, "referrerUri", extra):
        page["referrer"] = referrer
    if view_id is not None and _text(view_id, "pageViewId", extra):
        page["view_id"] = view_id
    return page


def _user(given: GrUserInfo | None, facts: dict[str, Any], payload: Payload, extra: Bag) -> None:
    user = given or _NO_USER
    odd: Bag = {} if user.rest is UNSET else dict(user.rest)
    facts["user_id"] = who = identity(user.userId)
    if who is None and user.userId is not None:
        odd["userId"] = user.userId
    facts["device"] = _device(user, payload, odd)
    if odd or (given is not None and who is None and given == type(given)()):
        extra["userInfo"] = odd


def _device(user: GrUserInfo, payload: Payload, odd: Bag) -> Device | None:
    """What a shopper's own request says of them stands in its head. Whoever passes it on has to write it into the document, and
    must no longer call it a direct request."""
    ip, agent = user.ipAddress, user.userAgent
    ip = None if ip is None else _text(ip, "ipAddress", odd)
    agent = None if agent is None else _text(agent, "userAgent", odd)
    if user.directUserRequest is not None:
        odd["directUserRequest"] = user.directUserRequest
    if user.directUserRequest or "userEvent" in payload.query:
        if payload.ip or payload.user_agent:
            odd.pop("directUserRequest", None)
        ip, agent = ip or payload.ip, agent or payload.user_agent
    return None if ip is None and agent is None else Device(ip=ip, user_agent=agent)


def _purchase(purchase: GrPurchase, facts: dict[str, Any], extra: Bag) -> None:
    odd: Bag = {} if purchase.rest is UNSET else dict(purchase.rest)
    facts["order_id"] = _text(purchase.id, "id", odd)
    facts["currency"] = _text(purchase.currencyCode, "currencyCode", odd)
    facts["grand_total"] = _number(purchase.revenue, "revenue", odd)
    facts["tax"] = _number(purchase.tax, "tax", odd)
    facts["cost"] = _number(purchase.cost, "cost", odd)
    if odd or purchase == type(purchase)():
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
    if detail.rest is not UNSET:
        odd.update(detail.rest)
        _seed_members(odd, attrs)
    quantity = amount(odd.get("quantity") if detail.quantity is None else detail.quantity)
    product = detail.product
    if product is None:
        return Item(quantity=quantity, attrs=attrs, extra=odd)
    of_product: Bag = {} if product.rest is UNSET else dict(product.rest)
    name, price = _text(product.id, "id", of_product), product.priceInfo
    currency, unit_price = (None, None) if price is None else _price(price, attrs, of_product)
    if of_product or (product.id is None and price is None):
        odd["product"] = of_product
    item = Item(id=name, quantity=quantity, unit_price=unit_price, currency=currency, attrs=attrs, extra=odd)
    return item if product.rest is UNSET else structs.replace(item, **_catalogue(product.rest))


def _price(price: GrPriceInfo, attrs: Bag, of_product: Bag) -> tuple[str | None, Decimal | None]:
    """The currency, and the price in it."""
    odd: Bag = {} if price.rest is UNSET else dict(price.rest)
    currency, unit_price = _text(price.currencyCode, "currencyCode", odd), _number(price.price, "price", odd)
    if price.originalPrice is not UNSET or price.cost is not UNSET:
        for name, ours in PRICES.items():
            value = _number(getattr(price, name), name, odd)
            if value is not None:
                attrs[ours] = value
    if odd or (unit_price is None and price == type(price)()):
        of_product["priceInfo"] = odd
    return currency, unit_price


def _catalogue(product: Bag) -> dict[str, str]:
    """What Google ignores here, because it knows its catalogue, others do not."""
    found = {field: read(product.get(name)) for field, name, read in _CATALOGUE}
    return {field: value for field, value in found.items() if value is not None}


def _first_text(value: Json) -> str | None:
    return text(cast(list[Json], value)[0]) if type(value) is list and value else None


_CATALOGUE: tuple[tuple[str, str, Callable[[Json], str | None]], ...] = (
    ("name", "title", text),
    ("brand", "brands", _first_text),
    ("category", "categories", _first_text),
    ("group_id", "primaryProductId", text),
)


def _seed_members(odd: Bag, attrs: Bag) -> None:
    """What the third-party document adds to a product."""
    for name, ours in SEED_DETAIL.items():
        if type(odd.get(name)) in (int, Decimal, str):
            attrs[ours] = odd.pop(name)
