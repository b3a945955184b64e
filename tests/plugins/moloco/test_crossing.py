"""From one vendor to the other: every sample arrives with what the other requires, and with no money that was not there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from samples.payloads import exact, payloads
from wye.fitting import with_defaults
from wye.message import Payload, Unfit
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.clickstream.encode import ClickstreamEncoder
from wye_plugins.moloco.decode import MolocoDecoder
from wye_plugins.moloco.encode import MolocoEncoder
from wye_plugins.richrelevance.decode import RichRelevanceDecoder
from wye_plugins.richrelevance.encode import RichRelevanceEncoder

OURS = payloads("moloco")
STREAM = payloads("richrelevance")
COLLECTED = payloads("clickstream")
UNMAPPED = ("03-brandView", "04-categoryView", "05-itemClick")


@pytest.mark.parametrize("sample", STREAM)
def test_a_stream_event_arrives_or_is_unmapped(sample: str) -> None:
    events = RichRelevanceDecoder().decode(Payload(STREAM[sample])).events
    (document,) = MolocoEncoder().encode(events)
    if isinstance(document, Unfit):
        assert document.unmapped
        assert sample in UNMAPPED
        return
    found = exact(document)
    assert {"id", "event_type", "timestamp", "channel_type"} <= found.keys()
    assert found.get("user_id") == (events[0].user_id or None)
    assert found["device"] == {"persistent_id": events[0].visitor_id}
    assert b"currency" not in document


def test_an_order_of_the_stream_has_money_once_the_operator_names_the_currency() -> None:
    (event,) = RichRelevanceDecoder().decode(Payload(STREAM["07-order"])).events
    (document,) = MolocoEncoder().encode([with_defaults(event, {"currency": "EUR"})])
    assert isinstance(document, bytes)
    found = exact(document)
    assert found["revenue"] == {"currency": "EUR", "amount": Decimal("58.97")}
    assert [item["price"]["amount"] for item in found["items"]] == [Decimal("10.99"), Decimal("23.99")]


@pytest.mark.parametrize("sample", COLLECTED)
def test_a_clickstream_event_arrives_or_is_unfit_with_the_reason(sample: str) -> None:
    events = ClickstreamDecoder().decode(Payload(COLLECTED[sample])).events
    for event, document in zip(events, MolocoEncoder().encode(events), strict=True):
        if isinstance(document, Unfit):
            assert document.unmapped or "is empty" in document.reason or "are empty" in document.reason
            continue
        found = exact(document)
        assert found["channel_type"] in ("APP", "SITE")
        assert len(found.get("items", ())) == len(event.items or ())
        assert found.get("revenue", {}).get("amount") == event.goods_total


@pytest.mark.parametrize("sample", OURS)
def test_there_and_back_through_clickstream_is_the_same_event_to_the_shopper(sample: str) -> None:
    (event,) = MolocoDecoder().decode(Payload(OURS[sample])).events
    (across,) = ClickstreamEncoder().encode([event])
    assert isinstance(across, bytes)
    (back,) = ClickstreamDecoder().decode(Payload(across)).events
    names = ["id", "type", "time_ms", "user_id", "visitor_id", "session_id", "currency", "goods_total", "channel"]
    # There, shipping belongs to an order.
    for name in [*names, "shipping"] if event.type == "purchase" else names:
        assert getattr(back, name) == getattr(event, name), name
    prices = [(item.id, item.unit_price, item.currency, item.quantity) for item in event.items or ()]
    assert [(item.id, item.unit_price, item.currency, item.quantity) for item in back.items or ()] == prices


def test_an_order_arrives_at_the_stream_in_cents() -> None:
    (event,) = MolocoDecoder().decode(Payload(OURS["connector-PURCHASE"])).events
    (document,) = RichRelevanceEncoder().encode([event])
    assert isinstance(document, bytes)
    assert exact(document)["orders"] == [{"itemId": "2031646", "priceCents": 5000, "quantity": 25}]
