from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core_rig import numbered
from wye.batch import Batch
from wye.buffer import MemoryBuffer, memory
from wye.delivery import Delivery
from wye.options import WhenFull

Put = st.tuples(st.just("put"), st.integers(1, 9), st.integers(0, 12))
Take = st.tuples(st.just("take"), st.integers(1, 6), st.integers(1, 40))
Settle = st.tuples(st.just("settle"), st.integers(1, 6), st.just(0))


def batch(count: int, event_bytes: int = 0, prefix: str = "e") -> Batch:
    return Batch(numbered(count, prefix), Delivery(lambda _: None), event_bytes)


def ids(batches: list[Batch]) -> list[str]:
    return [event.id for one in batches for event in one.events]


class Model:
    """The buffer as one would write it without a thought for speed: event by event."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self.max_events, self.max_bytes = max_events, max_bytes
        self.queued: deque[tuple[str, int]] = deque()
        self.taken: deque[tuple[str, int]] = deque()

    def fits(self, count: int, size: int) -> bool:
        held = [*self.queued, *self.taken]
        if not held and count <= 1:
            return True
        return len(held) + count <= self.max_events and (not size or sum(s for _, s in held) + count * size <= self.max_bytes)

    def put(self, names: list[str], size: int, when_full: WhenFull) -> list[str]:
        dropped: list[str] = []
        if when_full == "drop_newest":
            while names and not self.fits(len(names), size):
                dropped.insert(0, names.pop())
        elif when_full == "drop_oldest" and not self.fits(len(names), size):
            queued, self.queued = self.queued, deque[tuple[str, int]]()
            while names and not self.fits(len(names), size):
                dropped.append(names.pop(0))
            self.queued, gone = queued, list[str]()
            while names and self.queued and not self.fits(len(names), size):
                gone.append(self.queued.popleft()[0])
            dropped = gone + dropped
        self.queued.extend((name, size) for name in names)
        return dropped


@settings(max_examples=400)
@given(
    when_full=st.sampled_from(["block", "drop_newest", "drop_oldest"]),
    max_events=st.integers(1, 12),
    max_bytes=st.integers(1, 60),
    near=st.sampled_from([1, 3, 2_000]),
    steps=st.lists(st.one_of(Put, Put, Take, Settle), max_size=40),
)
def test_it_does_what_the_simple_model_does(
    when_full: WhenFull, max_events: int, max_bytes: int, near: int, steps: list[tuple[str, int, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "NEAR_EVENTS", near)
        _play(when_full, max_events, max_bytes, steps)


def _play(when_full: WhenFull, max_events: int, max_bytes: int, steps: list[tuple[str, int, int]]) -> None:
    buffer, model = MemoryBuffer(max_events, max_bytes, when_full), Model(max_events, max_bytes)
    taken: deque[Batch] = deque()
    for number, (what, count, size) in enumerate(steps):
        if what == "put":
            new = batch(count, size, f"{number}-")
            if when_full == "block" and not buffer.room_for(count, size):
                assert not model.fits(count, size)
                continue
            dropped = ids(buffer.put(new, number))
            assert dropped == model.put(ids([new]), size, when_full)
            kept = len([name for name in ids([new]) if name not in dropped])
            if kept and buffer.held_events > kept:
                assert buffer.held_events <= max_events
                assert not size or buffer.held_bytes <= max_bytes
            elif when_full != "block":
                assert kept <= 1 or kept * size <= max_bytes
        elif what == "take" and buffer.queued_events:
            lot = buffer.take(count, size)
            expected = [model.queued.popleft() for _ in lot.events]
            assert [event.id for event in lot.events] == [name for name, _ in expected]
            assert [one.event_bytes for one in lot.batches] == [one for _, one in expected]
            assert lot.bytes == sum(one for _, one in expected)
            assert 1 <= len(lot.events) <= count
            assert lot.bytes <= size or lot.bytes == expected[0][1]
            model.taken.extend(expected)
            taken.extend(lot.batches)
        elif what == "settle":
            for _ in range(min(count, len(model.taken))):
                model.taken.popleft()
                buffer.settled(taken.popleft(), 1, "delivered")
        assert buffer.queued_events == len(model.queued)
        assert buffer.queued_bytes == sum(one for _, one in model.queued)
        assert buffer.held_events == len(model.queued) + len(model.taken)
        assert buffer.held_bytes == sum(one for _, one in [*model.queued, *model.taken])
        assert (buffer.oldest_at is None) == (not model.queued)


def test_what_is_in_flight_counts_against_the_bound() -> None:
    buffer = MemoryBuffer(4, 100, "block")
    buffer.put(batch(4, 10), 0)
    lot = buffer.take(4, 100)
    assert not buffer.room_for(1, 10)
    buffer.settled(lot.batches[0], 2, "delivered")
    assert buffer.room_for(2, 10)
    assert not buffer.room_for(3, 10)


def test_an_event_larger_than_the_whole_bound_fits_when_it_is_alone() -> None:
    buffer = MemoryBuffer(4, 100, "drop_newest")
    assert buffer.put(batch(1, 500), 0) == []
    assert ids(buffer.put(batch(1, 1, "late"), 1)) == ["late0"]


def test_small_new_events_push_out_no_more_large_old_ones_than_they_must() -> None:
    buffer = MemoryBuffer(1000, 1000, "drop_oldest")
    buffer.put(batch(10, 100, "old"), 0)
    assert ids(buffer.put(batch(10, 10, "new"), 1)) == ["old0"]


def test_what_cannot_be_kept_pushes_out_nothing() -> None:
    buffer = MemoryBuffer(4, 100, "drop_oldest")
    buffer.put(batch(2, 10, "old"), 0)
    buffer.take(1, 100)
    assert ids(buffer.put(batch(1, 500, "huge"), 1)) == ["huge0"]
    assert buffer.queued_events == 1


def test_the_age_of_the_oldest_survives_a_partial_take() -> None:
    buffer = MemoryBuffer(10, 100, "block")
    buffer.put(batch(3), 7.0)
    buffer.put(batch(1), 9.0)
    buffer.take(2, 100)
    assert buffer.oldest_at == 7.0
    buffer.take(1, 100)
    assert buffer.oldest_at == 9.0


def test_a_batch_in_two_lots_is_still_one_delivery() -> None:
    buffer = MemoryBuffer(10, 100, "block")
    new = batch(5, 3)
    buffer.put(new, 0)
    lots = [buffer.take(3, 100), buffer.take(3, 100)]
    assert [one.delivery for lot in lots for one in lot.batches] == [new.delivery] * 5
