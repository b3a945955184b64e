"""Small canonical events for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wye.event import Event, Origin, to_json
from wye.message import Shipment


def make_event(id: str = "e1", type: str = "item_view", **fields: Any) -> Event:  # noqa: A002  the event's own names
    """An event with everything that is required; any field can be given."""
    fields.setdefault("time_ms", 1_700_000_000_000)
    fields.setdefault("origin", Origin(vendor="test"))
    return Event(id=id, type=type, **fields)


def shipment_of(events: Sequence[Event], documents: Sequence[bytes] | None = None) -> Shipment:
    """A shipment as a transport gets it; without ``documents`` the events' canonical JSON."""
    return Shipment(events, [to_json(event) for event in events] if documents is None else documents)
