"""What each vendor's own documents ask of an event: the judge of what wye writes. It knows nothing of wye's encoders.

Google's judge is Google's parser, with the rules of UserEvent's documentation. Moloco's is the schema of its OpenAPI document
with the rules of its error messages; Reelevant's the envelope of its reference page; Clickstream's the four members that its
HTTP API requires, its rule for names and its types; RichRelevance's the common fields and the eight types of its page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import msgspec
from google.protobuf import json_format
from msgspec import Meta, Struct

from plugins.google_retail.retail_kit import judge
from samples.payloads import exact

Bag = dict[str, Any]

VENDORS = ("richrelevance", "moloco", "reelevant", "clickstream", "google-retail")


def faults(vendor: str, line: bytes) -> list[str]:
    """What the vendor would find wrong with the document on this line; nothing when it would take it."""
    return list(_JUDGES[vendor](line))


# ── RichRelevance ────────────────────────────────────────────────────────────────────────────────────────────────────────

_SUBJECTS: dict[str, tuple[str, type]] = {
    "itemView": ("viewedItem", str),
    "referredFromSite": ("referrerUrl", str),
    "brandView": ("viewedBrand", str),
    "categoryView": ("viewedCategory", str),
    "itemClick": ("clickProductId", str),
    "addedToCart": ("addedToCartItems", list),
    "order": ("orders", list),
    "search": ("searchTerm", str),
}


def _richrelevance(line: bytes) -> Iterator[str]:
    event = cast(Bag, exact(line))
    yield from (
        f"{name}: {event.get(name)!r}" for name in ("apiKey", "userId", "sessionId") if type(event.get(name)) is not str
    )
    if type(event.get("eventTime")) is not int:
        yield "eventTime"
    if event.get("eventType") not in _SUBJECTS:
        yield f"eventType: {event.get('eventType')!r}"
        return
    member, kind = _SUBJECTS[event["eventType"]]
    if type(event.get(member)) is not kind or event[member] == "":
        yield f"{member}: {event.get(member)!r}"
        return
    yield from (f"{name} at {event['eventType']}" for name, _ in _SUBJECTS.values() if name in event and name != member)
    for row in cast(list[Bag], event[member]) if kind is list else ():
        if type(row.get("itemId")) is not str:
            yield f"itemId: {row}"
        yield from (f"{name}: {row}" for name in ("priceCents", "quantity") if type(row.get(name, 0)) is not int)


# ── Moloco ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

_Id = Annotated[str, Meta(max_length=128)]
_Int32 = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
_Currency = Literal[
    "UNKNOWN_CURRENCY", "USD", "KRW", "JPY", "EUR", "GBP", "SEK", "INR", "THB", "IDR", "CNY", "CAD", "RUB", "BRL",
    "SGD", "HKD", "AUD", "PLN", "DKK", "VND", "MYR", "PHP", "TRY", "VES", "AED", "CHF",
]  # fmt: skip


class _Money(Struct):
    currency: _Currency
    amount: float


class _MolocoItem(Struct):
    id: str = ""
    item_group_id: str = ""
    seller_id: str = ""
    price: _Money | None = None
    price_seller: _Money | None = None
    quantity: _Int32 = 0


class _MolocoDevice(Struct):
    os: str = ""
    os_version: str = ""
    advertising_id: str = ""
    unique_device_id: _Id = ""
    persistent_id: _Id = ""
    model: str = ""
    ua: str = ""
    language: str = ""


class _MolocoEvent(Struct):
    event_type: Literal["HOME", "LAND", "PAGE_VIEW", "SEARCH", "ITEM_PAGE_VIEW", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE"]
    timestamp: int | Annotated[str, Meta(pattern=r"^\d+$")]
    channel_type: Literal["APP", "SITE", "DESKTOP_SITE", "MOBILE_SITE"]
    id: _Id = ""
    domain: str = ""
    user_id: _Id = ""
    session_id: _Id = ""
    custom_id: _Id = ""
    device: _MolocoDevice | None = None
    items: list[_MolocoItem] = []
    revenue: _Money | None = None
    search_query: str = ""
    page_id: str = ""
    referrer_page_id: str = ""
    shipping_charge: _Money | None = None
    decision_track_id: str = ""
    personalization_mode: Literal["STANDARD", "METRIC_ONLY", "ID_LESS"] | None = None


_REFUSED_WORDS = {"null", "undefined", "invalid", "nil"}


def _moloco(line: bytes) -> Iterator[str]:
    try:
        event = msgspec.json.decode(line, type=_MolocoEvent)
    except msgspec.ValidationError as error:
        yield str(error)
        return
    device = event.device or _MolocoDevice()
    persons = (event.user_id, event.session_id, event.custom_id, device.persistent_id, device.unique_device_id)
    checks = {
        "milliseconds": 10**11 <= int(event.timestamp) < 10**14,
        "a usable identifier": any((*persons, device.advertising_id)),
        "no refused word": not {person.lower() for person in persons} & _REFUSED_WORDS,
        "page_id": event.event_type != "PAGE_VIEW" or event.page_id,
        "search_query": event.event_type != "SEARCH" or event.search_query,
        "items": event.event_type in ("HOME", "LAND", "PAGE_VIEW", "SEARCH") or event.items,
        "id or item_group_id": all(item.id or item.item_group_id for item in event.items),
        "device.os": event.channel_type != "APP" or re.search("ios|android", device.os, re.IGNORECASE),
    }
    yield from (name for name, kept in checks.items() if not kept)


# ── Reelevant ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_PLACEHOLDERS = {
    "undefined", "null", "unknown", "inconnu", "0", "-1", "NaN", "ko", "true", "false", "Infinity", "-Infinity", "{}", "[]", "",
}  # fmt: skip
_ABOUT_IDS = {"product_page", "product_hover", "category_view", "brand_view", "add_cart", "purchase", "purchase_references"}


def _reelevant(line: bytes) -> Iterator[str]:
    event = cast(Bag, exact(line))
    for name in ("key", "tmpId", "eventId", "name", "url"):
        if type(event.get(name)) is not str or not event[name]:
            yield f"{name}: {event.get(name)!r}"
    if event.get("v") != 1:
        yield f"v: {event.get('v')!r}"
    if type(event.get("timestamp")) not in (int, Decimal):
        yield "timestamp"
    if event.get("tmpId") in _PLACEHOLDERS or event.get("clientId") in _PLACEHOLDERS:
        yield "tmpId or clientId is a placeholder"
    if {"?", "#"} & {*str(event.get("url"))}:
        yield f"url: {event['url']}"
    yield from _labels(event) if type(event.get("data")) is dict else ("data",)


def _labels(event: Bag) -> Iterator[str]:
    data = cast(Bag, event["data"])
    ids = data.get("ids", [])
    if type(ids) is not list or any(type(one) is not str or one in _PLACEHOLDERS for one in cast(list[Any], ids)):
        yield f"ids: {ids!r}"
    if event["name"] in _ABOUT_IDS and ids == [] and "ids" in data:
        yield f"ids is empty for {event['name']}"
    if type(data.get("value", 0)) not in (int, Decimal):
        yield f"value: {data['value']!r}"
    yield from (f"{name}: {value!r}" for name, value in data.items() if name not in ("ids", "value") and type(value) is not str)


# ── Clickstream ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_NAME = re.compile(r"(?!\d)[0-9a-zA-Z_]{1,50}", re.ASCII)
_TEXTS = (
    "platform", "os_version", "unique_id", "device_id", "make", "brand", "model", "carrier", "network_type", "locale",
    "system_language", "country_code", "sdk_version", "sdk_name", "app_package_name", "app_version", "app_title",
    "host_name", "event_value_currency",
)  # fmt: skip
_WHOLES = ("zone_offset", "screen_height", "screen_width", "viewport_height", "viewport_width")


def _clickstream(line: bytes) -> Iterator[str]:
    event = cast(Bag, exact(line))
    for name in ("event_type", "event_id", "app_id"):
        if type(event.get(name)) is not str or not event[name]:
            yield f"{name}: {event.get(name)!r}"
    if not _NAME.fullmatch(str(event.get("event_type"))):
        yield f"event_type: {event.get('event_type')!r}"
    if type(event.get("timestamp")) is not int:
        yield "timestamp"
    yield from (f"{name}: {event[name]!r}" for name in _TEXTS if type(event.get(name, "")) is not str)
    yield from (f"{name}: {event[name]!r}" for name in _WHOLES if type(event.get(name, 0)) is not int)
    if type(event.get("event_value", 0)) not in (int, Decimal):
        yield "event_value"
    attributes, user, items = event.get("attributes", {}), event.get("user", {}), event.get("items", [])
    if len(attributes) > 500 or len(user) > 100 or len(items) > 100:
        yield "too many attributes, facts about the user or items"
    yield from (f"name: {name}" for name in (*attributes, *user) if not _NAME.fullmatch(name))
    yield from (f"user.{name}: {fact!r}" for name, fact in user.items() if type(fact) is not dict or "value" not in fact)
    yield from (f"attributes.{name}: {value!r}" for name, value in attributes.items() if not _is_scalar(value))
    yield from (f"items: {item!r}" for item in cast(list[Bag], items) if not item.get("id"))


def _is_scalar(value: Any) -> bool:
    return type(value) in (int, Decimal, bool) or (type(value) is str and len(value) <= 1024)


# ── Google Retail ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _google_retail(line: bytes) -> Iterator[str]:
    try:
        judge(line)
    except (json_format.ParseError, AssertionError) as error:
        yield str(error)


_JUDGES: dict[str, Callable[[bytes], Iterator[str]]] = {
    "richrelevance": _richrelevance,
    "moloco": _moloco,
    "reelevant": _reelevant,
    "clickstream": _clickstream,
    "google-retail": _google_retail,
}
