"""Which attributes and members are canonical fields, and what those are called that have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, cast

from msgspec import Struct

from wye.event import Event, Json
from wye.values import amount, channel
from wye.wire import parse
from wye_plugins.google_retail.attributes import Bag, joined, read_value, write_value
from wye_plugins.google_retail.schema import MAX_TEXT, VENDOR


class Slot(Struct, frozen=True):
    """The attribute of a canonical field that has no member, or none in this type of event. ``read`` gives ``None`` for a value
    that is none."""

    field: str
    read: Callable[[Json], Any]
    of_page: bool = False


def text(value: Json) -> str | None:
    """A text with something in it."""
    found = joined(value)
    return found or None


def texts(value: Json) -> tuple[str, ...] | None:
    """One text or several. A text longer than an attribute's is the JSON of such as could not stand in it one by one."""
    if type(value) is str and len(value) > MAX_TEXT:
        try:
            value = parse(value.encode())
        except ValueError:
            return (value,)
    values = cast(Sequence[Json], value) if type(value) is list else (value,)
    return tuple(cast(Sequence[str], values)) if all(type(one) is str and one for one in values) else None


SLOTS: dict[str, Slot] = {
    "brand": Slot("brand", text),
    "channel": Slot("channel", channel),
    "page_id": Slot("id", text, of_page=True),
    "page_title": Slot("title", text, of_page=True),
    "goods_total": Slot("goods_total", amount),
    "grand_total": Slot("grand_total", amount),
    "shipping": Slot("shipping", amount),
    "tax": Slot("tax", amount),
    "cost": Slot("cost", amount),
    "currency": Slot("currency", text),
    "order_id": Slot("order_id", text),
    "cart_id": Slot("cart_id", text),
    "search_query": Slot("search_query", text),
    "categories": Slot("categories", texts),
}
PURCHASE: dict[str, str] = {
    "order_id": "id",
    "grand_total": "revenue",
    "tax": "tax",
    "cost": "cost",
    "currency": "currencyCode",
}
"""Canonical fields that are members of a purchase, in the events that have one."""

_AMOUNTS = frozenset(name for name, slot in SLOTS.items() if slot.read is amount)


def write_slot(name: str, value: Json) -> Bag | None:
    """The attribute of this name for a value. Money is a number where a 64-bit float holds it exactly, otherwise a text."""
    if name in _AMOUNTS and type(value) is Decimal and Decimal(repr(float(value))) != value:
        return {"text": [format(value, "f")]}
    return write_value(list(cast(tuple[str, ...], value)) if type(value) is tuple else value)


def survives(name: str, value: Json) -> bool:
    """Whether the attribute of this name gives the value back."""
    found: Json = SLOTS[name].read(read_value(write_slot(name, value)))
    return found == (tuple(cast(list[Json], value)) if type(value) is list else value)


def is_carried(event: Event, name: str, values: Bag) -> bool:
    """Whether a member that must not be here is left for the encoder to carry, because attributes cannot say all of it."""
    if event.origin.vendor != VENDOR:
        return False
    return name in event.extra or not all(survives(ours, value) for ours, value in values.items())


EVENT_ID = "event_id"
"""The attribute that holds an event's id: Google has no member for it."""

FIELDS: dict[str, str] = {
    "experimentIds": "experiment_ids",
    "filter": "search_filter",
    "orderBy": "search_order_by",
    "offset": "search_offset",
    "entity": "site_entity",
}
"""Members that have no canonical field, and what they are called in the event's bag."""

COMPLETION: dict[str, str] = {
    "completionAttributionToken": "completion_token",
    "selectedSuggestion": "completion_suggestion",
    "selectedPosition": "completion_position",
}
"""The same for the members of ``completionDetail``."""

PRICES: dict[str, str] = {"originalPrice": "original_price", "cost": "cost"}
"""The same for the members of ``priceInfo``, in the item's bag."""

SEED_DETAIL: dict[str, str] = {"rating": "rating", "promotionId": "promotion_id"}
"""The same for what the third-party document adds to a product."""

MEMBERS: dict[str, tuple[str, ...]] = {
    "cart_id": ("cartId",),
    "search_query": ("searchQuery",),
    "categories": ("pageCategories",),
    **{ours: ("purchaseTransaction", name) for ours, name in PURCHASE.items()},
    **{ours: (name,) for name, ours in FIELDS.items()},
    **{ours: ("completionDetail", name) for name, ours in COMPLETION.items()},
}
"""The attributes of what has a member too, and where that is."""
