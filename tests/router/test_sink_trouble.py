from __future__ import annotations

import logging
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import Disk, events_of, letters_in, make_sink, numbered, put, running, until, writing
from wye.batcher import Batcher
from wye.buffer import DiskBuffer
from wye.deadletters import DeadLetters
from wye.delivery import Outcome
from wye.message import Unfit
from wye.retry import Backoff
from wye.testing import make_event
from wye.testing.transport import Answer, FakeEncoder, FakeTransport
from wye.verdict import DELIVERED, Verdict

BUSY = Verdict("busy", "too many requests", status=429)
HOLD = Verdict("hold", "wrong key", status=401)
REJECTED = Verdict("rejected", "no such item", status=400)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.db")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


# ── dead letters and what waits for them ─────────────────────────────────────────────────────────────────────────────────


async def test_a_refused_event_is_settled_only_once_its_letter_is_on_the_disk(
    letters: DeadLetters, disk: Disk, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk.full = True
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters), running(sink):
        waiting = put(sink, events_of("a"))
        await until(lambda: "cannot write" in caplog.text)
        assert waiting.words == []
        assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (1, 0, True)
        assert sink.buffer.held_events == 1
        disk.full = False
        await until(lambda: waiting.words == [Outcome.SAFE])
        assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (0, 1, True)


async def test_a_disk_that_refuses_letters_does_not_stop_the_healthy_events(
    letters: DeadLetters, disk: Disk, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk.full = True
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters), running(sink):
        put(sink, events_of("a"))
        await until(lambda: "cannot write" in caplog.text)
        healthy = put(sink, events_of("b"))
        await until(lambda: healthy.words == [Outcome.SAFE])
        disk.full = False


@pytest.mark.parametrize("durable", [False, True])
async def test_a_sink_ends_when_the_file_of_the_dead_letters_has_failed(
    tmp_path: Path, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    Disk(monkeypatch, letters.store).broken = True
    path = tmp_path / "spool.db"
    buffer = DiskBuffer("sink", path, 1_000_000, "block", letters) if durable else None
    sink = make_sink(letters, FakeTransport([REJECTED]), buffer=buffer)
    with trio.fail_after(10):
        async with writing(letters), running(sink):
            put(sink, events_of("a"))
            await until(lambda: letters.store.broken is not None)
    assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (1, 0, True)
    if durable:
        with closing(sqlite3.connect(path)) as spool:
            assert spool.execute("SELECT events, dead_lettered FROM totals").fetchall() == [(1, 0)], "for the next start"


async def test_many_refused_events_share_one_write(letters: DeadLetters, disk: Disk) -> None:
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters):
        async with running(sink):
            put(sink, numbered(200))
    assert sink.account.dead_lettered == 200
    assert disk.commits == 1


async def test_an_event_that_is_no_json_at_all_is_still_accounted_for(letters: DeadLetters, autojump_clock: MockClock) -> None:
    sink = make_sink(letters)
    odd = [make_event("a", attrs={"x": object()}), make_event("b", user_id="\ud800"), make_event("c")]
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, odd)
    assert (sink.account.delivered, sink.account.dead_lettered) == (1, 2)
    assert "object object at" in letters_in(letters.path)[0]["original"]
    assert waiting.words == [Outcome.SAFE]


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "wye.sink"]


async def test_an_outage_is_said_once_when_it_begins_and_once_when_it_ends(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = make_sink(letters, FakeTransport([BUSY] * 9), backoff=Backoff(1, 1))
    async with running(sink):
        put(sink, numbered(50))
    begin, end = said(caplog)
    assert begin == "sink sink: too many requests; trying again"
    assert end.startswith("sink sink: works again after ")


async def test_a_few_retries_are_no_trouble_worth_a_line(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    mixed = [DELIVERED, Verdict("retry", "item 7 is locked"), DELIVERED, Verdict("retry", "item 9 is locked")]
    sink = make_sink(letters, FakeTransport([mixed]))
    async with running(sink):
        put(sink, numbered(4))
    assert said(caplog) == []


async def test_the_operators_fault_is_said_loudly(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = make_sink(letters, FakeTransport([HOLD] * 4))
    async with running(sink):
        put(sink, numbered(2))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "wrong key; needs you: nothing is dropped" in caplog.text


async def test_workers_of_one_sink_share_one_trouble(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    transport = FakeTransport([*[BUSY] * 20], concurrency=4)
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0), backoff=Backoff(1, 1))
    async with running(sink):
        put(sink, numbered(4))
    assert len(said(caplog)) == 2


async def test_drops_are_said_once_and_again_when_they_are_over(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    transport = FakeTransport()
    transport.gate = trio.Event()
    sink = make_sink(letters, transport, max_events=4, when_full="drop_newest")
    async with running(sink):
        words = [put(sink, numbered(3)).words for _ in range(5)]
        await wait_all_tasks_blocked()
        transport.gate.set()
        await wait_all_tasks_blocked()
        put(sink, events_of("late"))
    assert words == [[Outcome.SAFE], [Outcome.DROPPED], [Outcome.DROPPED], [Outcome.DROPPED], [Outcome.DROPPED]]
    assert said(caplog) == [
        'sink sink: buffer full; events are lost, because when_full = "drop_newest"',
        "sink sink: drops no more; 11 events dropped since the start",
    ]


# ── everything at once ───────────────────────────────────────────────────────────────────────────────────────────────────

Fate = st.sampled_from(["delivered", "retry", "busy", "hold", "rejected"])
Step = st.one_of(Fate, st.lists(Fate, min_size=1, max_size=6), st.sampled_from(["oserror", "raise", "short"]))


def answering(step: str | list[str]) -> Answer:
    if step == "oserror":
        return ConnectionResetError("reset")
    if step == "raise":
        return RuntimeError("a bug")
    if step == "short":
        return lambda shipment: [DELIVERED] * (len(shipment.events) + 1)
    if isinstance(step, list):
        return lambda shipment: [verdict_of(step[place % len(step)]) for place in range(len(shipment.events))]
    return verdict_of(step)


def verdict_of(kind: str) -> Verdict:
    return Verdict(kind, kind)  # type: ignore[arg-type]  Fate draws the literals


@settings(max_examples=120, deadline=None)
@given(
    steps=st.lists(Step, max_size=25),
    batches=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    unfit=st.sets(st.integers(0, 40), max_size=6),
    concurrency=st.integers(1, 3),
    most=st.integers(1, 7),
    seed=st.integers(0, 2**16),
)
def test_whatever_the_vendor_says_each_event_is_settled_once(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[str | list[str]],
    batches: list[int],
    unfit: set[int],
    concurrency: int,
    most: int,
    seed: int,
) -> None:
    random.seed(seed)
    letters = DeadLetters(tmp_path_factory.mktemp("letters") / "letters.db")
    events = numbered(sum(batches))
    special: dict[str, bytes | Unfit | Exception] = {
        f"e{n}": [Unfit("no"), Unfit("no name", unmapped=True), ValueError("bug")][n % 3] for n in unfit
    }

    async def check() -> None:
        transport = FakeTransport([answering(step) for step in steps], concurrency=concurrency)
        sink = make_sink(
            letters,
            transport,
            encoder=FakeEncoder(special=special),
            batcher=Batcher(most, 1_000_000, 0.5),
            max_attempts=2,
        )
        account = sink.account

        class Watch(trio.abc.Instrument):
            def before_task_step(self, task: trio.lowlevel.Task) -> None:
                assert account.balanced, account

        words: list[list[Outcome]] = []
        trio.lowlevel.add_instrument(Watch())
        async with writing(letters):
            async with running(sink):
                rest = list(events)
                for count in batches:
                    words.append(put(sink, rest[:count], event_bytes=7).words)
                    del rest[:count]
                    await trio.sleep(0.1)
        assert words == [[Outcome.SAFE]] * len(batches)
        assert account.received == len(events)
        assert account.in_flight == sink.buffer.held_events == sink.buffer.held_bytes == 0
        assert transport.most_at_once <= concurrency
        buried = Counter(letter["event"]["id"] for letter in (letters_in(letters.path) if letters.count else []))
        assert max(buried.values(), default=1) == 1
        assert sum(buried.values()) == account.dead_lettered == letters.count

    trio.run(check, clock=MockClock(autojump_threshold=0))
