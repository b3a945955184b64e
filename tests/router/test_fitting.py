from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal

import pytest

from wye.event import Event, Item
from wye.fidelity.measure import Format
from wye.fitting import NEAREST, SAMPLE_EVERY, Fitting, FittingEncoder, with_defaults
from wye.ledger import MOST_NAMES, TypeLosses
from wye.message import Decoded, Payload, Unfit
from wye.plugin import Inbound, Limits, Outbound
from wye.testing import make_event


class Narrow:
    """A format that has names for ``types`` only, and no place for a title, a currency or attributes but the carried type."""

    limits = Limits()

    def __init__(self, *types: str) -> None:
        self.types = types
        self.decoded = 0

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [self._document(event) for event in events]

    def _document(self, event: Event) -> bytes | Unfit:
        if event.type not in self.types:
            return Unfit(f"no name for {event.type}", unmapped=True)
        carried = event.attrs.get("wye_type", "")
        return f"{event.id} {event.type} {event.time_ms} {carried} {event.currency or ''}".encode()

    def decode(self, payload: Payload, /) -> Decoded:
        self.decoded += 1
        event_id, event_type, time_ms, *_ = payload.body.decode().split(" ")
        return Decoded([make_event(event_id, event_type, time_ms=int(time_ms))])


def fitted(coder: Narrow, **options: object) -> tuple[FittingEncoder, dict[str, TypeLosses]]:
    losses: dict[str, TypeLosses] = {}
    readback = Format("narrow", Outbound(coder), Inbound(coder))
    return FittingEncoder("partner", coder, Fitting(**options), readback, losses), losses  # type: ignore[arg-type]


def test_a_type_without_a_name_is_filtered_unless_something_else_was_said() -> None:
    encoder, _ = fitted(Narrow("item_view"))
    (document,) = encoder.encode([make_event(type="item_click")])
    assert document == Unfit("no name for item_click", unmapped=True)


def test_a_type_without_a_name_can_go_to_the_dead_letters() -> None:
    encoder, _ = fitted(Narrow("item_view"), unmapped="dead_letter")
    (document,) = encoder.encode([make_event(type="item_click")])
    assert document == Unfit("no name for item_click", unmapped=False)


def test_the_nearest_type_is_sent_with_the_original_one_carried() -> None:
    encoder, _ = fitted(Narrow("page_view"), unmapped="nearest")
    (document,) = encoder.encode([make_event("e7", "brand_view")])
    assert isinstance(document, bytes)
    assert document.split()[:4] == [b"e7", b"page_view", b"1700000000000", b"brand_view"]


@pytest.mark.parametrize("event_type", ["purchase", "remove_from_cart", "search", "custom:anything"])
def test_a_type_that_nothing_is_near_to_stays_unmapped(event_type: str) -> None:
    encoder, _ = fitted(Narrow("page_view", "item_view", "add_to_cart"), unmapped="nearest")
    (document,) = encoder.encode([make_event(type=event_type)])
    assert isinstance(document, Unfit)
    assert document.unmapped


def test_nearest_types_lead_nowhere_false() -> None:
    for event_type, others in NEAREST.items():
        assert event_type not in others
        assert "purchase" not in others


def test_a_default_is_given_only_where_the_event_is_silent() -> None:
    priced = make_event(items=(Item(unit_price=Decimal(0)),))
    assert with_defaults(priced, {"currency": "EUR"}).currency == "EUR"
    assert with_defaults(make_event(goods_total=Decimal(1), currency="USD"), {"currency": "EUR"}).currency == "USD"
    assert with_defaults(make_event(), {"channel": "site"}).channel == "site"


def test_an_event_without_money_gets_no_currency() -> None:
    assert with_defaults(make_event(), {"currency": "EUR"}).currency is None
    itself = make_event(items=(Item(unit_price=Decimal(1), currency="USD"),))
    assert with_defaults(itself, {"currency": "EUR"}).currency is None


def test_losses_are_counted_by_type_from_a_sample() -> None:
    coder = Narrow("item_view", "search")
    encoder, losses = fitted(coder)
    encoder.encode([make_event(str(n), "item_view", brand="b") for n in range(SAMPLE_EVERY - 1)])
    encoder.encode([make_event(str(n), "item_view", brand="b") for n in range(2)])
    encoder.encode([make_event(type="search")])
    assert losses["item_view"].events == SAMPLE_EVERY + 1
    assert losses["item_view"].sampled == 2
    assert losses["item_view"].leaves == {"lost brand": 2}
    assert losses["search"].leaves == {}
    assert coder.decoded == 3


def test_an_acknowledged_loss_is_not_counted() -> None:
    encoder, losses = fitted(Narrow("item_view"), acknowledged=frozenset({"brand"}))
    encoder.encode([make_event(brand="b")])
    assert losses["item_view"].leaves == {}


def test_a_loss_of_a_strict_class_goes_to_the_dead_letters_with_its_leaf() -> None:
    encoder, _ = fitted(Narrow("item_view"), policies={"money": "dead_letter"})
    kept, lost = encoder.encode([make_event("a", brand="b"), make_event("b", currency="EUR")])
    assert isinstance(kept, bytes)
    assert lost == Unfit("on_loss: currency (lost)")


def test_with_a_policy_every_event_is_measured() -> None:
    coder = Narrow("item_view")
    encoder, _ = fitted(coder, policies={"context": "warn"})
    encoder.encode([make_event(str(n)) for n in range(10)])
    assert coder.decoded == 10


def test_a_warning_is_said_once_a_leaf(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    encoder, _ = fitted(Narrow("item_view"), policies={"context": "warn"})
    encoder.encode([make_event(str(n), brand="b") for n in range(10)])
    assert caplog.messages == ["sink partner: brand is lost, first in an event of type item_view"]


def test_an_adapter_that_cannot_read_back_costs_no_event(caplog: pytest.LogCaptureFixture) -> None:
    class Mute(Narrow):
        def decode(self, payload: Payload, /) -> Decoded:
            raise RuntimeError("mute")

    encoder, losses = fitted(Mute("item_view"), policies={"money": "dead_letter"})
    documents = encoder.encode([make_event(currency="EUR"), make_event(currency="EUR")])
    assert all(isinstance(document, bytes) for document in documents)
    assert losses["item_view"].sampled == 0
    assert caplog.messages == ["sink partner: its losses cannot be measured: RuntimeError: mute"]


def test_an_adapter_that_is_only_written_is_not_measured() -> None:
    losses: dict[str, TypeLosses] = {}
    encoder = FittingEncoder("partner", Narrow("item_view"), Fitting(), None, losses)
    assert encoder.encode([make_event()]) != []
    assert losses == {}


class Anything(Narrow):
    """Has a name for every type."""

    def _document(self, event: Event) -> bytes | Unfit:
        return f"{event.id} {event.type} {event.time_ms}".encode()


def test_senders_who_think_of_ever_new_types_and_attributes_fill_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    encoder, losses = fitted(Anything(), policies={"attributes": "warn"})
    names = [f"n{number}" for number in range(MOST_NAMES * 2)]
    encoder.encode([make_event(name, f"custom:{name}", attrs={name: "x"}) for name in names])
    encoder.encode([make_event(name, "item_view", attrs={name: "x"}) for name in names])
    assert sum(one.events for one in losses.values()) == 4 * MOST_NAMES
    assert len(losses) == MOST_NAMES + 1
    assert all(len(one.leaves) <= MOST_NAMES + 1 for one in losses.values())
    assert len(caplog.messages) == MOST_NAMES + 1
    assert caplog.messages[-1] == "sink partner: and more, which are not said one by one"
