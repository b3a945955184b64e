from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from wye.event import Event, Item, Origin, UserAttr, to_json
from wye.testing import make_event


def test_what_is_absent_is_not_written() -> None:
    event = Event(id="e", type="search", time_ms=1, origin=Origin(vendor="v"))
    assert to_json(event) == b'{"id":"e","type":"search","time_ms":1,"origin":{"vendor":"v"}}'


def test_zero_is_written_and_money_is_a_number() -> None:
    event = make_event(goods_total=Decimal(0), tax=Decimal("0.10"), items=(Item(quantity=Decimal(0)),))
    written = to_json(event)
    assert b'"goods_total":0,' in written
    assert b'"tax":0.10' in written
    assert b'"items":[{"quantity":0}]' in written


def test_null_in_a_bag_is_a_value() -> None:
    assert b'"attrs":{"x":null}' in to_json(make_event(attrs={"x": None}))


def test_an_event_cannot_be_changed_and_no_two_share_a_bag() -> None:
    one, two = make_event("a"), make_event("b")
    with pytest.raises(AttributeError):
        one.id = "c"  # type: ignore[misc]
    one.attrs["x"] = 1
    assert two.attrs == {}


def test_one_event_is_one_line() -> None:
    event = make_event(search_query="a\nb\u2028c", user_attrs={"n": UserAttr("v", 5)})
    assert b"\n" not in to_json(event)
    assert msgspec.json.decode(to_json(event))["search_query"] == "a\nb\u2028c"
