"""One document of Moloco to one canonical event, field by field.

Values that a canonical field cannot give back as they were (a time as a text, an empty id, money without a currency) are set
aside for the vendor alone, at their own place: ``{"device": {"persistent_id": ""}}``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple, cast

from msgspec import UNSET, structs

from wye.event import CUSTOM, App, Device, Event, Item, Json, Origin, Page
from wye.wire import amount, derive_id, identity, sift
from wye_plugins.moloco.schema import CHANNELS_BY_NAME, TYPES, VENDOR, MoDevice, MoEvent, MoItem, MoMoney
from wye_plugins.moloco.times import time_of

_NO_DEVICE = Device()
_NO_PAGE = Page()
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


def event_of(record: MoEvent, tenant: str | None) -> Event:
    """The canonical event of a document that has a type and a time."""
    extra: dict[str, Json] = {} if record.rest is UNSET else dict(record.rest)
    name = cast(str, record.event_type)
    event_id = identity(record.id) or identity(extra.get("event_id")) or derive_id(VENDOR, record)
    visitor_id, device = _device(record.device, extra)
    time_ms, ns_rest = cast(tuple[int, int], time_of(record.timestamp))
    if record.timestamp == str(time_ms):
        extra["timestamp"] = record.timestamp
    # 15 keywords: with one more, or with a dictionary of them, the call takes three times as long.
    event = Event(
        id=event_id,
        type=TYPES.get(name) or CUSTOM + name,
        time_ms=time_ms,
        time_ns_rest=ns_rest,
        origin=Origin(vendor=VENDOR, tenant=tenant),
        user_id=_who(record.user_id, "user_id", extra),
        visitor_id=visitor_id,
        session_id=_session(record, extra),
        items=_items(record, extra),
        search_query=_text(record.search_query, "search_query", extra),
        page=_page(record, extra),
        channel=_channel(record.channel_type, extra),
        device=device,
        app=_app(record, extra),
        extra=extra,
    )
    facts = _totals(record, extra)
    if record.decision_track_id is not None:
        facts["attribution"] = _text(record.decision_track_id, "decision_track_id", extra)
    return structs.replace(event, **facts) if facts else event


def _text(value: str | None, name: str, extra: dict[str, Json]) -> str | None:
    """A text with something in it."""
    if value == "":
        extra[name] = ""
    return value or None


def _channel(value: str | None, extra: dict[str, Json]) -> str | None:
    channel = None if value is None else CHANNELS_BY_NAME.get(value)
    if channel is None and value is not None:
        extra["channel_type"] = value
    return channel


def _page(record: MoEvent, extra: dict[str, Json]) -> Page | None:
    page = Page(id=_text(record.page_id, "page_id", extra), referrer=_text(record.referrer_page_id, "referrer_page_id", extra))
    return None if page == _NO_PAGE else page


def _app(record: MoEvent, extra: dict[str, Json]) -> App | None:
    domain = _text(record.domain, "domain", extra)
    return None if domain is None else App(host=domain)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def who(value: Json) -> str | None:
    """Whom an id names; the words that the vendor refuses, among others, name nobody."""
    found = identity(value)
    return None if found is not None and found.strip().lower() == "invalid" else found


def _who(value: str | None, name: str, extra: dict[str, Json]) -> str | None:
    found = who(value)
    if found is None and value is not None:
        extra[name] = value
    return found


def _session(record: MoEvent, extra: dict[str, Json]) -> str | None:
    """``session_id``, or the ``custom_id`` that took its place; where there are both, the vendor gets both back."""
    session = _who(record.session_id, "session_id", extra)
    if record.custom_id is None:
        return session
    extra["custom_id"] = record.custom_id
    if session is not None:
        extra["session_id"] = session
    return session or who(record.custom_id)


def _device(device: MoDevice | None, extra: dict[str, Json]) -> tuple[str | None, Device | None]:
    """The visitor, and what the visit was made on. The visitor is ``persistent_id``, or the ``unique_device_id`` before it."""
    if device is None:
        return None, None
    odd: dict[str, Json] = {} if device.rest is UNSET else dict(device.rest)
    visitor_id = _who(device.persistent_id, "persistent_id", odd)
    device_id = _who(device.unique_device_id, "unique_device_id", odd)
    if visitor_id is None and device_id is not None:
        odd["unique_device_id"] = visitor_id = device_id
        device_id = None
    found = Device(
        id=device_id,
        os=_text(device.os, "os", odd),
        os_version=_text(device.os_version, "os_version", odd),
        advertising_id=_who(device.advertising_id, "advertising_id", odd),
        model=_text(device.model, "model", odd),
        user_agent=_text(device.ua, "ua", odd),
        language=_text(device.language, "language", odd),
        ip=_text(device.ip, "ip", odd),
    )
    if odd or device == _EMPTY:
        extra["device"] = odd
    return visitor_id, None if found == _NO_DEVICE else found


_EMPTY = MoDevice()


# ── money and items ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Sum(NamedTuple):
    amount: Decimal | None
    currency: str | None
    plain: bool
    """Whether amount and currency say all of it."""


def _sum(money: MoMoney) -> _Sum:
    """What can be read of it; ``UNKNOWN_CURRENCY`` is none."""
    value = money.amount
    number = None if value is UNSET else amount(value)
    code = money.currency if money.currency is not None and _CODE.fullmatch(money.currency) else None
    plain = number is not None and code is not None and type(value) is not str and money.rest is UNSET
    return _Sum(number, code, plain)


def _raw(money: MoMoney) -> dict[str, Json]:
    raw: dict[str, Json] = {} if money.rest is UNSET else dict(money.rest)
    if money.currency is not None:
        raw["currency"] = money.currency
    if money.amount is not UNSET:
        raw["amount"] = money.amount
    return raw


def _totals(record: MoEvent, extra: dict[str, Json]) -> dict[str, Any]:
    """Goods and shipping in the event's one currency, which is that of the goods where there are any."""
    totals: dict[str, Any] = {}
    if record.revenue is not None:
        goods = _sum(record.revenue)
        totals = {"goods_total": goods.amount, "currency": goods.currency}
        if not goods.plain:
            extra["revenue"] = _raw(record.revenue)
    if record.shipping_charge is None:
        return totals
    shipping = _sum(record.shipping_charge)
    fits = shipping.currency == totals["currency"] if totals else "revenue" not in extra
    if not shipping.plain or not fits:
        extra["shipping_charge"] = _raw(record.shipping_charge)
        return totals
    return totals | {"shipping": shipping.amount, "currency": shipping.currency}


def _items(record: MoEvent, extra: dict[str, Json]) -> tuple[Item, ...] | None:
    """The items; of an array that has something else in it too, those that are items."""
    if record.items is not None:
        return tuple([_item(item) for item in record.items])
    members = extra.get("items")
    if not isinstance(members, list):
        return None
    return tuple([_item(sift(member, MoItem)) for member in cast(list[Json], members) if isinstance(member, dict)])


def _item(item: MoItem) -> Item:
    odd: dict[str, Json] = {} if item.rest is UNSET else dict(item.rest)
    price, currency = amount(odd.get("price")), None
    if item.price is not None:
        price, currency, plain = _sum(item.price)
        if not plain:
            odd["price"] = _raw(item.price)
    quantity = None if item.quantity is UNSET else amount(item.quantity)
    if item.quantity is not UNSET and (quantity is None or type(item.quantity) is str):
        odd["quantity"] = item.quantity
    return Item(
        id=_text(item.id, "id", odd),
        quantity=quantity,
        unit_price=price,
        currency=currency,
        group_id=_text(item.item_group_id, "item_group_id", odd),
        seller_id=_text(item.seller_id, "seller_id", odd),
        extra=odd,
    )
