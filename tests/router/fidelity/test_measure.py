from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec import structs

from wye.canonical import CanonicalDecoder, CanonicalEncoder
from wye.event import Event, Item
from wye.fidelity.generate import CUSTOM_TYPE, full_event, full_events
from wye.fidelity.leaves import leaves
from wye.fidelity.measure import Difference, Format, compare, measure
from wye.fidelity.pair import explain
from wye.message import Decoded, Payload, Unfit
from wye.plugin import Inbound, Limits, Outbound
from wye.testing import make_event

CANONICAL = Format("canonical", Outbound(CanonicalEncoder()), Inbound(CanonicalDecoder()))


class Forgetful:
    """A format with no place for ``drops``, which rounds prices to whole numbers and makes up a currency."""

    limits = Limits()

    def __init__(self, *drops: str) -> None:
        self.drops = drops

    def encode(self, events: Any, /) -> list[bytes | Unfit]:
        return [self._document(event) for event in events]

    def _document(self, event: Event) -> bytes | Unfit:
        if event.type == CUSTOM_TYPE:
            return Unfit("no name", unmapped=True)
        document: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(Decimal,))
        for name in self.drops:
            document.pop(name, None)
        for item in document.get("items", ()):
            if "unit_price" in item:
                item["unit_price"] = item["unit_price"].to_integral_value()
            item.setdefault("currency", "USD")
        return msgspec.json.Encoder(decimal_format="number").encode(document)

    def decode(self, payload: Payload, /) -> Decoded:
        return CanonicalDecoder().decode(payload)


def forgetful(*drops: str) -> Format:
    coder = Forgetful(*drops)
    return Format("forgetful", Outbound(coder), Inbound(coder))


def outcome(event: Event, target: Format) -> dict[str, str]:
    found = measure(event, target)
    assert not isinstance(found, Unfit)
    return {one.leaf: one.kind for one in found}


@pytest.mark.parametrize("event", list(full_events()), ids=lambda event: event.type)
def test_the_canonical_format_keeps_everything(event: Event) -> None:
    assert set(outcome(event, CANONICAL).values()) == {"kept"}
    assert set(outcome(event, CANONICAL)) == set(leaves(event))


def test_what_is_dropped_is_lost_what_is_rounded_is_coerced_what_is_made_up_is_invented() -> None:
    event = make_event(user_id="u", session_id="s", items=(Item(id="a", unit_price=Decimal("1.5")),))
    kinds = outcome(event, forgetful("session_id"))
    assert kinds["session_id"] == "lost"
    assert kinds["items.unit_price"] == "coerced"
    assert kinds["items.currency"] == "invented"
    assert kinds["user_id"] == "kept"


def test_an_equal_number_is_kept_however_it_is_written() -> None:
    before, after = make_event(tax=Decimal("1.50")), make_event(tax=Decimal("1.5"))
    assert Difference("tax", "kept", Decimal("1.50"), Decimal("1.5")) in compare(before, after)


def test_a_pair_is_measured_on_every_type_that_the_source_has() -> None:
    pair = explain(CANONICAL, forgetful("user_id"))
    lost = next(row for row in pair.rows if row.kind == "lost")
    assert (lost.leaf, lost.loss_class, lost.before) == ("user_id", "identity", "user-1")
    assert len(lost.types) == len(list(full_events())) - 1
    assert pair.unmapped == {CUSTOM_TYPE: "no name"}


def test_only_one_type_can_be_asked_for() -> None:
    pair = explain(CANONICAL, forgetful("user_id"), "purchase")
    assert {name for row in pair.rows for name in row.types} == {"purchase"}


def test_nothing_is_asked_of_the_target_that_the_source_cannot_say() -> None:
    pair = explain(forgetful("user_id"), CANONICAL)
    assert "user_id" not in {row.leaf for row in pair.rows}


def test_own_events_are_measured_besides() -> None:
    own = make_event(brand="only here", type="item_view")
    pair = explain(CANONICAL, forgetful("brand"), "item_view", [own])
    assert next(row for row in pair.rows if row.leaf == "brand").before == "only here"


def test_a_generated_event_is_always_the_same() -> None:
    assert full_event("purchase") == full_event("purchase")


class Textual(Forgetful):
    """A format whose attributes are all texts."""

    def _document(self, event: Event) -> bytes | Unfit:
        attrs = {
            name: value if isinstance(value, str) else json.dumps(value, default=str) for name, value in event.attrs.items()
        }
        return super()._document(structs.replace(event, attrs=attrs))


def test_a_value_that_comes_back_as_what_another_one_says_itself_is_ambiguous() -> None:
    coder = Textual()
    pair = explain(CANONICAL, Format("textual", Outbound(coder), Inbound(coder)), "item_view")
    kinds = {row.leaf: row.kind for row in pair.rows}
    assert kinds["attrs.truth"] == "ambiguous"
    assert kinds["attrs.truth_text"] == "kept"


def test_a_leaf_that_fares_otherwise_by_its_value_does_so_sometimes() -> None:
    pair = explain(CANONICAL, forgetful("user_id"), "item_view")
    found = {(row.leaf, row.kind): row.sometimes for row in pair.rows}
    assert found["items.unit_price", "coerced"]
    assert not found["user_id", "lost"]


def test_a_default_of_the_operators_is_no_invention() -> None:
    event = make_event(type="purchase", goods_total=Decimal(1))
    pair = explain(CANONICAL, CANONICAL, "purchase", [event], {"currency": "CHF"})
    assert [(row.leaf, row.after) for row in pair.rows if row.kind == "default"] == [("currency", "CHF")]
