"""Envelopes to decode, and events to encode, in few words."""

from __future__ import annotations

from functools import partial
from typing import Any

from plugins.vendor_kit import read_body, read_one, spelled, write_one
from samples.payloads import written
from wye.event import Event
from wye.testing import make_event
from wye_plugins.reelevant.decode import ReelevantDecoder
from wye_plugins.reelevant.encode import ReelevantEncoder

RECEIVED_MS = 1_795_207_098_264
encoder = ReelevantEncoder()
_decoder = ReelevantDecoder()
read = partial(read_body, _decoder, received_ms=RECEIVED_MS)
one = partial(read_one, _decoder, received_ms=RECEIVED_MS)


def read_back(document: Any) -> Event:
    """The event of a document."""
    return one(written(document))


def envelope(**members: object) -> str:
    """An envelope with the required members; values are JSON already."""
    parts = {"key": '"k"', "tmpId": '"t"', "eventId": '"e"', "name": '"purchase"', "url": '"u"', "data": "{}", "v": "1"}
    return spelled({**parts, "timestamp": 1700000000000, **members})


def ids(event: Event) -> list[str | None]:
    """The ids of an event's items."""
    return [item.id for item in event.items or ()]


def encode(event: Event, by: ReelevantEncoder = encoder) -> Any:
    """The envelope of an event."""
    return write_one(by, event)


def event_of(**fields: Any) -> Event:
    """An event from elsewhere, of some visitor."""
    fields.setdefault("visitor_id", "v")
    return make_event(**fields)


def labels(**fields: Any) -> dict[str, Any]:
    """The labels of an event from elsewhere."""
    return encode(event_of(**fields))["data"]
