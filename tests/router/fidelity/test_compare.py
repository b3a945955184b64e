from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from wye.event import Item, Page
from wye.fidelity.compare import compare, how
from wye.testing import make_event


def fate(leaf: str, before: dict[str, Any], after: dict[str, Any]) -> tuple[str, str]:
    (found,) = [one for one in compare(make_event(**before), make_event(**after)) if one.leaf == leaf]
    return found.kind, found.how


PRICED = Item(id="a", unit_price=Decimal("1.50"), quantity=Decimal(2))


@pytest.mark.parametrize(
    ("leaf", "before", "after", "expected"),
    [
        ("page.id", {"page": Page(url="u")}, {"page": Page(id="u")}, ("ambiguous", "from page.url")),
        ("page.id", {}, {"page": Page(id="u")}, ("invented", "")),
        ("visitor_id", {"user_id": "u"}, {"visitor_id": "u"}, ("coerced", "user_id stands in")),
        ("visitor_id", {}, {"visitor_id": "u"}, ("invented", "")),
        ("goods_total", {"items": (PRICED,)}, {"goods_total": Decimal(3)}, ("ambiguous", "from its lines")),
        ("goods_total", {"items": (PRICED,)}, {"goods_total": Decimal(4)}, ("invented", "")),
        (
            "grand_total",
            {"goods_total": Decimal(3), "shipping": Decimal(1)},
            {"grand_total": Decimal(4)},
            ("ambiguous", "from goods_total + shipping"),
        ),
        ("attrs.tax", {"tax": Decimal(0)}, {"attrs": {"tax": 0}}, ("ambiguous", "from tax")),
        (
            "attrs.shipping",
            {"goods_total": Decimal(0), "shipping": Decimal(5)},
            {"attrs": {"shipping": Decimal(5)}},
            ("ambiguous", "from shipping"),
        ),
        (
            "attrs.x_cost",
            {"attrs": {"a": Decimal("1.25"), "cost": Decimal("1.25")}},
            {"attrs": {"x_cost": "1.25"}},
            ("ambiguous", "from attrs.cost"),
        ),
        ("categories", {"items": (PRICED, Item(id="b"), Item())}, {"categories": ("a", "b")}, ("ambiguous", "from items.id")),
        (
            "categories",
            {"items": (PRICED, Item(id="-1"), Item(id="b"))},
            {"categories": ("a", "b")},
            ("ambiguous", "from some of items.id"),
        ),
        ("categories", {"items": (PRICED, Item(id="b"))}, {"categories": ("b", "a")}, ("invented", "")),
        ("attrs.all", {"categories": ("a", "b")}, {"attrs": {"all": '["a","b"]'}}, ("ambiguous", "from categories")),
        ("categories", {"attrs": {"all": '["a", "b"]'}}, {"categories": ("a", "b")}, ("ambiguous", "from attrs.all")),
        ("categories", {"attrs": {"all": '["a",'}}, {"categories": ("a", "b")}, ("invented", "")),
        (
            "item_ids_are",
            {"items": (PRICED,), "item_ids_are": "brand"},
            {"items": (PRICED,)},
            ("ambiguous", "read as ids of products"),
        ),
        ("item_ids_are", {"items": (PRICED,), "item_ids_are": "brand"}, {}, ("lost", "")),
        ("attrs.a", {"attrs": {"a": True}}, {"attrs": {"a": 1}}, ("coerced", "a truth value as a number")),
        ("attrs.a", {"attrs": {"a": None}}, {}, ("lost", "")),
        ("attrs.a", {"attrs": {"a": None}}, {"attrs": {"a": None}}, ("kept", "")),
        ("items.id", {"items": (PRICED, Item(id="b"))}, {"items": (PRICED,)}, ("coerced", "the first only")),
        (
            "items.unit_price",
            {"items": (PRICED, Item(id="b", unit_price=Decimal(1)))},
            {"items": (PRICED, Item(id="b"))},
            ("lost", "of some items"),
        ),
    ],
)
def test_what_has_become_of_a_leaf(leaf: str, before: Any, after: Any, expected: tuple[str, str]) -> None:
    assert fate(leaf, before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Decimal("1.005"), Decimal("1.00"), "to 2 decimals"),
        (Decimal("1.5"), Decimal(2), "to a whole number"),
        (Decimal("1.5"), Decimal(9), "another number"),
        (Decimal("1.5"), "1.5", "a number as a text"),
        ("german", "ge", "cut at 2 characters"),
        ({"value": 1, "set_ms": 5}, {"value": "1"}, "without set_ms, a number as a text"),
    ],
)
def test_how_a_value_is_changed(before: Any, after: Any, expected: str) -> None:
    assert how(before, after) == expected
