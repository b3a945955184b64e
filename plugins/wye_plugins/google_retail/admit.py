"""What only Google's own documents hold, laid over a document: as it came, or as far as Google's API takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias, cast

from wye.event import Json
from wye.wire import overlay
from wye_plugins.google_retail.attributes import Bag, is_attribute
from wye_plugins.google_retail.numbers import fits, is_int32, number_of
from wye_plugins.google_retail.rules import is_set
from wye_plugins.google_retail.times import parse_time

Check = Callable[[Json], bool]
Members: TypeAlias = "Mapping[str, Check | Members]"
"""The members of a message: what Google's parser takes for each, or the members of the message that it is."""


def admit(document: Bag, extra: Bag, members: Members) -> Bag:
    """Lay ``extra`` over ``document`` as far as Google takes it; returns the rest, each part at its own place."""
    refused: Bag = {}
    for name, value in extra.items():
        known = members.get(name)
        if known is None:
            refused[name] = value
        elif not callable(known):
            _admit_message(document, name, value, known, refused)
        elif value is None or known(value):
            document[name] = value
        else:
            refused[name] = value
    return refused


def _admit_message(document: Bag, name: str, value: Json, members: Members, refused: Bag) -> None:
    if value is None:
        document.setdefault(name, None)
    elif type(value) is not dict:
        refused[name] = value
    else:
        below = document.get(name)
        inner: Bag = cast(Bag, below) if type(below) is dict else {}
        left = admit(inner, cast(Bag, value), members)
        if inner or not left:
            document[name] = inner
        if left:
            refused[name] = left


def close(document: Bag, refused: Bag, closed: frozenset[str]) -> None:
    """Move from ``document`` to ``refused`` what must not be there unless it is empty."""
    for name in closed:
        value = document.get(name)
        if is_set(value):
            del document[name]
            part = refused.get(name)
            refused[name] = overlay(cast(Bag, value), cast(Bag, part)) if type(value) is dict and type(part) is dict else value


def admit_attributes(document: Bag, extra: Json) -> Json:
    """The same for custom attributes, whose names are free; returns what is refused, or ``None``."""
    if type(extra) is not dict:
        if extra is None:
            document.setdefault("attributes", None)
        return extra
    attributes: Bag = document.setdefault("attributes", {})
    refused: Bag = {}
    for name, attribute in cast(Bag, extra).items():
        (attributes if is_attribute(name, attribute) else refused)[name] = attribute
    return refused or None


# ── what the parser takes ────────────────────────────────────────────────────────────────────────────────────────────────


def _text(value: Json) -> bool:
    return type(value) is str


def _texts(value: Json) -> bool:
    return type(value) is list and all(type(one) is str for one in cast(list[Json], value))


def _flag(value: Json) -> bool:
    return type(value) is bool


def _float32(value: Json) -> bool:
    number = number_of(value)
    return number is not None and fits(number)


def _from_zero(value: Json) -> bool:
    return is_int32(value) and Decimal(value) >= 0


def _time(value: Json) -> bool:
    return type(value) is str and parse_time(value) is not None


def _empty(value: Json) -> bool:
    """Whatever is more than an empty list would have been read, or is no list."""
    return value == []


_PRICE: Members = {
    "currencyCode": _text,
    "price": _float32,
    "originalPrice": _float32,
    "cost": _float32,
    "priceEffectiveTime": _time,
    "priceExpireTime": _time,
}
_PRODUCT: Members = {
    "priceInfo": _PRICE,
    **dict.fromkeys(("name", "id", "primaryProductId", "gtin", "title", "description", "languageCode", "uri"), _text),
    **dict.fromkeys(
        ("collectionMemberIds", "categories", "brands", "tags", "sizes", "materials", "patterns", "conditions"), _texts
    ),
    **dict.fromkeys(("availableTime", "publishTime"), _time),
    "availableQuantity": is_int32,
}
DETAIL: Members = {"product": _PRODUCT, "quantity": is_int32}
EVENT: Members = {
    **dict.fromkeys(("eventType", "visitorId", "sessionId", "attributionToken", "cartId", "searchQuery", "filter"), _text),
    **dict.fromkeys(("orderBy", "uri", "referrerUri", "pageViewId", "entity"), _text),
    "eventTime": _time,
    **dict.fromkeys(("experimentIds", "pageCategories"), _texts),
    "offset": _from_zero,
    "productDetails": _empty,
    "completionDetail": {"completionAttributionToken": _text, "selectedSuggestion": _text, "selectedPosition": _from_zero},
    "purchaseTransaction": {"id": _text, "revenue": _float32, "tax": _float32, "cost": _float32, "currencyCode": _text},
    "userInfo": {"userId": _text, "ipAddress": _text, "userAgent": _text, "directUserRequest": _flag},
}
