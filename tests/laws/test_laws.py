"""The laws that every vendor's adapter keeps, over generated events and bytes. ``make laws`` asks for many examples."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from laws.strategies import events
from wye.carry import pack, unpack
from wye.event import Event
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format, compare, read_document
from wye.message import Decoded, Failure, Payload, Unfit
from wye.registry import load

EXAMPLES = int(os.environ.get("WYE_LAWS_EXAMPLES", "25"))
SAMPLES = Path(__file__).resolve().parents[1] / "samples"

laws = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    print_blob=True,
)

FORMATS = all_formats(load())
each_format = pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)


def trip(event: Event, target: Format) -> tuple[Event, bytes]:
    """What the format makes of the event; skips events that it does not take."""
    (document,) = target.outbound.encoder.encode([event])
    assume(not isinstance(document, Unfit))
    assert isinstance(document, bytes)
    back = read_document(event, document, target)
    assert isinstance(back, Event), f"{target.name} does not read back what it wrote: {back}"
    return back, document


@each_format
@laws
@given(event=events)
def test_encoding_never_raises_and_what_is_written_is_read_back(target: Format, event: Event) -> None:
    back, _ = trip(event, target)
    assert back.time_ms // 1000 == event.time_ms // 1000


@each_format
@laws
@given(event=events)
def test_a_second_trip_changes_nothing_more(target: Format, event: Event) -> None:
    """decode ∘ encode is a projection: what the format holds, it holds for good."""
    once, document = trip(event, target)
    twice, again = trip(once, target)
    assert compare(once, twice) == [one for one in compare(once, twice) if one.kind == "kept"]
    assert again == document or read_document(once, again, target) == twice


@each_format
@laws
@given(event=events)
def test_no_currency_is_invented(target: Format, event: Event) -> None:
    back, _ = trip(event, target)
    named = {event.currency, *(item.currency for item in event.items or ()), None}
    assert {back.currency, *(item.currency for item in back.items or ())} <= named


@each_format
@laws
@given(event=events)
def test_no_identity_is_invented(target: Format, event: Event) -> None:
    """An identity may fall back to another that the event has; it is never made up."""
    back, _ = trip(event, target)
    had = {event.user_id, event.visitor_id, event.session_id, event.device.id if event.device else None, None}
    assert {back.user_id, back.visitor_id, back.session_id} <= had


@each_format
@laws
@given(event=events)
def test_with_carry_everything_comes_back(target: Format, event: Event) -> None:
    bag = target.outbound.bag
    if bag is None:
        pytest.skip(f"{target.name} has no free attributes to carry in")
    back, _ = trip(event, target)
    carried, _ = trip(pack(event, back, bag), target)
    # Where an event came from is carried only along with something else: it says nothing about the shopper.
    assert structs.replace(unpack(carried), origin=event.origin) == event


def _checked(decoded: Decoded, started: float, size: int) -> None:
    assert all(isinstance(one, Event) for one in decoded.events)
    assert all(isinstance(one, Failure) for one in decoded.failures)
    assert time.perf_counter() - started < 1 + size / 100_000


@each_format
@laws
@given(body=st.binary(max_size=400), framing=st.sampled_from(["lines", "message"]))
def test_any_bytes_give_events_or_failures(target: Format, body: bytes, framing: str) -> None:
    started = time.perf_counter()
    _checked(target.inbound.decoder.decode(Payload(body, framing)), started, len(body))  # type: ignore[arg-type]


@each_format
@laws
@given(data=st.data())
def test_mutated_samples_give_events_or_failures(target: Format, data: st.DataObject) -> None:
    files = sorted((SAMPLES / target.name).glob("*.json"))
    body = bytearray(data.draw(st.sampled_from(files)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body) - 1))
        end = min(len(body), start + data.draw(st.integers(0, 8)))
        body[start:end] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"null", b"-1", b'""', b"[]", b"{}", b"1e99", b"true"])
        )
    started = time.perf_counter()
    decoded = target.inbound.decoder.decode(Payload(bytes(body)))
    _checked(decoded, started, len(body))
    target.outbound.encoder.encode(decoded.events)
