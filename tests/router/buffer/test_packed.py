"""What waits long in memory is packed, and nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.strategies import events
from router.core_rig import numbered
from samples.payloads import payloads
from wye.batch import Batch
from wye.buffer import MemoryBuffer
from wye.buffer.memory import LONG_SECS, NEAR_EVENTS, STILL_SECS
from wye.buffer.packed import Packed, packed, unpacked
from wye.buffer.pieces import cut
from wye.buffer.rows import ROW_EVENTS, encoded
from wye.delivery import Delivery
from wye.event import Event
from wye.fidelity.generate import full_events
from wye.message import Payload
from wye.registry import load
from wye.testing import make_event


def batch(of: Sequence[Event]) -> Batch:
    return Batch(of, Delivery(lambda _: None), 600, 7.0)


def comes_back(of: Sequence[Event]) -> None:
    """All of it packed, and the same to the byte."""
    parts = packed(batch(of))
    assert all(isinstance(part.events, Packed) for part in parts)
    found = [event for part in parts for event in part.events]
    assert found == list(of)
    assert encoded(found) == encoded(of)


@given(st.lists(events, max_size=5))
def test_what_is_packed_comes_back(of: list[Event]) -> None:
    comes_back(of)


def test_every_field_comes_back() -> None:
    comes_back(list(full_events()))


@pytest.mark.parametrize("vendor", ["clickstream", "google-retail", "moloco", "reelevant", "richrelevance"])
def test_what_vendors_send_is_packed_and_comes_back(vendor: str) -> None:
    part = load().adapter(vendor)
    assert part is not None
    assert part.source is not None
    decoder = part.source.build(msgspec.convert({}, part.source.config)).decoder
    of = [event for body in payloads(vendor).values() for event in decoder.decode(Payload(body, "message")).events]
    assert of
    comes_back(of)


@pytest.mark.parametrize("value", [datetime.now(UTC), b"bytes", (1, 2), 0.1, {1, 2}, object(), Decimal("NaN")])
def test_what_json_does_not_give_back_stays_as_it_is(value: Any) -> None:
    of = [make_event("plain"), make_event("strange", attrs={"a": value})]
    assert packed(batch(of))[0].events[1] is of[1]


def test_a_part_knows_all_that_its_batch_knew() -> None:
    whole = batch(numbered(2 * ROW_EVENTS + 1))
    parts = packed(whole)
    assert [len(part.events) for part in parts] == [ROW_EVENTS, ROW_EVENTS, 1]
    for part in parts:
        assert (part.delivery, part.event_bytes, part.came_at) == (whole.delivery, 600, 7.0)
        assert unpacked(part) is part
        assert not isinstance(part.events, Packed)


def test_several_sinks_share_what_is_packed_and_written() -> None:
    of = numbered(3)
    first, second = packed(batch(of)), packed(batch(list(of)))
    assert first[0].events is second[0].events
    assert cut(batch(of))[0][0].payload is cut(batch(of))[0][0].payload
    of[1] = make_event("another")
    assert [event.id for event in packed(batch(of))[0].events] == ["e0", "another", "e2"]
    assert b'"another"' in cut(batch(of))[0][0].payload


def is_packed(buffer: MemoryBuffer, now: float) -> bool:
    """Whether what is put now gets packed."""
    new = batch(numbered(1))
    buffer.put(new, now)
    queue = buffer._queue  # pyright: ignore[reportPrivateUsage]  nothing that can be seen from outside may tell
    return queue[-1] is not new


def test_only_what_will_wait_is_packed() -> None:
    buffer = MemoryBuffer(100_000, 2**30, "block")
    buffer.put(batch(numbered(NEAR_EVENTS - 1)), 0)
    assert not is_packed(buffer, LONG_SECS), "few wait"
    buffer.put(batch(numbered(1000)), LONG_SECS)
    buffer.take(NEAR_EVENTS, 2**30)
    buffer.put(batch(numbered(NEAR_EVENTS)), LONG_SECS)
    assert not is_packed(buffer, LONG_SECS + STILL_SECS / 2), "it has taken some just now"
    assert is_packed(buffer, LONG_SECS + 2 * STILL_SECS), "it takes none"
    buffer.take(1, 2**30)
    assert not is_packed(buffer, LONG_SECS + 2 * STILL_SECS)
    buffer.take(1, 2**30)
    assert is_packed(buffer, 2 * LONG_SECS), "it takes some, but the oldest has waited for long"
