from __future__ import annotations

import msgspec
import pytest

from plugins.google_retail.retail_kit import NOW_MS, PARENT, api
from wye.event import Event, Json
from wye.message import Unfit
from wye.plugin import AdapterPart
from wye.registry import load
from wye.testing import make_event, shipment_of
from wye_plugins.google_retail.control import Control, method_of
from wye_plugins.google_retail.encode import GoogleRetailEncoder

forwarding = GoogleRetailEncoder(PARENT, forward_control=True)


def call(method: str, body: dict[str, Json]) -> Event:
    return Control(method, body).event("projects/a/locations/b/catalogs/c", NOW_MS)


PURGE = call("purge", {"filter": 'visitorId = "v"', "force": True})


def _adapters() -> list[str]:
    parts = [offer.part for offer in load().offers]
    return [part.name for part in parts if isinstance(part, AdapterPart) and part.sink is not None]


@pytest.mark.parametrize("name", _adapters())
def test_a_call_is_no_event_to_any_vendor(name: str) -> None:
    part = load().adapter(name)
    assert part is not None
    assert part.sink is not None
    (document,) = part.sink.build(part.sink.config()).encoder.encode([PURGE])
    assert isinstance(document, Unfit)
    assert document.unmapped


@pytest.mark.parametrize(
    ("event", "method"),
    [(PURGE, "purge"), (call("rejoin", {"userEventRejoinScope": "JOINED_EVENTS"}), "rejoin")],
)
def test_google_is_called_where_that_is_asked_for(event: Event, method: str) -> None:
    (document,) = forwarding.encode([event])
    assert isinstance(document, bytes)
    assert msgspec.json.decode(document) == event.extra
    (request,) = forwarding.requests(shipment_of([event], [document]))
    assert (request.path, request.body) == (f"/v2/{PARENT}/userEvents:{method}", document)


@pytest.mark.parametrize("kind", ["control:google-retail.drop", "control:other.purge", "control:"])
def test_a_call_that_is_not_googles_is_not_forwarded(kind: str) -> None:
    event = make_event(type=kind)
    assert method_of(event) is None
    (document,) = forwarding.encode([event])
    assert isinstance(document, Unfit)
    assert document.unmapped


def test_the_same_call_a_moment_later_is_another() -> None:
    body: dict[str, Json] = {"filter": 'visitorId = "v"', "force": True}
    later = Control("purge", body).event(PARENT, NOW_MS + 1)
    assert Control("purge", body).event(PARENT, NOW_MS).id == Control("purge", body).event(PARENT, NOW_MS).id != later.id


def test_a_call_does_not_disturb_the_events_beside_it() -> None:
    event = make_event(type="home_view", visitor_id="v")
    first, second = api.encode([PURGE, event])
    assert isinstance(first, Unfit)
    assert isinstance(second, bytes)
