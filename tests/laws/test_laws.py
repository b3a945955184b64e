"""The laws that every vendor's adapter keeps, over generated events. ``make laws`` asks for many examples.

One drawn event is held against every law: drawing costs more than they do.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from msgspec import structs

from laws.strategies import events_as_read
from wye.carry import pack, unpack
from wye.event import EVENT_TYPES, Event, Origin
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format, read_document
from wye.message import Unfit
from wye.registry import load

EXAMPLES = int(os.environ.get("WYE_LAWS_EXAMPLES", "50"))

# Examples are repeated from the seed that is printed, not from a database beside it.
laws = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    print_blob=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)

FORMATS = all_formats(load())
each_format = pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)


@functools.cache
def known_types(target_name: str) -> list[str]:
    """The types that a format has a name for."""
    encoder = next(one for one in FORMATS if one.name == target_name).outbound.encoder
    probes = [Event(id="e", type=kind, time_ms=1_700_000_000_000, origin=Origin(vendor="generated")) for kind in EVENT_TYPES]
    outcomes = zip(EVENT_TYPES, encoder.encode(probes), strict=True)
    return [kind for kind, outcome in outcomes if not (isinstance(outcome, Unfit) and outcome.unmapped)]


def renamed(event: Event, target: Format) -> Event:
    """The event, as one of another type where the format has no name for its own: half of all would show nothing."""
    (outcome,) = target.outbound.encoder.encode([event])
    if not (isinstance(outcome, Unfit) and outcome.unmapped):
        return event
    known = known_types(target.name)
    return structs.replace(event, type=known[event.time_ms % len(known)])


def written(event: Event, target: Format) -> bytes | None:
    """The event as a document; ``None`` where the format does not take it."""
    (document,) = target.outbound.encoder.encode([event])
    return None if isinstance(document, Unfit) else document


def trip(event: Event, target: Format) -> tuple[Event, bytes] | None:
    """What the format makes of the event."""
    document = written(event, target)
    if document is None:
        return None
    back = read_document(event, document, target)
    assert isinstance(back, Event), f"{target.name} does not read back what it wrote: {back}"
    return back, document


def time_is_kept(event: Event, back: Event, document: bytes, target: Format) -> None:
    assert back.time_ms // 1000 == event.time_ms // 1000


def a_second_trip_changes_nothing_more(event: Event, back: Event, document: bytes, target: Format) -> None:
    """decode ∘ encode is a projection: what the format holds, it holds for good."""
    second = trip(back, target)
    assert second is not None, f"{target.name} refuses what it has read: {target.outbound.encoder.encode([back])[0]}"
    assert second[0] == back


def no_currency_is_invented(event: Event, back: Event, document: bytes, target: Format) -> None:
    named = {event.currency, *(item.currency for item in event.items or ()), None}
    assert {back.currency, *(item.currency for item in back.items or ())} <= named


def no_identity_is_invented(event: Event, back: Event, document: bytes, target: Format) -> None:
    """An identity may fall back to another that the event has; it is never made up."""
    had = {event.user_id, event.visitor_id, event.session_id, event.device.id if event.device else None, None}
    assert {back.user_id, back.visitor_id, back.session_id} <= had


def with_carry_everything_comes_back(event: Event, back: Event, document: bytes, target: Format) -> None:
    bag = target.outbound.bag
    if bag is None:
        return
    carried = trip(pack(event, back, bag), target)
    assert carried is not None, "refused for what it carries"
    # Where an event came from is carried only along with something else: it says nothing about the shopper.
    assert structs.replace(unpack(carried[0]), origin=event.origin) == event


LAWS: list[Callable[[Event, Event, bytes, Format], None]] = [
    time_is_kept,
    a_second_trip_changes_nothing_more,
    no_currency_is_invented,
    no_identity_is_invented,
    with_carry_everything_comes_back,
]


@each_format
@laws
@given(event=events_as_read)
def test_an_event_keeps_every_law(target: Format, event: Event) -> None:
    event = renamed(event, target)
    once = trip(event, target)
    assume(once is not None)
    assert once is not None
    for law in LAWS:
        law(event, *once, target)
