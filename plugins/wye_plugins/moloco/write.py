"""One canonical event to one document of Moloco, field by field: the way back from ``read``.

An event that came as Moloco goes out as it came. For one from elsewhere: a page without an id is known by its URL, else by its
title, else by the category or brand that it shows; a price in a currency that the vendor does not have, or in none, and a
quantity that is no whole number are left out; an order without a total gets the sum of its lines, where each of them says its
price and its quantity in the same currency. Names and categories of items, order ids, taxes and attributes have no place.
"""

from __future__ import annotations

import re
from collections.abc import Container
from decimal import Decimal
from typing import cast

from wye.event import Device, Event, Item, Json, Page
from wye.money import is_amount, total
from wye.wire import overlay
from wye_plugins.moloco.read import who
from wye_plugins.moloco.schema import CHANNELS, CURRENCIES, INT32, NAMES, VENDOR

_NO_DEVICE = Device()
_NO_PAGE = Page()
_APP_PLATFORMS = frozenset(("android", "ios"))
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_].*)?", re.ASCII)

Over = dict[str, Json]


def document_of(event: Event, channel_type: str) -> Over:
    """The document of an event whose type the vendor has. ``channel_type`` is for one that does not say where it happened."""
    if event.origin.vendor != VENDOR:
        return _foreign(event, channel_type)
    return overlay(_own(event, channel_type), event.extra) if event.extra else _own(event, channel_type)


def _put(bag: Over, **values: Json) -> None:
    for name, value in values.items():
        if value is not None:
            bag[name] = value


# ── from this vendor ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _own(event: Event, channel_type: str) -> Over:
    over = event.extra
    document: Over = {
        "id": event.id,
        "event_type": NAMES[event.type],
        "timestamp": event.time_ms,
        "channel_type": channel_type if event.channel is None else CHANNELS[event.channel],
    }
    _put(
        document,
        user_id=event.user_id,
        session_id=None if who(over.get("custom_id")) is not None else event.session_id,
        device=_own_device(event, over.get("device")),
        items=None if event.items is None else [_own_item(item) for item in event.items],
        revenue=None if "revenue" in over else _money(event.goods_total, event.currency),
        shipping_charge=None if "shipping_charge" in over else _money(event.shipping, event.currency),
    )
    _put_context(document, event, None if event.page is None else event.page.id)
    return document


def _own_device(event: Event, over: Json) -> Over | None:
    """The visitor is a ``persistent_id``, unless a ``unique_device_id`` that nothing else gives back stands for one."""
    odd = cast(Over, over) if isinstance(over, dict) else {}
    visitor_id = event.visitor_id if who(odd.get("unique_device_id")) is None else None
    device = event.device or _NO_DEVICE
    return _device(device, visitor_id, device.os, device.language) or None


def _own_item(item: Item) -> Over:
    line: Over = {}
    price = None if "price" in item.extra else _money(item.unit_price, item.currency)
    _put(line, id=item.id, price=price, quantity=item.quantity, item_group_id=item.group_id, seller_id=item.seller_id)
    return overlay(line, item.extra) if item.extra else line


# ── from elsewhere ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _foreign(event: Event, channel_type: str) -> Over:
    device = event.device or _NO_DEVICE
    on_app = device.platform is not None and device.platform.lower() in _APP_PLATFORMS
    channel = event.channel or ("app" if on_app else None)
    document: Over = {
        "id": event.id,
        "event_type": NAMES[event.type],
        "timestamp": str(event.time_ms),
        "channel_type": channel_type if channel is None else CHANNELS.get(channel, channel_type),
    }
    nobody_else = event.user_id is None and event.visitor_id is None
    os = device.os or (device.platform if on_app else None)
    _put(
        document,
        user_id=event.user_id,
        session_id=event.session_id,
        custom_id=event.session_id if nobody_else else None,
        device=_device(device, event.visitor_id, os, _alpha_2(device.language)) or None,
        items=_items(event),
        revenue=_goods_total(event),
        shipping_charge=_money(event.shipping, event.currency, CURRENCIES),
    )
    _put_context(document, event, _page_id(event))
    return document


def _alpha_2(language: str | None) -> str | None:
    match = None if language is None else _LANGUAGE.fullmatch(language)
    return None if match is None else match[1].lower()


def _page_id(event: Event) -> str | None:
    page = event.page or _NO_PAGE
    named = page.id or page.url or page.title
    if named or event.type != "page_view":
        return named
    if event.categories:
        return f"category/{event.categories[0]}"
    return None if event.brand is None else f"brand/{event.brand}"


def _items(event: Event) -> list[Over] | None:
    if event.items is None or event.item_ids_are not in ("product", "reference"):
        return None
    return [_item(item, event.currency) for item in event.items]


def _item(item: Item, currency: str | None) -> Over:
    line: Over = {}
    _put(
        line,
        id=item.id,
        price=_money(item.unit_price, item.currency or currency, CURRENCIES),
        quantity=_whole(item.quantity),
        item_group_id=item.group_id,
        seller_id=item.seller_id,
    )
    return line


def _whole(quantity: Decimal | None) -> int | None:
    if quantity is None or not is_amount(quantity) or quantity != quantity.to_integral_value():
        return None
    return int(quantity) if int(quantity) in INT32 else None


def _goods_total(event: Event) -> Over | None:
    if event.goods_total is not None or event.type != "purchase":
        return _money(event.goods_total, event.currency, CURRENCIES)
    lines: list[tuple[Decimal, Decimal]] = []
    currencies: set[str | None] = set()
    for item in event.items or ():
        if item.unit_price is None or item.quantity is None:
            return None
        lines.append((item.unit_price, item.quantity))
        currencies.add(item.currency or event.currency)
    return _money(total(lines), currencies.pop(), CURRENCIES) if len(currencies) == 1 else None


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _money(amount: Decimal | None, currency: str | None, known: Container[str] | None = None) -> Over | None:
    """An amount with its currency, or nothing: the vendor knows neither without the other."""
    if amount is None or currency is None or (known is not None and currency not in known) or not is_amount(amount):
        return None
    return {"currency": currency, "amount": amount}


def _device(device: Device, visitor_id: str | None, os: str | None, language: str | None) -> Over:
    found: Over = {}
    _put(
        found,
        os=os,
        os_version=device.os_version,
        advertising_id=device.advertising_id,
        unique_device_id=device.id,
        persistent_id=visitor_id,
        model=device.model,
        ua=device.user_agent,
        language=language,
        ip=device.ip,
    )
    return found


def _put_context(document: Over, event: Event, page_id: str | None) -> None:
    _put(
        document,
        search_query=event.search_query,
        page_id=page_id,
        referrer_page_id=None if event.page is None else event.page.referrer,
        decision_track_id=event.attribution,
        domain=None if event.app is None else event.app.host,
    )
