from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wye_plugins.websocket.subscriber import SubscriberQueue

sizes = st.integers(min_value=0, max_value=12)


def numbered(first: int, count: int) -> list[bytes]:
    return [b"%d;" % number for number in range(first, first + count)]


class QueueAgainstModel(RuleBasedStateMachine):
    """The queue does what a plain list would do, never holds more than its bound, and counts every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = SubscriberQueue(max_events=7)
        self.model: list[bytes] = []
        self.offered = 0
        self.refused = 0
        self.written = 0

    @rule(count=sizes)
    def push(self, count: int) -> None:
        frames = numbered(self.offered, count)
        before = self.queue.dropped
        dropped = self.queue.push(frames)
        self.offered += count
        everything = self.model + frames
        self.model = everything[-7:]
        assert dropped == len(everything) - len(self.model)
        assert self.queue.dropped == before + dropped

    @rule(count=sizes)
    def put(self, count: int) -> None:
        frames = numbered(self.offered, count)
        taken = self.queue.put(frames)
        self.offered += count
        self.refused += count - taken
        assert taken == min(count, 7 - len(self.model))
        self.model += frames[:taken]

    @rule(max_bytes=st.integers(min_value=1, max_value=20))
    def take(self, max_bytes: int) -> None:
        taken = self.queue.take(max_bytes)
        frames = [piece + b";" for piece in taken.split(b";")[:-1]]
        assert frames == self.model[: len(frames)]
        assert bool(frames) == bool(self.model)
        assert len(taken) <= max_bytes or len(frames) == 1
        rest = self.model[len(frames) :]
        assert not rest or len(taken) + len(rest[0]) > max_bytes
        self.model = rest
        self.written += len(frames)

    @rule()
    def clear(self) -> None:
        self.queue.clear()
        self.model = []

    @invariant()
    def bounded_and_accounted_for(self) -> None:
        assert len(self.queue) == len(self.model) <= 7
        assert self.queue.room == 7 - len(self.model)
        assert self.offered == self.refused + self.written + self.queue.dropped + len(self.queue)


TestQueueAgainstModel = QueueAgainstModel.TestCase


@given(bound=st.integers(min_value=1, max_value=50), counts=st.lists(st.integers(min_value=0, max_value=120), max_size=10))
def test_a_subscriber_that_never_reads_keeps_the_newest(bound: int, counts: list[int]) -> None:
    queue = SubscriberQueue(bound)
    total = 0
    for count in counts:
        queue.push(numbered(total, count))
        total += count
    kept = numbered(max(total - bound, 0), min(total, bound))
    assert queue.take(1 << 20) == b"".join(kept)
    assert queue.dropped == total - len(kept)


def test_an_empty_queue_gives_nothing() -> None:
    assert SubscriberQueue(1).take(100) == b""


def test_a_frame_longer_than_the_limit_goes_alone() -> None:
    queue = SubscriberQueue(3)
    queue.put([b"long frame", b"x"])
    assert queue.take(4) == b"long frame"
    assert queue.take(4) == b"x"
