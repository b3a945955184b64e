from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import events_of, letters_in, make_sink, numbered, put, running, until, writing
from wye.batcher import Batcher
from wye.deadletters import BACKLOG_BYTES, DeadLetters
from wye.event import Event
from wye.message import Decoded, Failure, Shipment
from wye.options import WhenFull
from wye.route import Dispatcher, Leg
from wye.sink import Sink
from wye.testing.transport import FakeTransport
from wye.verdict import Verdicts


class Words(list[bool]):
    """What a source was told, in order."""


class Changing:
    """A transform made of a function."""

    def __init__(self, change: Callable[[Event], Event | None]) -> None:
        self.apply = change


def only(*ids: str) -> Callable[[Event], bool]:
    return lambda event: event.id in ids


def decoded(events: Sequence[Event], size: int = 0, failures: Sequence[Failure] = ()) -> Decoded:
    return Decoded(events, failures, size)


def stuck(letters: DeadLetters, name: str, when_full: WhenFull = "block", max_events: int = 4) -> Sink:
    """A sink that nobody empties."""
    return make_sink(letters, name=name, when_full=when_full, max_events=max_events)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.jsonl")


def boom(event: Event) -> Event | None:
    if event.id == "bad":
        raise ZeroDivisionError("no")
    return event


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
    assert (letter["stage"], letter["reason"]) == ("transform", "transform raised ZeroDivisionError: no")
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


# ── waiting for room ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_emit_cancelled_while_it_waits_has_left_no_trace(letters: DeadLetters) -> None:
    full, free = stuck(letters, "b-full"), stuck(letters, "a-free")
    put(full, numbered(4))
    words = Words()
    dispatcher = Dispatcher("in", [Leg(full), Leg(free, [Changing(boom)])], letters)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: dispatcher.emit(decoded(events_of("a", "bad")), on_settled=words.append))
            await wait_all_tasks_blocked()
            scope.cancel()
    assert (full.account.received, free.account.received, dispatcher.account.received) == (4, 0, 0)
    assert (full.buffer.held_events, free.buffer.held_events) == (4, 0)
    assert words == []
    async with writing(letters):
        pass
    assert letters.count == 0
    assert not full.room.turn.locked()


async def test_who_waited_first_goes_first_even_when_the_next_one_would_fit(letters: DeadLetters) -> None:
    sink = stuck(letters, "sink", max_events=4)
    put(sink, numbered(4))
    done: list[str] = []

    async def emit(name: str, count: int) -> None:
        await Dispatcher(name, [Leg(sink)], letters).emit(decoded(numbered(count, name)))
        done.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(emit, "large", 3)
        await wait_all_tasks_blocked()
        nursery.start_soon(emit, "small", 1)
        await wait_all_tasks_blocked()
        for expected in ([], [], ["large"], ["large", "small"]):
            free_one(sink)
            await wait_all_tasks_blocked()
            assert done == expected


def free_one(sink: Sink) -> None:
    sink.buffer.take(1, 10**9)
    sink.buffer.release(1, 0)
    sink.room.freed()


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
async def test_a_full_sink_holds_up_nobody_who_has_no_events_for_it(letters: DeadLetters, names: tuple[str, str]) -> None:
    full, free = stuck(letters, names[0]), stuck(letters, names[1])
    put(full, numbered(4))
    to_both, to_one = Dispatcher("both", [Leg(full), Leg(free)], letters), Dispatcher("one", [Leg(free)], letters)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(to_both.emit, decoded(events_of(f"waits{number}")))
        await wait_all_tasks_blocked()
        with trio.fail_after(1):
            await to_one.emit(decoded(events_of("x")))
            await Dispatcher("where", [Leg(full, where=only("other")), Leg(free)], letters).emit(decoded(events_of("y")))
        nursery.cancel_scope.cancel()
    assert [event.id for event in free.buffer.take(9, 99).events] == ["x", "y"]


@pytest.mark.parametrize("when_full", ["drop_newest", "drop_oldest"])
async def test_a_full_sink_that_drops_delays_nobody(letters: DeadLetters, when_full: WhenFull) -> None:
    lossy, other = stuck(letters, "lossy", when_full), stuck(letters, "other", max_events=100)
    dispatcher = Dispatcher("in", [Leg(lossy), Leg(other)], letters)
    with trio.fail_after(1):
        for number in range(10):
            await dispatcher.emit(decoded(numbered(3, f"{number}-")))
    assert (other.buffer.held_events, lossy.buffer.held_events, lossy.account.dropped) == (30, 4, 26)


async def test_two_sinks_that_are_full_by_turns_starve_nobody(letters: DeadLetters, autojump_clock: MockClock) -> None:
    sinks = [make_sink(letters, Slow(), name=name, max_events=2, batcher=Batcher(1, 99, 0)) for name in "ab"]
    async with running(*sinks), trio.open_nursery() as nursery:
        for sink in sinks:
            for number in range(3):
                nursery.start_soon(keep_emitting, Dispatcher(f"{sink.name}{number}", [Leg(sink)], letters))
        both = Dispatcher("both", [Leg(sink) for sink in sinks], letters)
        await trio.sleep(10)
        for number in range(20):
            with trio.fail_after(60):
                await both.emit(decoded(events_of(f"both{number}")))
        nursery.cancel_scope.cancel()


class Slow(FakeTransport):
    """Takes its time, each shipment another one."""

    async def send(self, shipment: Shipment, /) -> Verdicts:
        await trio.sleep(0.7 + len(self.shipments) % 3 * 0.13)
        return await super().send(shipment)


async def keep_emitting(dispatcher: Dispatcher) -> None:
    while True:
        await dispatcher.emit(decoded(numbered(2, dispatcher.name)))


@pytest.mark.parametrize(("max_events", "max_bytes"), [(3, 10**6), (1000, 35), (1, 1)])
async def test_a_batch_larger_than_the_buffer_goes_through_in_pieces(
    letters: DeadLetters, autojump_clock: MockClock, max_events: int, max_bytes: int
) -> None:
    transport, words = FakeTransport(), Words()
    sink = make_sink(letters, transport, max_events=max_events, max_bytes=max_bytes)
    dispatcher = Dispatcher("in", [Leg(sink)], letters)
    events = numbered(20)
    async with running(sink):
        with trio.fail_after(60):
            await dispatcher.emit(decoded(events, size=200), on_settled=words.append)
    assert [name for ids in transport.ids for name in ids] == [event.id for event in events]
    assert max(map(len, transport.ids)) <= min(max_events, max(max_bytes // 10, 1))
    assert (words, dispatcher.account.received, sink.account.delivered) == ([True], 20, 20)


@pytest.mark.parametrize("max_events", [1, 2, 5, 6])
async def test_two_ways_to_one_sink_share_its_room(letters: DeadLetters, autojump_clock: MockClock, max_events: int) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport, max_events=max_events)
    dispatcher = Dispatcher("in", [Leg(sink), Leg(sink)], letters)
    most = 0

    class Watch(trio.abc.Instrument):
        def after_task_step(self, task: trio.lowlevel.Task) -> None:
            nonlocal most
            most = max(most, sink.buffer.held_events)

    trio.lowlevel.add_instrument(Watch())
    async with running(sink):
        with trio.fail_after(60):
            assert await dispatcher.deliver(decoded(numbered(9)))
    assert most <= max(max_events, 2)  # two copies of one event come together
    assert sink.account.delivered == 18


async def test_a_long_wait_is_said_once_for_all_who_wait(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    transport = FakeTransport()
    transport.gate = trio.Event()
    sink = make_sink(letters, transport, max_events=2)
    async with running(sink), trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(Dispatcher(f"in{number}", [Leg(sink)], letters).emit, decoded(events_of("a", "b")))
        await trio.sleep(30)
        transport.gate.set()
    full, over = [record.message for record in caplog.records]
    assert full == 'sink sink: buffer full (2 events) for 5 s; its inputs wait, because when_full = "block"'
    assert over == "sink sink: no input waits any more after 30.0 s"


async def test_intake_waits_while_the_dead_letters_cannot_be_written(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("")
    letters = DeadLetters(tmp_path / "blocked" / "letters.jsonl")
    dispatcher = Dispatcher("in", [], letters)
    large = decoded([], failures=[Failure("bad", b"x" * (BACKLOG_BYTES // 2))])
    async with writing(letters):
        for _ in range(2):
            await dispatcher.emit(large)
        await until(lambda: "cannot write" in caplog.text)
        with trio.move_on_after(100) as patience:
            await dispatcher.emit(large)
        assert patience.cancelled_caught
        (tmp_path / "blocked").unlink()
        await dispatcher.emit(large)
    assert letters.count == 3


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
