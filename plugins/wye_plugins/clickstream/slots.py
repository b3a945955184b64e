"""Which attributes of a document are canonical facts, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec
from msgspec import Struct

from wye.event import Json
from wye.records import TOO_DEEP
from wye.values import amount, channel, identity, text
from wye.wire import BAGS, MAX_DEPTH, too_deep
from wye_plugins.clickstream.schema import COMMERCE

_texts = msgspec.json.Decoder(list[str])


def bear(value: Json, depth: int) -> None:
    """Raises ``ValueError`` where ``value``, which lies so deep in a bag of the document, is nested too deeply."""
    if type(value) in BAGS and too_deep(value, MAX_DEPTH - depth):
        raise ValueError(TOO_DEEP)


class Slot(Struct, frozen=True):
    """Where an attribute's value belongs: a field of the event or of its page, and what reads it."""

    field: str
    read: Callable[[Json], Any]
    of_page: bool = False


def _category(value: Json) -> tuple[str, ...] | None:
    return (value,) if type(value) is str and value else None


def _categories(value: Json) -> tuple[str, ...] | None:
    """From the text that wye writes, or from a list, which some sender may think of."""
    if type(value) is str and value.startswith("["):
        try:
            return tuple(_texts.decode(value)) or None
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    if type(value) is not list or not value or any(type(each) is not str for each in cast(list[Json], value)):
        return None
    return tuple(cast(list[str], value))


def categories_text(categories: Sequence[str]) -> str:
    """Several categories as one attribute: a JSON text, since the vendor's attributes are texts, numbers and booleans."""
    return msgspec.json.encode(categories).decode()


def is_as_written(value: Json, read: Json) -> bool:
    """Whether the encoder writes ``value`` again where ``read`` is what the event has of it."""
    if type(read) is Decimal:
        return type(value) is not str
    if type(read) is tuple:
        return type(value) is str and (value[:1] != "[" or value == categories_text(cast(tuple[str, ...], read)))
    return True


COMMON: dict[str, Slot] = {
    "_session_id": Slot("session_id", identity),
    "_search_term": Slot("search_query", text),
    "_page_url": Slot("url", text, of_page=True),
    "_page_title": Slot("title", text, of_page=True),
    "_page_referrer": Slot("referrer", text, of_page=True),
    "_screen_id": Slot("id", text, of_page=True),
    "page_view_id": Slot("view_id", text, of_page=True),
    "currency": Slot("currency", text),
    "goods_total": Slot("goods_total", amount),
    "order_id": Slot("order_id", text),
    "cart_id": Slot("cart_id", text),
    "attribution_token": Slot("attribution", text),
    "channel": Slot("channel", channel),
    "categories": Slot("categories", _categories),
}
MONEY: dict[str, Slot] = {
    "value": Slot("goods_total", amount),
    "grand_total": Slot("grand_total", amount),
    "shipping": Slot("shipping", amount),
    "tax": Slot("tax", amount),
    "cost": Slot("cost", amount),
}
BRAND = {"brand": Slot("brand", text)}
CATEGORY = {"category": Slot("categories", _category)}
LANDING = {"_latest_referrer": Slot("referrer", text, of_page=True)}


def _without(slots: dict[str, Slot], name: str) -> dict[str, Slot]:
    return {each: slot for each, slot in slots.items() if each != name}


SLOTS: dict[str, dict[str, Slot]] = {
    **dict.fromkeys(COMMERCE, _without(COMMON, "goods_total") | MONEY),
    "brand_view": COMMON | BRAND,
    # No two attributes of a type may claim the same field; the one that is no slot stays in the bag.
    "category_view": _without(COMMON, "categories") | CATEGORY,
    "landing": _without(COMMON, "_page_referrer") | LANDING,
}
"""The attributes that have a canonical field, for each type; ``COMMON`` where a type is not among them."""
