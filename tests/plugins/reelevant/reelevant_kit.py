"""Envelopes to decode, and events to encode, in few words."""

from __future__ import annotations

from typing import Any

from samples.payloads import exact, written
from wye.event import Event
from wye.message import Decoded, Payload, Unfit
from wye.testing import make_event
from wye_plugins.reelevant.decode import ReelevantDecoder
from wye_plugins.reelevant.encode import ReelevantEncoder

RECEIVED_MS = 1_795_207_098_264
encoder = ReelevantEncoder()
_decoder = ReelevantDecoder()


def read(body: bytes | str, **facts: Any) -> Decoded:
    """What is in a body; ``facts`` are the payload's."""
    facts.setdefault("received_ms", RECEIVED_MS)
    return _decoder.decode(Payload(body.encode() if isinstance(body, str) else body, **facts))


def one(body: bytes | str, **facts: Any) -> Event:
    """The only event in a body."""
    found = read(body, **facts)
    assert not found.failures
    (event,) = found.events
    return event


def read_back(document: Any) -> Event:
    """The event of a document."""
    return one(written(document))


def envelope(**members: object) -> str:
    """An envelope with the required members; values are JSON already."""
    parts = {"key": '"k"', "tmpId": '"t"', "eventId": '"e"', "name": '"purchase"', "url": '"u"', "data": "{}", "v": "1"}
    return "{" + ",".join(f'"{name}":{value}' for name, value in {**parts, "timestamp": 1700000000000, **members}.items()) + "}"


def ids(event: Event) -> list[str | None]:
    """The ids of an event's items."""
    return [item.id for item in event.items or ()]


def encode(event: Event, by: ReelevantEncoder = encoder) -> Any:
    """The envelope of an event."""
    (document,) = by.encode([event])
    return document if isinstance(document, Unfit) else exact(document)


def event_of(**fields: Any) -> Event:
    """An event from elsewhere, of some visitor."""
    fields.setdefault("visitor_id", "v")
    return make_event(**fields)


def labels(**fields: Any) -> dict[str, Any]:
    """The labels of an event from elsewhere."""
    return encode(event_of(**fields))["data"]
