"""The canonical commerce event: the one model every vendor is decoded into and encoded from.

Three states are told apart everywhere. *Zero* is a value (``Decimal(0)``, ``0``, ``""`` in a bag). *Absent* is ``None`` and is
never written. *Null* that a vendor really sent, like every other spelling the canonical fields cannot give back (an empty user
id, a placeholder), stays in ``extra`` under the vendor's own name, so that the same vendor gets back what it sent.

Money is ``Decimal`` from the first byte to the last; no field here is ever a binary float.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

EVENT_TYPES: tuple[str, ...] = (
    "item_view",
    "item_click",
    "item_hover",
    "category_view",
    "brand_view",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "cart_view",
    "add_to_wishlist",
    "checkout_start",
    "purchase",
    "home_view",
    "landing",
    "page_view",
    "identify",
    "login",
)
"""The canonical types. A vendor's own free name is ``custom:<name>``."""

CUSTOM = "custom:"
"""Prefix of a type that only its vendor knows, as in ``custom:button_click``."""

CONTROL = "control:"
"""Prefix of a vendor's call that carries no event, as in ``control:google-retail.purge``: its body is in ``extra``, and only
that vendor's encoder may write it. To every other it is a type without a name."""

CHANNELS: tuple[str, ...] = ("app", "site", "desktop_site", "mobile_site")
"""The words of ``channel`` that vendors share."""

ItemIds = Literal["product", "reference", "category", "brand"]

Json = Any
"""What a JSON document can hold, with numbers as ``int`` or ``Decimal``."""


class Item(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One line of a cart, an order or a list. ``unit_price`` is in major units of ``currency`` (``Decimal("10.99")``)."""

    id: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    currency: str | None = None
    name: str | None = None
    brand: str | None = None
    category: str | None = None
    group_id: str | None = None
    seller_id: str | None = None
    attrs: dict[str, Json] = {}
    extra: dict[str, Json] = {}


class Page(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """Where the event happened. ``view_id`` names one load of the page, ``id`` the page itself."""

    url: str | None = None
    id: str | None = None
    view_id: str | None = None
    title: str | None = None
    referrer: str | None = None


class Device(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """What the event was made on. Sizes are in pixels, ``zone_offset_ms`` is milliseconds east of GMT."""

    id: str | None = None
    platform: str | None = None
    os: str | None = None
    os_version: str | None = None
    make: str | None = None
    brand: str | None = None
    model: str | None = None
    carrier: str | None = None
    network_type: str | None = None
    locale: str | None = None
    language: str | None = None
    country: str | None = None
    zone_offset_ms: int | None = None
    screen_height: int | None = None
    screen_width: int | None = None
    viewport_height: int | None = None
    viewport_width: int | None = None
    advertising_id: str | None = None
    user_agent: str | None = None
    ip: str | None = None


class App(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """The program that made the event, and the vendor's SDK in it."""

    title: str | None = None
    version: str | None = None
    package: str | None = None
    sdk_name: str | None = None
    sdk_version: str | None = None
    host: str | None = None


class UserAttr(Struct, frozen=True, omit_defaults=True, gc=False):
    """A fact about the user, and when it was set (ms since the epoch, UTC)."""

    value: Json = None
    set_ms: int | None = None


class Origin(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """Where the event came from: the adapter's name, the tenant (app id, site key), and the original bytes where kept."""

    vendor: str
    tenant: str | None = None
    raw: bytes | None = None


class Event(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One thing that a shopper did.

    ``id`` is the vendor's, or derived from the document's content where the vendor has none, so that the same input always
    gives the same id. ``time_ms`` is ms since 1970-01-01 UTC; ``time_ns_rest`` (0..999999) is what lies below a millisecond.
    ``goods_total`` is the sum of price times quantity; ``grand_total`` includes shipping and tax. ``extra`` holds, by wire name
    and for ``origin.vendor`` only, what the canonical fields do not give back.
    """

    id: str
    type: str
    time_ms: int
    origin: Origin
    time_ns_rest: int = 0
    user_id: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    items: tuple[Item, ...] | None = None
    item_ids_are: ItemIds = "product"
    order_id: str | None = None
    cart_id: str | None = None
    currency: str | None = None
    goods_total: Decimal | None = None
    grand_total: Decimal | None = None
    shipping: Decimal | None = None
    tax: Decimal | None = None
    cost: Decimal | None = None
    search_query: str | None = None
    categories: tuple[str, ...] = ()
    brand: str | None = None
    page: Page | None = None
    channel: str | None = None
    device: Device | None = None
    app: App | None = None
    attribution: str | None = None
    user_attrs: dict[str, UserAttr] = {}
    attrs: dict[str, Json] = {}
    extra: dict[str, Json] = {}


_encoder = msgspec.json.Encoder(decimal_format="number")


def to_json(event: Event) -> bytes:
    """The canonical JSON of ``event``: one line, absent fields left out, money as exact numbers."""
    return _encoder.encode(event)
