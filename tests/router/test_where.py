"""Conditions: compiled ones agree with a naive reading of the same table, and mistakes are told by what the field is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.event import EVENT_TYPES, Device, Event, Item, Origin, Page, UserAttr
from wye.testing import make_event
from wye.where import compile_where


def matches(event: Event, **where: Any) -> bool:
    mistakes: list[Any] = []
    test = compile_where(where, ("where",), lambda path, message: mistakes.append((path, message)))
    assert mistakes == []
    return test(event)


def mistakes(**where: Any) -> list[str]:
    told: list[str] = []
    test = compile_where(where, (), lambda path, message: told.append(f"{'.'.join(map(str, path))}: {message}"))
    test(make_event())  # worthless, but it must not raise
    return told


CART = make_event(
    type="add_to_cart",
    user_id="u1",
    grand_total=Decimal("19.90"),
    time_ns_rest=0,
    categories=("shoes", "sale"),
    items=(Item(id="a", quantity=Decimal(2)), Item(id="b", unit_price=Decimal("9.95"), attrs={"size": 42})),
    page=Page(url="https://shop.example/"),
    attrs={"color": "red", "sizes": [1, 5], "vip": True, "count": 1, "none": None, "deep": {"a": 1}, "min": 3},
    user_attrs={"tier": UserAttr("gold", 7)},
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, True),
        ({"type": "add_to_cart"}, True),
        ({"type": "purchase"}, False),
        ({"type": ["purchase", "add_to_cart"]}, True),
        ({"type": "custom:anything"}, False),
        ({"user_id": "u1", "type": "purchase"}, False),
        ({"visitor_id": "u1"}, False),
        ({"grand_total": 19.9}, True),
        ({"grand_total": {"min": 19.9}}, True),
        ({"grand_total": {"min": 19.91}}, False),
        ({"grand_total": {"max": 19.9, "min": 0}}, True),
        ({"cost": {"min": 0}}, False),
        ({"cost": {"present": False}}, True),
        ({"user_id": {"present": True}}, True),
        ({"time_ns_rest": {"present": True}}, True),
        ({"categories": "sale"}, True),
        ({"categories": ["hats", "sale"]}, True),
        ({"categories": "hats"}, False),
        ({"categories": {"present": True}}, True),
        ({"items": {"id": "b"}}, True),
        ({"items": {"id": "a", "quantity": {"min": 2}}}, True),
        ({"items": {"id": "b", "quantity": {"min": 2}}}, False),
        ({"items": {"attrs": {"size": 42}}}, True),
        ({"items": {"present": False}}, False),
        ({"items.id": "a"}, True),
        ({"page": {"url": "https://shop.example/"}}, True),
        ({"page": {"present": True}}, True),
        ({"page.title": {"present": False}}, True),
        ({"device": {"os": "ios"}}, False),
        ({"device": {"present": False}}, True),
        ({"device.os": {"present": False}}, False),
        ({"attrs": {"color": "red"}}, True),
        ({"attrs.color": ["blue", "red"]}, True),
        ({"attrs": {"vip": True}}, True),
        ({"attrs": {"vip": 1}}, False),
        ({"attrs": {"count": True}}, False),
        ({"attrs": {"count": 1.0}}, True),
        ({"attrs": {"sizes": 5}}, True),
        ({"attrs": {"sizes": {"min": 2, "max": 4}}}, False),
        ({"attrs": {"sizes": {"min": 4}}}, True),
        ({"attrs": {"color": {"min": 1}}}, False),
        ({"attrs": {"none": {"present": False}}}, True),
        ({"attrs": {"deep": {"present": True}}}, True),
        ({"attrs": {"deep": 1}}, False),
        ({"attrs": {"min": 3}}, True),
        ({"attrs": {"gone": {"present": False}}}, True),
        ({"user_attrs": {"tier": "gold"}}, True),
        ({"user_attrs": {"tier": {"value": "gold", "set_ms": {"max": 7}}}}, True),
        ({"user_attrs": {"tier": {"set_ms": {"max": 6}}}}, False),
        ({"user_attrs": {"tier": {"present": True}}}, True),
        ({"item_ids_are": "product"}, True),
        ({"not": {"type": "purchase"}}, True),
        ({"not": {"not": {"type": "purchase"}}}, False),
        ({"items": {"not": {"id": "a"}}}, True),
        ({"any": [{"type": "purchase"}, {"user_id": "u1"}]}, True),
        ({"any": [{"type": "purchase"}, {"user_id": "u2"}]}, False),
        ({"any": [{"type": "add_to_cart"}], "user_id": "u2"}, False),
        ({"origin": {"raw": {"present": False}, "vendor": "test"}}, True),
    ],
)
def test_what_matches(where: dict[str, Any], expected: bool) -> None:
    assert matches(CART, **where) is expected


@pytest.mark.parametrize("strange", [Decimal("NaN"), Decimal("sNaN"), float("nan"), {}, [[]], [None], None])
def test_values_that_cannot_be_compared_match_nothing_and_break_nothing(strange: Any) -> None:
    event = make_event(attrs={"a": strange}, cost=strange if isinstance(strange, Decimal) else None)
    assert not matches(event, attrs={"a": {"min": 0}})
    assert not matches(event, attrs={"a": [1, "x", True]})
    assert not matches(event, cost={"max": 1})
    assert not matches(event, cost=1)


OWN = "(a vendor's own is custom:NAME)"
TYPES = ", ".join(f'"{name}"' for name in EVENT_TYPES)
KINDS = '"product", "reference", "category", "brand"'


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"typ": "purchase"}, "typ: no such field; did you mean type?"),
    ({"items": {"prise": 1}}, f"items.prise: no such field; expected one of {', '.join(Item.__struct_fields__)}, not, any"),
    ({"page.ulr": "x"}, "page.ulr: no such field; did you mean url?"),
    ({"type": "purchse"}, f'type: no such event type as "purchse"; did you mean "purchase"? {OWN}'),
    ({"type": ["search", "bye"]}, f'type.1: no such event type as "bye"; expected one of {TYPES} {OWN}'),
    ({"type": [["search"]]}, 'type.0: expected a string, found ["search"]'),
    ({"type": []}, "type: an empty list matches nothing; expected at least one value"),
    ({"user_id": 5}, "user_id: expected a string or a list of strings, found 5"),
    ({"user_id": {"min": 5}}, "user_id: min and max are for numbers; expected a string"),
    ({"user_id": {"mni": 5}}, "user_id.mni: unknown; did you mean min?"),
    ({"user_id": {}}, "user_id: an empty table; expected one of min, max, present"),
    ({"user_id": {"present": "yes"}}, 'user_id.present: expected true or false, found "yes"'),
    ({"cost": "9"}, 'cost: expected a number or a list of numbers, found "9"'),
    ({"cost": True}, "cost: expected a number or a list of numbers, found true"),
    ({"cost": {"min": "x"}}, 'cost.min: expected a number, found "x"'),
    ({"cost": {"min": float("nan")}}, "cost.min: expected a number, found nan"),
    ({"cost": {"min": 2, "max": 1}}, "cost: min is larger than max: nothing lies between 2 and 1"),
    ({"item_ids_are": "sku"}, f'item_ids_are: expected one of {KINDS} or a list of these, found "sku"'),
    ({"item_ids_are": "brnd"},
     f'item_ids_are: expected one of {KINDS} or a list of these, found "brnd"; did you mean "brand"?'),
    ({"attrs.a": {"mni": 1}}, "attrs.a.mni: unknown; did you mean min?"),
    ({"origin": {"raw": "x"}}, 'origin.raw: expected { present = true }, found "x"'),
    ({"page": "x"},
     'page: expected a table of conditions on url, id, view_id, title, referrer, or { present = true }; found "x"'),
    ({"attrs": "x"}, 'attrs: expected a table of conditions on its members, or { present = true }; found "x"'),
    ({"attrs": {"a": [[1]]}}, "attrs.a.0: expected a string, a number, true or false, found [1]"),
    ({"attrs": {"a": {"b": 1}}}, "attrs.a.b: unknown; expected one of min, max, present"),
    ({"user_attrs": {"a": {"valu": 1}}}, "user_attrs.a.valu: no such field; did you mean value?"),
    ({"not": "x"}, 'not: expected a table of conditions, found "x"'),
    ({"any": {}}, "any: expected a list of tables of conditions, found {}"),
    ({"any": []}, "any: expected a list of tables of conditions, found []"),
    ({"any": [{}, 3]}, "any.1: expected a table of conditions, found 3"),
    ({"any": [{"not": {"typ": 1}}]}, "any.0.not.typ: no such field; did you mean type?"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "told"), MISTAKES)
def test_mistakes(where: dict[str, Any], told: str) -> None:
    assert mistakes(**where) == [told]


def test_all_mistakes_are_told() -> None:
    assert len(mistakes(typ=1, user_id=[1, 2], cost={"min": "a", "max": "b", "mid": 3})) == 6


# ── against a naive reading ──────────────────────────────────────────────────────────────────────────────────────────────

words = st.sampled_from(["a", "b", "search"])
numbers = st.one_of(st.integers(-2, 2), st.sampled_from([-0.5, 0.1, 1.0]))
amounts = st.none() | st.sampled_from([Decimal(-2), Decimal(0), Decimal("0.1"), Decimal("1.00"), Decimal("2.5")])
texts = st.none() | words
json_values = st.one_of(texts, numbers, st.booleans(), amounts, st.lists(words | numbers | st.booleans(), max_size=2))
bags = st.dictionaries(words, json_values, max_size=2)

events = st.builds(
    make_event,
    type=st.sampled_from(["search", "purchase", "custom:x"]),
    user_id=texts,
    cost=amounts,
    time_ns_rest=st.integers(0, 2),
    categories=st.lists(words, max_size=2).map(tuple),
    items=st.none() | st.lists(st.builds(Item, id=texts, quantity=amounts, attrs=bags), max_size=2).map(tuple),
    page=st.none() | st.builds(Page, id=texts),
    device=st.none() | st.builds(Device, os=texts, screen_width=st.none() | st.integers(-2, 2)),
    attrs=bags,
    user_attrs=st.dictionaries(words, st.builds(UserAttr, json_values), max_size=2),
    origin=st.builds(Origin, vendor=words),
)

presence = st.fixed_dictionaries({"present": st.booleans()})
ranges = st.one_of(
    st.fixed_dictionaries({"min": numbers}),
    st.fixed_dictionaries({"max": numbers}),
    st.tuples(numbers, numbers).map(lambda two: {"min": min(two), "max": max(two)}),
)


def one_or_several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=2)


text_tests = one_or_several(words) | presence
number_tests = one_or_several(numbers) | presence | ranges
any_tests = one_or_several(words | numbers | st.booleans()) | presence | ranges
bag_tests = presence | st.dictionaries(words, any_tests, min_size=1, max_size=2)


def conditions_on(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


conditions = st.recursive(
    conditions_on(
        {
            "type": one_or_several(st.sampled_from(["search", "purchase", "custom:x"])),
            "user_id": text_tests,
            "cost": number_tests,
            "time_ns_rest": number_tests,
            "categories": text_tests,
            "items": presence | conditions_on({"id": text_tests, "quantity": number_tests, "attrs": bag_tests}),
            "items.id": text_tests,
            "page": presence | conditions_on({"id": text_tests}),
            "device": conditions_on({"os": text_tests, "screen_width": number_tests}),
            "device.screen_width": number_tests,
            "attrs": bag_tests,
            "attrs.a": any_tests,
            "user_attrs": bag_tests,
            "origin.vendor": text_tests,
        }
    ),
    lambda inner: conditions_on({"not": inner, "any": st.lists(inner, min_size=1, max_size=2), "user_id": text_tests}),
    max_leaves=4,
)


def holds(where: dict[str, Any], subject: Any) -> bool:
    """The naive reading, on dictionaries: absent fields are not there."""
    for key, wanted in where.items():
        if key == "not":
            good = not holds(wanted, subject)
        elif key == "any":
            good = bool([one for one in wanted if holds(one, subject)])
        else:
            name, _, rest = key.partition(".")
            good = field_holds({rest: wanted} if rest else wanted, subject.get(name))
        if not good:
            return False
    return True


def field_holds(wanted: Any, value: Any) -> bool:
    there = value is not None and value != [] and value != {}
    if isinstance(wanted, dict):
        table = cast(dict[str, Any], wanted)
        if set(table) == {"present"}:
            return there == table["present"]
        if set(table) <= {"min", "max"} and table:
            low, high = table.get("min", -1000), table.get("max", 1000)
            return any(is_number(one) and Decimal(str(low)) <= one <= Decimal(str(high)) for one in listed(value))
        if isinstance(value, Bag):
            return all(field_holds(one, value.get(name)) for name, one in table.items())
        return any(isinstance(one, dict) and holds(table, one) for one in listed(value))
    return any(same(one, other) for one in listed(value) for other in listed(wanted))


def listed(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [] if value is None else [value]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def same(one: Any, other: Any) -> bool:
    if is_number(one) and is_number(other):
        return Decimal(str(one)) == Decimal(str(other))
    return type(one) is type(other) and one == other


class Bag(dict[str, Any]):
    """A dictionary whose names are data."""


def plain(event: Event) -> dict[str, Any]:
    def fields(struct: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in struct.__struct_fields__:
            value = getattr(struct, name)
            if isinstance(value, tuple):
                members = cast(tuple[Any, ...], value)
                value = [fields(one) if isinstance(one, Item) else one for one in members]
            elif isinstance(value, dict):
                bag = cast(dict[str, Any], value)
                value = Bag({key: one.value if isinstance(one, UserAttr) else one for key, one in bag.items()})
            elif hasattr(value, "__struct_fields__"):
                value = fields(value)
            found[name] = value
        return found

    return fields(event)


@given(conditions, events)
def test_a_compiled_condition_agrees_with_a_naive_reading(where: dict[str, Any], event: Event) -> None:
    assert matches(event, **where) is holds(where, plain(event))
