from __future__ import annotations

from decimal import Decimal

from wye.event import Device, Item, Page, UserAttr
from wye.fidelity.leaves import class_of, leaves
from wye.testing import make_event


def test_every_fact_has_a_name_and_what_is_absent_has_none() -> None:
    event = make_event(
        user_id="u",
        page=Page(url="https://shop.example"),
        device=Device(os="iOS"),
        attrs={"color": "red"},
        user_attrs={"age": UserAttr(27)},
        extra={"odd": None},
    )
    assert leaves(event) == {
        "id": "e1",
        "type": "item_view",
        "time_ms": 1_700_000_000_000,
        "user_id": "u",
        "page.url": "https://shop.example",
        "device.os": "iOS",
        "attrs.color": "red",
        "user_attrs.age": {"value": 27},
        "extra.odd": None,
    }


def test_zero_is_a_value() -> None:
    assert leaves(make_event(goods_total=Decimal(0)))["goods_total"] == 0


def test_items_have_one_value_each_in_their_order() -> None:
    event = make_event(items=(Item(id="a", unit_price=Decimal(0)), Item(id="b", attrs={"size": "L"})))
    found = leaves(event)
    assert found["items.id"] == ("a", "b")
    assert found["items.unit_price"] == (Decimal(0), None)
    assert found["items.attrs.size"] == (None, "L")


def test_an_empty_list_of_items_is_something() -> None:
    assert leaves(make_event(items=()))["items"] == ()


def test_classes() -> None:
    names = {"currency": "money", "items.unit_price": "money", "user_id": "identity", "items.name": "items"}
    names |= {"attrs.color": "attributes", "extra.x": "attributes", "page.url": "context", "device.ip": "context"}
    assert {leaf: class_of(leaf) for leaf in names} == names
