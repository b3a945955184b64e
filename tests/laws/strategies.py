"""Canonical events as a hostile world would have them: every type, any subset of leaves, values at the edges."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from wye.event import EVENT_TYPES, Device, Event, Item, Origin, Page, UserAttr

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    ["A1", "Zoë", "😀 emoji", "a b", "x" * 300, "12", "1.50", "<b>", '"quoted"', "line\nbreak"]
)
ids = st.from_regex(r"[a-zA-Z0-9_-]{1,40}", fullmatch=True)
amounts = st.sampled_from(
    [
        Decimal(text)
        for text in ("0", "0.00", "1599.97", "9999999.99", "0.005", "-3.50", "9007199254740993", "0.00000000000000000001")
    ]
) | st.decimals(-(10**9), 10**9, places=3)
quantities = st.integers(-2, 10**6).map(Decimal) | st.just(Decimal("1.5"))
currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
urls = ids.map(lambda name: f"https://shop.example/{name}")
scalars: st.SearchStrategy[Any] = st.booleans() | st.integers(-(2**60), 2**60) | texts | amounts


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


items = st.builds(
    Item,
    id=maybe(ids),
    quantity=maybe(quantities),
    unit_price=maybe(amounts),
    currency=maybe(currencies),
    name=maybe(texts),
    brand=maybe(texts),
    category=maybe(texts),
    group_id=maybe(ids),
    seller_id=maybe(ids),
)
pages = st.builds(Page, url=maybe(urls), id=maybe(ids), view_id=maybe(ids), title=maybe(texts), referrer=maybe(urls))
devices = st.builds(
    Device,
    id=maybe(ids),
    platform=maybe(st.sampled_from(["Android", "iOS", "Web"])),
    os_version=maybe(ids),
    model=maybe(texts),
    screen_height=maybe(st.integers(0, 10_000)),
    zone_offset_ms=maybe(st.integers(-43_200_000, 50_400_000)),
    user_agent=maybe(st.just("Mozilla/5.0 (X11)")),
    ip=maybe(st.just("203.0.113.7")),
)

events: st.SearchStrategy[Event] = st.builds(
    Event,
    id=ids,
    type=st.sampled_from([*EVENT_TYPES, "custom:button_click", "custom:3D view!"]),
    time_ms=st.integers(100_000_000_000, 4_102_444_800_000),
    time_ns_rest=st.sampled_from([0, 0, 1, 999_999]),
    origin=st.builds(Origin, vendor=st.just("generated"), tenant=maybe(ids)),
    user_id=maybe(ids),
    visitor_id=maybe(ids),
    session_id=maybe(ids),
    items=maybe(st.lists(items, max_size=4).map(tuple)),
    order_id=maybe(ids),
    cart_id=maybe(ids),
    currency=maybe(currencies),
    goods_total=maybe(amounts),
    grand_total=maybe(amounts),
    shipping=maybe(amounts),
    tax=maybe(amounts),
    cost=maybe(amounts),
    search_query=maybe(texts),
    categories=st.lists(texts, max_size=2).map(tuple),
    brand=maybe(texts),
    page=maybe(pages),
    channel=maybe(st.sampled_from(["app", "site", "desktop_site", "mobile_site"])),
    device=maybe(devices),
    attribution=maybe(ids),
    user_attrs=st.dictionaries(ids, st.builds(UserAttr, scalars, maybe(st.integers(0, 2**41))), max_size=2),
    attrs=st.dictionaries(texts, scalars, max_size=3),
)
