from __future__ import annotations

import pytest

from wye.message import Decoded, Failure, HttpRequest, Payload, Reply, Shipment
from wye.testing import make_event, shipment_of


def test_a_payload_is_one_message_unless_said_otherwise() -> None:
    payload = Payload(b"{}")
    assert (payload.framing, payload.received_ms, payload.ip, dict(payload.query)) == ("message", 0, None, {})


def test_nothing_failed_unless_said_so() -> None:
    assert (Decoded([]).failures, Decoded([]).size, Failure("bad", b"x").index) == ((), 0, 0)


def test_messages_cannot_be_changed() -> None:
    for message, name in [
        (Payload(b""), "body"),
        (Reply(200), "status"),
        (HttpRequest([0]), "path"),
        (Shipment([], []), "events"),
    ]:
        with pytest.raises(AttributeError):
            setattr(message, name, None)


def test_a_shipment_has_a_document_for_each_event() -> None:
    events = [make_event("a"), make_event("b")]
    assert len(shipment_of(events).documents) == 2
    assert shipment_of(events, [b"1", b"2"]).documents == [b"1", b"2"]
