"""Events that hold something in every canonical leaf: what a format is asked to hold when it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from wye.event import EVENT_TYPES, App, Device, Event, Item, Origin, Page, UserAttr

CUSTOM_TYPE = "custom:button_click"
ALL_TYPES = (*EVENT_TYPES, CUSTOM_TYPE, "custom:3D view!", "custom:")
"""The types that formats are measured on; some vendors have a rule against the names of the last two."""

_ITEMS = (
    Item(
        id="item-1",
        quantity=Decimal(2),
        unit_price=Decimal("1599.97"),
        currency="EUR",
        name="Desk",
        brand="Oak",
        category="furniture",
        group_id="group-1",
        seller_id="seller-1",
        attrs={"text": "brown"},
    ),
    Item(id="item-2", quantity=Decimal(1), unit_price=Decimal("0.00"), currency="EUR", name="Cloth"),
)

_PAGE = Page(
    url="https://shop.example/desk", id="page-1", view_id="view-1", title="Desks", referrer="https://search.example/?q=desk"
)

_DEVICE = Device(
    id="device-1",
    platform="Android",
    os="Android",
    os_version="14",
    make="Acme",
    brand="Acme",
    model="A1",
    carrier="Telco",
    network_type="Mobile",
    locale="de_DE",
    language="de",
    country="DE",
    zone_offset_ms=3_600_000,
    screen_height=2400,
    screen_width=1080,
    viewport_height=2200,
    viewport_width=1080,
    advertising_id="advertising-1",
    user_agent="Mozilla/5.0 (Linux; Android 14; A1)",
    ip="203.0.113.7",
)

_APP = App(title="Shop", version="1.2.3", package="com.shop.example", sdk_name="sdk", sdk_version="4.5.6", host="shop.example")

_WITH_ITEMS = {"item_view", "item_click", "item_hover", "add_to_cart", "remove_from_cart", "cart_view", "add_to_wishlist"}
_AMOUNTS = ("goods_total", "grand_total", "shipping", "tax", "cost")
_WITH_MONEY = {"add_to_cart", "remove_from_cart", "cart_view", "checkout_start", "purchase"}


_ATTRS = {"text": "spring", "number": Decimal("0.25"), "truth": True}


def wide_event(event_type: str) -> Event:
    """The event with what events of other types have, too; always the same."""
    event = full_event(event_type)
    everything = full_event("purchase")
    return structs.replace(
        event,
        **{name: getattr(everything, name) for name in ("order_id", "cart_id", "currency", *_AMOUNTS)},
        items=event.items or _ITEMS,
        search_query="oak desk",
        categories=event.categories or ("furniture > desks",),
        brand="Oak",
    )


def full_events() -> Iterator[Event]:
    """One event of every type, each with all that an event of that type can sensibly hold."""
    for event_type in ALL_TYPES:
        yield full_event(event_type)


def full_event(event_type: str) -> Event:
    """The event of one type; always the same."""
    items = _ITEMS if event_type in _WITH_ITEMS | _WITH_MONEY else None
    if event_type in ("item_view", "item_click", "item_hover"):
        items = _ITEMS[:1]
    money = event_type in _WITH_MONEY
    return Event(
        id="3f2a8c1e-5b7d-4e90-8a16-0c9d2b7e4f53",
        type=event_type,
        time_ms=1_700_000_000_123,
        time_ns_rest=456_789,
        origin=Origin(vendor="generated", tenant="shop"),
        user_id="user-1",
        visitor_id="visitor-1",
        session_id="session-1",
        items=items,
        order_id="order-1" if event_type == "purchase" else None,
        cart_id="cart-1" if money else None,
        currency="EUR" if money else None,
        goods_total=Decimal("3199.94") if money else None,
        grand_total=Decimal("3210.89") if event_type == "purchase" else None,
        shipping=Decimal("4.95") if event_type == "purchase" else None,
        tax=Decimal("6.00") if event_type == "purchase" else None,
        cost=Decimal("2000.5") if event_type == "purchase" else None,
        search_query="oak desk" if event_type == "search" else None,
        categories=("furniture > desks",) if event_type in ("category_view", "item_view") else (),
        brand="Oak" if event_type == "brand_view" else None,
        page=_PAGE,
        channel="app",
        device=_DEVICE,
        app=_APP,
        attribution="recommendation-1",
        user_attrs={"number": UserAttr(27, 1_700_000_000_000)},
        attrs=_ATTRS,
    )
