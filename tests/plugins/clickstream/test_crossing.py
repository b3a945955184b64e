"""From one vendor to the other: every sample arrives with what the other requires, and with no money that was not there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from samples.payloads import exact, payloads
from wye.message import Payload, Unfit
from wye_plugins.clickstream.decode import ClickstreamDecoder
from wye_plugins.clickstream.encode import ClickstreamEncoder
from wye_plugins.richrelevance.decode import RichRelevanceDecoder
from wye_plugins.richrelevance.encode import RichRelevanceEncoder

STREAM = payloads("richrelevance")
COLLECTED = payloads("clickstream")


def to_clickstream(sample: str) -> bytes:
    (document,) = ClickstreamEncoder().encode(RichRelevanceDecoder().decode(Payload(STREAM[sample])).events)
    assert isinstance(document, bytes)
    return document


@pytest.mark.parametrize("sample", STREAM)
def test_a_stream_event_becomes_a_clickstream_document(sample: str) -> None:
    document = exact(to_clickstream(sample))
    assert {"event_type", "event_id", "timestamp", "app_id", "unique_id"} <= document.keys()
    assert document["app_id"] == document["app_id"].strip()
    assert "currency" not in str(document)


def test_an_order_arrives_in_major_units() -> None:
    document = exact(to_clickstream("07-order"))
    assert document["items"] == [
        {"id": "item123", "price": Decimal("10.99"), "quantity": 1},
        {"id": "item456", "price": Decimal("23.99"), "quantity": 2},
    ]
    assert document["attributes"]["value"] == Decimal("58.97")
    assert "event_value" not in document


@pytest.mark.parametrize("sample", STREAM)
def test_there_and_back_is_the_same_to_the_shopper(sample: str) -> None:
    first = exact(STREAM[sample])
    (event,) = ClickstreamDecoder().decode(Payload(to_clickstream(sample))).events
    (document,) = RichRelevanceEncoder().encode([event])
    assert isinstance(document, bytes)
    assert exact(document) == {**first, "apiKey": first["apiKey"].strip()}


@pytest.mark.parametrize("sample", COLLECTED)
def test_a_clickstream_event_becomes_a_stream_document_or_is_unmapped(sample: str) -> None:
    events = ClickstreamDecoder().decode(Payload(COLLECTED[sample])).events
    for event, document in zip(events, RichRelevanceEncoder().encode(events), strict=True):
        if isinstance(document, Unfit):
            assert not event.items if "is required" in document.reason else document.unmapped
            continue
        found = exact(document)
        assert {"apiKey", "userId", "sessionId", "eventType", "eventTime"} <= found.keys()
        assert (found["userId"], found.get("rrUserId")) == (event.user_id or "", event.visitor_id)
        for item, line in zip(event.items or (), found.get("orders", found.get("addedToCartItems", ())), strict=False):
            assert ("priceCents" in line) == (item.unit_price is not None)
            assert ("quantity" in line) == (item.quantity is not None)
