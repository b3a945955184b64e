from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from wye.carry import NAME, carries, pack, unpack, unpacked
from wye.event import Event, Item, Page
from wye.fidelity.generate import full_events
from wye.plugin import Bag
from wye.testing import make_event

BAGS = {"pieces": Bag(64), "one text": Bag(), "a list": Bag(64, lists=True)}


def poor(event: Event) -> Event:
    """What a format gives back that knows type, time and attributes only."""
    return make_event(event.id, event.type, time_ms=event.time_ms, attrs=event.attrs)


def trip(event: Event, bag: Bag) -> Event:
    """Packed, sent through the poor format with its attributes, and unpacked."""
    packed = pack(event, poor(event), bag)
    return unpack(poor(packed))


@pytest.mark.parametrize("bag", BAGS.values(), ids=list(BAGS))
@pytest.mark.parametrize("event", list(full_events()), ids=lambda event: event.type)
def test_everything_comes_back(event: Event, bag: Bag) -> None:
    assert trip(event, bag) == event


def test_an_event_that_fits_is_left_alone() -> None:
    event = make_event(attrs={"color": "red"})
    assert pack(event, poor(event), Bag()) is event


@pytest.mark.parametrize("bag", BAGS.values(), ids=list(BAGS))
def test_pieces_are_short_and_plain(bag: Bag) -> None:
    packed = pack(make_event(brand="Ø—😀" * 50), make_event(), bag)
    values: list[Any] = []
    for value in packed.attrs.values():
        values += value if isinstance(value, list) else [value]
    assert values
    assert all(value.isascii() and (bag.piece_chars is None or len(value) <= bag.piece_chars) for value in values)


def test_what_was_invented_on_the_way_goes_again() -> None:
    event = make_event()
    packed = pack(event, make_event(currency="USD"), Bag())
    assert unpack(structs.replace(packed, currency="USD")) == event


def test_an_edit_on_the_way_is_kept() -> None:
    event = make_event(brand="Oak", user_id="u")
    packed = pack(event, poor(event), Bag())
    edited = structs.replace(poor(packed), type="search", user_id="someone else")
    back = unpack(edited)
    assert (back.type, back.user_id, back.brand) == ("search", "someone else", "Oak")


def test_a_derived_id_is_no_edit() -> None:
    event = make_event(brand="Oak")
    packed = poor(pack(event, structs.replace(poor(event), id="derived-1"), Bag()))
    assert unpack(structs.replace(packed, id="derived-2")) == event


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"v":9,"native":"","fields":{}}', '{"v":1,"native":"x","fields":{"tax":"no"}}']
)
def test_a_residue_that_cannot_be_read_costs_nothing(text: str) -> None:
    event = make_event(attrs={NAME: text, "color": "red"})
    assert unpack(event) == event


def test_a_missing_piece_costs_nothing() -> None:
    packed = poor(pack(make_event(brand="x" * 500), make_event(), Bag(64)))
    attrs = {name: value for name, value in packed.attrs.items() if name != f"{NAME}_1"}
    broken = structs.replace(packed, attrs=attrs)
    assert carries(broken)
    assert unpack(broken) == broken


def test_a_batch_without_residues_is_the_same_batch() -> None:
    events = [make_event("a"), make_event("b", attrs={"x": 1})]
    assert unpacked(events) is events


amounts = st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=20) | st.just(Decimal(0))
texts = st.none() | st.text(max_size=20)
events = st.builds(
    make_event,
    brand=texts,
    currency=texts,
    tax=amounts,
    page=st.none() | st.builds(Page, url=texts, title=texts),
    items=st.none() | st.lists(st.builds(Item, id=texts, unit_price=amounts, quantity=amounts), max_size=3).map(tuple),
    attrs=st.dictionaries(st.text(max_size=5), st.booleans() | st.integers() | texts, max_size=3),
)


@given(events, st.sampled_from(list(BAGS.values())))
def test_whatever_an_event_holds_comes_back(event: Event, bag: Bag) -> None:
    back = trip(event, bag)
    assert msgspec.to_builtins(back) == msgspec.to_builtins(event)
    assert json.loads(msgspec.json.encode(back)) == json.loads(msgspec.json.encode(event))
