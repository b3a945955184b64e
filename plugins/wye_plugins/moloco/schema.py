"""The documents of Moloco's User Event API, as they are on the wire, and the vendor's words and limits.

Times are milliseconds since 1970-01-01 UTC, as a text or a number; prices are decimals in major units with their currency.
Names are in snake_case; the vendor's guide shows the camelCase of its JavaScript client, and both are read.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from wye.absent import ABSENT, Maybe
from wye.event import Json
from wye.wire import Wire

VENDOR = "moloco"

Loose = Json | UnsetType
"""A number, which some clients send as a text."""


class MoMoney(Wire, frozen=True, kw_only=True):
    """An amount in major units. The vendor requires both members."""

    currency: Maybe[str] = ABSENT
    amount: Loose = UNSET


class MoItem(Wire, frozen=True, kw_only=True):
    """An item; ``price`` is that of a single one. The vendor requires an ``id`` or an ``item_group_id``."""

    id: Maybe[str] = ABSENT
    price: Maybe[MoMoney] = ABSENT
    quantity: Loose = UNSET
    item_group_id: Maybe[str] = ABSENT
    seller_id: Maybe[str] = ABSENT


class MoDevice(Wire, frozen=True, kw_only=True):
    """What the event was made on. ``ip`` is in the vendor's guide and clients, though no longer in its schema."""

    os: Maybe[str] = ABSENT
    os_version: Maybe[str] = ABSENT
    advertising_id: Maybe[str] = ABSENT
    unique_device_id: Maybe[str] = ABSENT
    persistent_id: Maybe[str] = ABSENT
    model: Maybe[str] = ABSENT
    ua: Maybe[str] = ABSENT
    language: Maybe[str] = ABSENT
    ip: Maybe[str] = ABSENT


class MoEvent(Wire, frozen=True, kw_only=True):
    """One event. The vendor requires ``event_type``, ``timestamp``, ``channel_type`` and somebody's id."""

    id: Maybe[str] = ABSENT
    event_type: Maybe[str] = ABSENT
    timestamp: Loose = UNSET
    channel_type: Maybe[str] = ABSENT
    domain: Maybe[str] = ABSENT
    user_id: Maybe[str] = ABSENT
    session_id: Maybe[str] = ABSENT
    custom_id: Maybe[str] = ABSENT
    device: Maybe[MoDevice] = ABSENT
    items: Maybe[list[MoItem]] = ABSENT
    revenue: Maybe[MoMoney] = ABSENT
    search_query: Maybe[str] = ABSENT
    page_id: Maybe[str] = ABSENT
    referrer_page_id: Maybe[str] = ABSENT
    shipping_charge: Maybe[MoMoney] = ABSENT
    decision_track_id: Maybe[str] = ABSENT


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES: dict[str, str] = {
    "home_view": "HOME",
    "landing": "LAND",
    "page_view": "PAGE_VIEW",
    "search": "SEARCH",
    "item_view": "ITEM_PAGE_VIEW",
    "add_to_cart": "ADD_TO_CART",
    "add_to_wishlist": "ADD_TO_WISHLIST",
    "purchase": "PURCHASE",
}
"""What a canonical type is called here. There are no other types and no free names."""

TYPES = {name: kind for kind, name in NAMES.items()}

CHANNELS: dict[str, str] = {"app": "APP", "site": "SITE", "desktop_site": "DESKTOP_SITE", "mobile_site": "MOBILE_SITE"}
CHANNELS_BY_NAME = {name: channel for channel, name in CHANNELS.items()}

CURRENCIES = frozenset(
    [
        "USD",
        "KRW",
        "JPY",
        "EUR",
        "GBP",
        "SEK",
        "INR",
        "THB",
        "IDR",
        "CNY",
        "CAD",
        "RUB",
        "BRL",
        "SGD",
        "HKD",
        "AUD",
        "PLN",
        "DKK",
        "VND",
        "MYR",
        "PHP",
        "TRY",
        "VES",
        "AED",
        "CHF",
    ]
)
"""The vendor's OpenAPI document, ``commonCurrency``. Money in any other currency cannot be said."""

CAMEL: dict[str, str] = {
    "eventType": "event_type",
    "channelType": "channel_type",
    "userId": "user_id",
    "sessionId": "session_id",
    "customId": "custom_id",
    "searchQuery": "search_query",
    "pageId": "page_id",
    "referrerPageId": "referrer_page_id",
    "shippingCharge": "shipping_charge",
    "decisionTrackId": "decision_track_id",
    "personalizationMode": "personalization_mode",
}
"""The JavaScript client's names of members, and the wire's."""

CAMEL_DEVICE: dict[str, str] = {
    "osVersion": "os_version",
    "advertisingId": "advertising_id",
    "uniqueDeviceId": "unique_device_id",
    "persistentId": "persistent_id",
}
CAMEL_ITEM: dict[str, str] = {"itemGroupId": "item_group_id", "sellerId": "seller_id", "priceSeller": "price_seller"}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

MAX_CHARACTERS: dict[str, int] = dict.fromkeys(("id", "user_id", "session_id", "custom_id"), 128)
MAX_DEVICE_CHARACTERS: dict[str, int] = dict.fromkeys(("unique_device_id", "persistent_id"), 128)
"""The vendor's OpenAPI document, ``maxLength``. It gives no limit for other texts, for items, or for a body."""

INT32 = range(-(2**31), 2**31)
"""What a quantity can be."""

FIRST_MS = 100_000_000_000
"""Below this (the year 1973) a time is in seconds: the vendor refuses what is not in milliseconds, a shop has nothing older."""
