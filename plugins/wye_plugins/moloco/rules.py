"""What the vendor's server refuses with 400, by the rules that it documents.

One list for both directions: the endpoint refuses by it what comes in, the encoder never lets out what breaks it. Where the
vendor documents no rule, there is none: money that cannot be read, for one, is no price, and no reason to refuse the event.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import cast

from wye.event import Json
from wye_plugins.moloco.schema import CHANNELS_BY_NAME, MAX_CHARACTERS, MAX_DEVICE_CHARACTERS, TYPES
from wye_plugins.moloco.times import is_milliseconds

Document = Mapping[str, Json]

_NO_DEVICE: Document = {}

_REFUSED = frozenset(("", "null", "undefined", "invalid", "nil"))
_NO_ADVERTISER = "00000000-0000-0000-0000-000000000000"
_ITEM_TYPES = frozenset(("ITEM_PAGE_VIEW", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE"))


def broken_rule(document: Document) -> str | None:
    """The first rule that ``document`` breaks, in words; ``None`` where the vendor takes it.

    Whether the time lies in the future is not asked: that takes a clock.
    """
    device: Document = cast(Document, document["device"]) if isinstance(document.get("device"), dict) else _NO_DEVICE
    if not _is_word(document.get("event_type"), TYPES):
        return "event_type is not supported"
    if not is_milliseconds(document.get("timestamp")):
        return "timestamp is not in milliseconds"
    if not _is_word(document.get("channel_type"), CHANNELS_BY_NAME):
        return "channel_type is not supported"
    too_long = next(_too_long(document, device), None)
    if too_long is not None:
        return too_long
    if not _is_somebody(document, device):
        return "user_id, device.persistent_id and custom_id are empty"
    if document["channel_type"] == "APP" and not _is_app(device.get("os")):
        return "device.os has neither ios nor android"
    rule = _BY_TYPE.get(document["event_type"])
    return None if rule is None else rule(document)


def _is_word(value: Json, words: Container[str]) -> bool:
    return type(value) is str and value in words


def _too_long(document: Document, device: Document) -> Iterator[str]:
    for bag, limits, prefix in ((document, MAX_CHARACTERS, ""), (device, MAX_DEVICE_CHARACTERS, "device.")):
        for name, most in limits.items():
            value = bag.get(name)
            if type(value) is str and len(value) > most:
                yield f"{prefix}{name} is longer than {most} characters"


def _is_somebody(document: Document, device: Document) -> bool:
    """Any of the identifiers that the vendor names, now or in its first guide. ``ID_LESS`` says that there shall be none."""
    return (
        _names(document.get("user_id"))
        or _names(device.get("persistent_id"))
        or _names(document.get("custom_id"))
        or _names(document.get("session_id"))
        or _names(device.get("unique_device_id"))
        or (_names(device.get("advertising_id")) and device["advertising_id"] != _NO_ADVERTISER)
        or document.get("personalization_mode") == "ID_LESS"
    )


def _names(value: Json) -> bool:
    return type(value) is str and value.strip().lower() not in _REFUSED


def _is_app(os: Json) -> bool:
    return type(os) is str and ("ios" in os.lower() or "android" in os.lower())


def _has_text(name: str) -> Callable[[Document], str | None]:
    return lambda document: None if document.get(name) else f"{name} is empty"


def _has_items(document: Document) -> str | None:
    items = document.get("items")
    if not isinstance(items, list) or not items:
        return "items is empty"
    if all(_is_item(item) for item in cast(list[Json], items)):
        return None
    return "an item has neither id nor item_group_id"


def _is_item(item: Json) -> bool:
    if not isinstance(item, dict):
        return False
    fields = cast(Document, item)
    return bool(fields.get("id") or fields.get("item_group_id"))


_BY_TYPE: dict[Json, Callable[[Document], str | None]] = {
    "SEARCH": _has_text("search_query"),
    "PAGE_VIEW": _has_text("page_id"),
    **dict.fromkeys(_ITEM_TYPES, _has_items),
}
