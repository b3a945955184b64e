from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import (
    Changing,
    Disk,
    Slow,
    Words,
    boom,
    decoded,
    events_of,
    make_sink,
    numbered,
    only,
    put,
    running,
    stuck,
    until,
    writing,
)
from wye.batcher import Batcher
from wye.deadletters import BACKLOG_BYTES, DeadLetters
from wye.message import Failure
from wye.options import WhenFull
from wye.room import STILL_SECS
from wye.route import Dispatcher, Leg
from wye.sink import Sink
from wye.testing.transport import FakeTransport


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.db")


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
    sink.buffer.settled(sink.buffer.take(1, 10**9).batches[0], 1, "delivered")
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
    letters: DeadLetters, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    disk.full = True
    dispatcher = Dispatcher("in", [], letters)
    large = decoded([], failures=[Failure("bad", b"x" * (BACKLOG_BYTES // 2))])
    async with writing(letters):
        for _ in range(2):
            await dispatcher.emit(large)
        await until(lambda: "cannot write" in caplog.text)
        with trio.move_on_after(100) as patience:
            await dispatcher.emit(large)
        assert patience.cancelled_caught
        disk.full = False
        await dispatcher.emit(large)
    assert letters.count == 3


async def test_patience_lasts_as_long_as_the_sink_moves(letters: DeadLetters, autojump_clock: MockClock) -> None:
    sink = make_sink(letters)
    began = trio.current_time()

    async def move() -> None:
        for _ in range(5):
            await trio.sleep(STILL_SECS - 1)
            sink.room.freed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(move)
        with sink.room.while_it_moves() as patience:
            await trio.sleep_forever()
    assert patience.cancelled_caught
    assert trio.current_time() - began == 5 * (STILL_SECS - 1) + STILL_SECS
