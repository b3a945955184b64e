"""The documents of Clickstream Analytics on AWS, as they are on the wire.

Times are milliseconds since 1970-01-01 UTC, ``zone_offset`` is milliseconds, prices are decimals in major units. ``items``,
``user`` and ``attributes`` are open: anybody may add members, so they are read as they come. Members with an alias are read
under either name (the vendor's own pipeline does the same).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, UnsetType, defstruct, structs

from wye.event import Json
from wye.wire import Wire

VENDOR = "clickstream"
MAX_BODY_BYTES = 1_048_576
"""The largest request body that the vendor takes: 1 MB, this very number included."""

# A member that is missing reads as ``None``, and ``None`` is never written. A ``null`` on the wire is something else: at run
# time the types refuse it, so that it goes to ``rest`` and comes back as it was.
if TYPE_CHECKING:
    Text = str | None
    Whole = int | None
    Bag = dict[str, Json] | None
    Bags = list[dict[str, Json]] | None
else:
    Text = str
    Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    Bag = dict[str, Json]
    Bags = list[dict[str, Json]]

ABSENT: Any = None


class CsEvent(Wire, frozen=True, kw_only=True, gc=False):
    """One event. The vendor requires the first four members."""

    event_type: Text = ABSENT
    event_id: Text = ABSENT
    timestamp: Whole = ABSENT
    app_id: Text = ABSENT
    unique_id: Text = ABSENT
    device_id: Text = ABSENT
    device_unique_id: Text = ABSENT
    platform: Text = ABSENT
    os_version: Text = ABSENT
    make: Text = ABSENT
    brand: Text = ABSENT
    model: Text = ABSENT
    carrier: Text = ABSENT
    network_type: Text = ABSENT
    locale: Text = ABSENT
    system_language: Text = ABSENT
    country_code: Text = ABSENT
    zone_offset: Whole = ABSENT
    screen_height: Whole = ABSENT
    screen_width: Whole = ABSENT
    viewport_height: Whole = ABSENT
    viewport_width: Whole = ABSENT
    sdk_version: Text = ABSENT
    sdk_name: Text = ABSENT
    app_package_name: Text = ABSENT
    app_version: Text = ABSENT
    app_title: Text = ABSENT
    host_name: Text = ABSENT
    event_value: Json | UnsetType = UNSET
    event_value_currency: Text = ABSENT
    items: Bags = ABSENT
    user: Bag = ABSENT
    attributes: Bag = ABSENT


document: Callable[..., Any] = defstruct(
    "document",
    [(field.name, field.type, field.default) for field in structs.fields(CsEvent) if field.name != "rest"],
    omit_defaults=True,
    gc=False,
)
"""Makes one to be written: the members of ``CsEvent`` by place, in their order, which takes a fifth of the time."""


ALIASES: tuple[tuple[str, str], ...] = (
    ("event_type", "event_name"),
    ("unique_id", "user_pseudo_id"),
    ("device_unique_id", "advertising_id"),
    ("event_value", "event_value_in_usd"),
    ("event_value_currency", "currency"),
)
"""A member's name, and the other one that the vendor's pipeline takes for it."""

ITEM_ALIASES: tuple[tuple[str, str], ...] = (("id", "item_id"), ("name", "item_name"))
"""The same for the members of an item."""

VALUES = ("event_value", "event_value_in_usd")
CURRENCIES = ("event_value_currency", "currency", "event_value_in_usd")
"""Where one of these stands, the value or the currency is not where it usually is, among the attributes."""

COMMERCE = frozenset(
    ("item_view", "item_click", "add_to_cart", "remove_from_cart", "cart_view", "add_to_wishlist", "checkout_start", "purchase")
)
"""The canonical types whose ``value`` is an amount of money."""


def total_attribute(kind: str) -> str:
    """The attribute that holds the goods' total of an event of this canonical type."""
    return "value" if kind in COMMERCE else "goods_total"


NAMES: dict[str, str] = {
    "item_view": "view_item",
    "item_click": "item_click",
    "item_hover": "product_exposure",
    "category_view": "category_view",
    "brand_view": "brand_view",
    "search": "search",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "cart_view": "view_cart",
    "add_to_wishlist": "add_to_wishlist",
    "checkout_start": "begin_checkout",
    "purchase": "purchase",
    "home_view": "_page_view",
    "landing": "_session_start",
    "page_view": "_page_view",
    "identify": "_profile_set",
    "login": "login",
}
"""What a canonical type is called here: the names of the vendor's presets and of its shopping demo."""

NEAREST = frozenset(("item_hover", "home_view"))
"""The types whose name here says something less; the type itself rides along in an attribute."""

TYPES: dict[str, str] = {
    **{name: kind for kind, name in NAMES.items() if kind not in NEAREST},
    "item_view": "item_view",
    "_search": "search",
    "_screen_view": "page_view",
}
"""The canonical type of a name. A name that is not here is ``custom:<name>``."""

TYPE_ATTRIBUTE = "wye_event_type"
"""The attribute that holds a canonical type whose name here is not its own."""

NAMES_ATTRIBUTE = "wye_names"
"""The attribute that says, as JSON, which attributes had another name: ``{"size_eu": "size-eu"}``."""
