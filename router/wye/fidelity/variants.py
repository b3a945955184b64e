"""The events that a format is measured on: of every type, with every leaf, without each of them, and with values at the edges.

The law in tests/laws/test_explained.py holds them to account: what becomes of any event must have become of one of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from msgspec import Struct, structs

from wye.event import App, Device, Event, Item, Page, UserAttr
from wye.fidelity.generate import full_event, wide_event

_PARTS: dict[str, type[Struct]] = {"page": Page, "device": Device, "app": App}
_FIRST = ("id", "type", "time_ms", "origin")

_AMOUNTS = tuple(map(Decimal, ("0", "-3.50", "0.005", "9999999.99", "1234567.891", "9007199254740993", "1e-20")))
_WORDS = ("0", "null", "x" * 300, "😀 emoji")
_WHO = ("user_id", "visitor_id", "session_id")
_MONEY = ("goods_total", "grand_total", "shipping", "tax", "cost")
_IDS = ("order_id", "cart_id", "attribution", "items.group_id", "items.seller_id", "device.id", "device.advertising_id")
_TEXTS = (
    *("search_query", "brand", "page.title", "page.id", "page.view_id", "items.name", "items.brand", "items.category"),
    *("page.url", "page.referrer"),
    *(f"device.{name}" for name, kind in Device.__annotations__.items() if kind.startswith("str") and name != "id"),
    *(f"app.{name}" for name in App.__struct_fields__),
)

_APART = (_TEXTS[:1], _TEXTS[1:2], ("page.title", "page.view_id", "page.referrer"), _TEXTS[_TEXTS.index("device.platform") :])
"""Those that are required in some types, and those that are nowhere."""

_EDGES: Sequence[tuple[Sequence[str], Sequence[Any]]] = (
    (("time_ms",), (1_600_000_000_000, 50_000_000_000, 0, -(10**14), 10**15, 2**63 - 1)),
    (("time_ns_rest",), (0,)),
    (("channel",), ("site", "desktop_site", "mobile_site", "kiosk")),
    (("currency",), ("JPY", "KWD")),
    (("currency", "items.currency"), ("JPY", "KWD", *_WORDS, "", " ")),
    (("item_ids_are",), ("reference", "category", "brand")),
    (("categories",), (("one", "two"), ("one", "0"), ("0",), ("x" * 300, "two"), ("x" * 300, ""), ("",), (" ",), ("one", ""))),
    ((*_MONEY, "items.unit_price"), _AMOUNTS),
    *(((name,), (Decimal(0), Decimal("1.005"))) for name in _MONEY),
    *(((name,), (*_WORDS, " ")) for name in (*_WHO, "id", "items.id")),
    (_WHO, _WORDS),
    (_IDS, (*_WORDS, "", " ")),
    (("page.url", "page.referrer"), ("https://shop.example/desk?color=brown#top", "unknown", "x" * 6_000)),
    (("search_query",), ("x" * 6_000,)),
    (("device.user_agent",), ("x" * 2_000,)),
    (("device.platform",), ("iOS", "Web")),
    (("device.os",), ("iOS", "Windows", "")),
    (("device.language",), ("de-AT", "german")),
    (("items.quantity",), (Decimal(0), Decimal(-1), Decimal("1.5"), Decimal(10**12))),
    (("items.unit_price",), (Decimal(10**20),)),
)
"""Values that some vendor has a rule about: the leaves that get them together, and the values."""

_OF_A_SITE: Sequence[tuple[Sequence[str], Sequence[Any]]] = (
    (_TEXTS, (*_WORDS, "", " ", "item/1")),
    *((leaves, ("",)) for leaves in _APART),
)
"""The same for events of a site: some vendor has a rule about an app's device."""

_BAG: dict[str, Any] = {
    "truth": True,
    "truth_text": "true",
    "whole_number": 12,
    "whole_number_text": "12",
    "number": Decimal("0.25"),
    "number_text": "0.25",
    "list": ["a"],
    "list_text": "a",
    "list_json": '["a"]',
    "long_list": ["a", "b"],
    "long_list_text": '["a","b"]',
    "mixed_list": ["a", 1],
    "mixed_list_json": '["a",1]',
    "empty_list": [],
    "empty_list_text": "[]",
    "object": {"a": None},
    "object_text": '{"a":null}',
    "empty_text": "",
    "long_text": "x" * 2000,
    "null": None,
    "with-hyphen": "hyphenated",
}
"""What a bag of free attributes can hold. What comes out as the text beside it cannot be told from it."""

_LINE = Item(id="item-1", quantity=Decimal(2), unit_price=Decimal("1599.97"), currency="EUR", name="Desk")
_ITEMS: dict[str, tuple[Item, ...]] = {
    "none in the list": (),
    "one": (_LINE,),
    "the second says less": (_LINE, Item(id="item-2")),
    "the first says less": (Item(id="item-1"), _LINE),
    "one without an id": (_LINE, structs.replace(_LINE, id=None)),
    "none with an id": (structs.replace(_LINE, id=None),),
    "a group only": (Item(group_id="group-1"),),
    "two currencies": (_LINE, structs.replace(_LINE, currency="USD")),
    "nothing but ids": (Item(id="item-1"), Item(id="item-2"), Item(id="item-3")),
    "the same twice": (_LINE, _LINE),
    "an empty one": (Item(),),
}


_CLASHES: dict[str, Any] = {
    "brand": "Pine",
    "channel": "kiosk",
    "categories": '["desks","oak"]',
    **{name: Decimal(f"{place}.25") for place, name in enumerate(("grand_total", "shipping", "tax", "cost"), 1)},
}
"""Attributes with names that some formats have for facts of the event's own."""

_MEMBERS: dict[str, Any] = {
    "experiment_ids": ["experiment-1"],
    "search_filter": 'colour: ANY("brown")',
    "search_order_by": "price",
    "search_offset": 20,
    "site_entity": "shop.example",
    "completion_token": "completion-1",
    "completion_suggestion": "oak desk",
    "completion_position": 1,
}
_PRICES: dict[str, Any] = {"original_price": Decimal("1999.97"), "cost": Decimal("1000.50")}
"""Attributes, of an event and of an item, that some formats have members for."""


def variants(event_type: str) -> Iterator[Event]:
    """The events of one type; always the same."""
    wide = wide_event(event_type)
    yield full_event(event_type)
    yield wide
    yield structs.replace(wide, channel="site", device=Device(platform="Web", user_agent="Mozilla/5.0"))
    for leaf in _LEAVES:
        yield put(wide, leaf, None)
    for items in _ITEMS.values():
        yield structs.replace(wide, items=items)
    site = structs.replace(wide, channel="site")
    for base, edges in ((wide, _EDGES), (site, _OF_A_SITE)):
        for leaves, values in edges:
            for value in values:
                yield reduce(lambda event, leaf: put(event, leaf, value), leaves, base)
    fractions = tuple(structs.replace(_LINE, unit_price=Decimal(price)) for price in ("1.005", "2.005"))
    yield structs.replace(wide, goods_total=None, items=fractions)
    yield structs.replace(wide, goods_total=None, currency="USD")
    facts = {name: UserAttr(value) for name, value in _BAG.items()}
    yield structs.replace(wide, attrs=_BAG, user_attrs=facts, items=(structs.replace(_LINE, attrs=_BAG),))
    yield structs.replace(wide, attrs={}, user_attrs={})
    yield structs.replace(wide, attrs=_CLASHES)
    yield structs.replace(wide, attrs=_MEMBERS, items=(structs.replace(_LINE, attrs=_PRICES),))
    yield from _bare(wide)


def _bare(wide: Event) -> Iterator[Event]:
    """Of nobody, and of somebody; then one leaf beside what most types need: somebody, an item, a term, a category, a page."""
    nothing = Event(**{name: getattr(wide, name) for name in _FIRST})
    yield nothing
    for name in _WHO:
        yield structs.replace(nothing, **{name: getattr(wide, name)})
    some = structs.replace(
        nothing, visitor_id="visitor-1", items=(_LINE,), search_query="desk", categories=("desks",), page=Page(id="page-1")
    )
    yield some
    nobody = structs.replace(some, visitor_id=None)
    for name in _WHO:
        yield structs.replace(nobody, **{name: getattr(wide, name)})
    yield structs.replace(some, attrs=_CLASHES)
    yield structs.replace(some, attrs=_CLASHES, categories=())
    for ids_are in ("category", "brand", "reference"):
        for items in (None, (), (_LINE,), (_LINE, structs.replace(_LINE, id="item-2"), Item()), (Item(group_id="g"),)):
            yield structs.replace(some, item_ids_are=ids_are, items=items)
            yield structs.replace(some, item_ids_are=ids_are, items=items, categories=())
    yield structs.replace(some, items=())
    for leaf in _LEAVES:
        if not leaf.startswith("items") and (value := get(wide, leaf)) is not None:
            yield put(some, leaf, value)
    for name in _MONEY:
        yield structs.replace(some, items=(Item(id="item-1", quantity=Decimal(1)),), **{name: getattr(wide, name)})


def _leaves() -> Iterator[str]:
    """The leaves that are there or not; of a device and an app all at once, but for those that stand in for others."""
    for name in Event.__struct_fields__:
        if name == "page":
            yield from (f"page.{inner}" for inner in Page.__struct_fields__)
        if name == "items":
            yield from (f"items.{inner}" for inner in Item.__struct_fields__ if inner not in ("attrs", "extra"))
        if name not in (*_FIRST, "time_ns_rest", "item_ids_are", "user_attrs", "attrs", "extra"):
            yield name
    yield from ("device.platform", "device.os")


_LEAVES = tuple(_leaves())


def get(event: Event, leaf: str) -> Any:
    """The value of a leaf that is none of the items'."""
    name, _, inner = leaf.partition(".")
    holder = getattr(event, name)
    if not inner or holder is None:
        return holder
    return getattr(holder, inner)


def put(event: Event, leaf: str, value: Any) -> Event:
    """The event with another value of a leaf; in all items, where it is one of theirs."""
    name, _, inner = leaf.partition(".")
    if not inner:
        return structs.replace(event, **{name: () if value is None and name == "categories" else value})
    if name == "items":
        items: tuple[Item, ...] = event.items or ()
        return structs.replace(event, items=tuple(structs.replace(item, **{inner: value}) for item in items))
    holder = getattr(event, name) or _PARTS[name]()
    return structs.replace(event, **{name: structs.replace(holder, **{inner: value})})
