from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from router.core_rig import (
    Changing,
    Slow,
    Words,
    boom,
    decoded,
    events_of,
    letters_in,
    make_sink,
    numbered,
    only,
    running,
    stuck,
    writing,
)
from wye.batcher import Batcher
from wye.deadletters import DeadLetters
from wye.dedupe import Dedupe
from wye.delivery import Outcome
from wye.event import Event
from wye.message import Failure
from wye.options import WhenFull
from wye.route import Dispatcher, Leg
from wye.testing.transport import FakeTransport


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.db")


# ── what goes where ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_sink_gets_what_its_leg_lets_through(letters: DeadLetters) -> None:
    all_of_it, some, words = FakeTransport(), FakeTransport(), Words()
    one, two = make_sink(letters, all_of_it, name="one"), make_sink(letters, some, name="two")
    dispatcher = Dispatcher("in", [Leg(one), Leg(two, where=only("b"))], letters)
    async with running(one, two):
        await dispatcher.emit(decoded(events_of("a", "b", "c")), on_settled=words.append)
    assert (all_of_it.ids, some.ids, words) == ([["a", "b", "c"]], [["b"]], [True])
    assert (two.account.received, two.account.filtered, two.account.delivered) == (3, 2, 1)
    assert dispatcher.account.received == 3


async def test_transforms_run_in_order_and_what_they_drop_counts_as_filtered(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport)
    seen: list[str] = []

    def note(event: Event) -> Event | None:
        seen.append(event.id)
        return event

    leg = Leg(sink, [Changing(lambda event: None if event.id == "a" else event), Changing(note)])
    async with running(sink):
        assert await Dispatcher("in", [leg], letters).deliver(decoded(events_of("a", "b")))
    assert (transport.ids, seen, sink.account.filtered) == ([["b"]], ["b"], 1)


async def test_a_transform_that_raises_costs_only_its_event(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport)
    async with writing(letters), running(sink):
        assert await Dispatcher("in", [Leg(sink, [Changing(boom)])], letters).deliver(decoded(events_of("a", "bad", "c")))
    assert transport.ids == [["a", "c"]]
    [letter] = letters_in(letters.path)
    assert letter["stage"] == "transform"
    assert letter["reason"].startswith("transform raised ZeroDivisionError: no (router/")
    assert (letter["sink"], letter["event"]["id"]) == ("sink", "bad")
    assert (sink.account.received, sink.account.dead_lettered, sink.account.balanced) == (3, 1, True)


async def test_an_event_that_failed_in_a_transform_is_in_flight_until_its_letter_is_safe(letters: DeadLetters) -> None:
    sink = make_sink(letters)
    words = Words()
    await Dispatcher("in", [Leg(sink, [Changing(boom)])], letters).emit(decoded(events_of("bad")), on_settled=words.append)
    assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (1, 0, True)
    assert words == []
    async with writing(letters):
        pass
    assert (sink.account.in_flight, sink.account.dead_lettered, words) == (0, 1, [True])


async def test_records_that_could_not_be_decoded_are_buried_with_place_and_bytes(letters: DeadLetters) -> None:
    failures = [Failure("no object", b"[1]", 4), Failure("not UTF-8", b"\xff{", 6)]
    dispatcher = Dispatcher("in", [], letters)
    words = Words()
    await dispatcher.emit(decoded([], 5, failures), on_settled=words.append, place=lambda index: f"line {index + 1}")
    assert (words, dispatcher.account.undecodable, dispatcher.account.in_flight) == ([], 2, 2)
    async with writing(letters):
        pass
    one, two = letters_in(letters.path)
    assert (one["stage"], one["source"], one["position"], one["original"]) == ("decode", "in", "line 5", "[1]")
    assert b64decode(two["original_base64"]) == b"\xff{"
    assert "original" not in two
    assert (words, dispatcher.account.in_flight) == ([True], 0)


@pytest.mark.parametrize("events", [[], events_of("a", "b")])
async def test_what_concerns_no_sink_is_settled_at_once(letters: DeadLetters, events: list[Event]) -> None:
    words = Words()
    await Dispatcher("in", [], letters).emit(decoded(events), on_settled=words.append)
    await Dispatcher("in", [Leg(make_sink(letters), where=only())], letters).emit(decoded(events), on_settled=words.append)
    assert words == [True, True]


async def test_what_the_operator_lets_drop_is_no_failure(letters: DeadLetters) -> None:
    words = Words()
    sink = stuck(letters, "lossy", "drop_newest", max_events=1)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    await dispatcher.emit(decoded(events_of("a")))
    await dispatcher.emit(decoded(events_of("b")), on_settled=words.append)
    assert words == [True]


async def test_a_source_that_raises_when_told_stops_nobody(letters: DeadLetters, caplog: pytest.LogCaptureFixture) -> None:
    def grumble(safe: bool) -> None:
        raise ValueError("not interested")

    sink = make_sink(letters)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    async with running(sink):
        await dispatcher.emit(decoded(events_of("a")), on_settled=grumble)
        assert await dispatcher.deliver(decoded(events_of("b")))
    assert "not interested" in caplog.text


# ── the end of intake ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stopping_ends_reading_and_nothing_else(letters: DeadLetters, autojump_clock: MockClock) -> None:
    sink = make_sink(letters)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    async with running(sink), trio.open_nursery() as nursery:

        async def stop_later() -> None:
            await trio.sleep(1)
            dispatcher.stop()

        nursery.start_soon(stop_later)
        with dispatcher.until_stopped():
            await trio.sleep_forever()
        with dispatcher.until_stopped():
            await trio.sleep_forever()
        assert dispatcher.stopped
        assert await dispatcher.deliver(decoded(events_of("read before")))


# ── everything at once ───────────────────────────────────────────────────────────────────────────────────────────────────

Batches = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.booleans()), min_size=1, max_size=8)
Bound = st.tuples(st.sampled_from(["block", "block", "drop_newest", "drop_oldest"]), st.integers(1, 9), st.integers(5, 60))


@settings(max_examples=80, deadline=None)
@given(batches=Batches, bounds=st.lists(Bound, min_size=1, max_size=3), legs=st.lists(st.integers(0, 2), max_size=4))
def test_every_batch_is_settled_once_and_every_account_is_in_balance(
    batches: list[tuple[int, int, bool]], bounds: list[tuple[WhenFull, int, int]], legs: list[int]
) -> None:
    """Several sources at once, some of them giving up while they wait."""

    async def check() -> None:
        letters = DeadLetters(Path("/nowhere"))
        sinks = [
            make_sink(
                letters,
                Slow(),
                name=f"sink{number}",
                when_full=when_full,
                max_events=max_events,
                max_bytes=max_bytes,
                batcher=Batcher(4, 30, 0.2),
            )
            for number, (when_full, max_events, max_bytes) in enumerate(bounds)
        ]
        ways = [Leg(sinks[number % len(sinks)]) for number in legs]
        words: list[Words] = []
        given_up: list[Words] = []

        async def emit(number: int, count: int, event_bytes: int, impatient: bool) -> None:
            told = Words()
            with trio.move_on_after(1.5 if impatient else 10_000) as patience:
                dispatcher = Dispatcher(f"in{number}", ways, letters)
                batch = decoded(numbered(count, f"{number}-"), size=count * event_bytes)
                await dispatcher.emit(batch, on_settled=told.append)
            if patience.cancelled_caught:
                assert impatient
                given_up.append(told)
            else:
                words.append(told)

        async with running(*sinks), trio.open_nursery() as nursery:
            for number, (count, event_bytes, impatient) in enumerate(batches):
                nursery.start_soon(emit, number, count, event_bytes, impatient)
        assert words == [[True]] * (len(batches) - len(given_up))
        assert not any(given_up)
        for sink in sinks:
            assert sink.account.balanced
            assert sink.account.in_flight == sink.buffer.held_bytes == 0

    trio.run(check, clock=MockClock(autojump_threshold=0))


# ── repeats ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_comes_again_once_it_is_safe_is_filtered_everywhere(letters: DeadLetters) -> None:
    one, other = make_sink(letters, name="one"), make_sink(letters, name="other")
    dispatcher = Dispatcher("s", [Leg(one), Leg(other, where=only("c"))], letters, Dedupe(60, 100))
    async with running(one, other):
        assert await dispatcher.deliver(decoded(events_of("a", "b")))
        assert await dispatcher.deliver(decoded(events_of("b", "c")))
        assert await dispatcher.deliver(decoded(events_of("b", "c")))
    assert (one.account.received, one.account.delivered, one.account.filtered) == (6, 3, 3)
    assert (other.account.received, other.account.delivered, other.account.filtered) == (6, 1, 5)
    assert dispatcher.account.received == 6


async def test_what_comes_again_before_it_is_safe_is_no_repeat(letters: DeadLetters) -> None:
    transport = FakeTransport()
    transport.gate = trio.Event()
    sink = make_sink(letters, transport)
    dispatcher = Dispatcher("s", [Leg(sink)], letters, Dedupe(60, 100))
    words = Words()
    async with running(sink):
        await dispatcher.emit(decoded(events_of("a")), on_settled=words.append)
        await dispatcher.emit(decoded(events_of("a")), on_settled=words.append)
        transport.gate.set()
    assert (words, sink.account.delivered) == ([True, True], 2)


async def test_what_failed_is_taken_when_it_comes_again(letters: DeadLetters) -> None:
    sink, failing, dedupe, words = make_sink(letters), stuck(letters, "failing"), Dedupe(60, 100), Words()
    await Dispatcher("s", [Leg(failing)], letters, dedupe).emit(decoded(events_of("a")), on_settled=words.append)
    failing.buffer.take(1, 100).batches[0].delivery.settle(1, Outcome.FAILED)
    assert words == [False]
    async with running(sink):
        assert await Dispatcher("s", [Leg(sink)], letters, dedupe).deliver(decoded(events_of("a")))
    assert sink.account.delivered == 1


# ── several offered together ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_several_offered_together_arrive_in_order_as_if_one_by_one(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    assert dispatcher.offer_all([decoded(events_of("a", "b")), decoded([]), decoded(events_of("c"))])
    async with running(sink):
        pass
    assert [one for batch in transport.ids for one in batch] == ["a", "b", "c"]
    assert (dispatcher.account.received, sink.account.delivered) == (3, 3)


async def test_what_has_a_fate_of_its_own_is_not_taken_together(letters: DeadLetters) -> None:
    sink = make_sink(letters)
    one = decoded(events_of("a"))
    failed = decoded([], failures=[Failure("no event", b"x")])
    assert not Dispatcher("in", [Leg(sink)], letters, Dedupe(60, 100)).offer_all([one, one])
    assert not Dispatcher("in", [Leg(sink)], letters).offer_all([one, failed])
    assert sink.account.received == 0


async def test_several_for_which_together_there_is_no_room_are_not_taken(letters: DeadLetters) -> None:
    sink = make_sink(letters, max_events=3)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    two = decoded(events_of("a", "b"))
    assert not dispatcher.offer_all([two, two])
    assert dispatcher.offer(two)
    assert sink.account.received == 2
