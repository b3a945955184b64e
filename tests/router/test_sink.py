from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import events_of, letters_in, make_sink, numbered, put, running, until, writing
from wye.batcher import Batcher
from wye.deadletters import DeadLetters
from wye.delivery import Outcome
from wye.event import Event
from wye.message import Unfit
from wye.plugin import Limits
from wye.retry import Backoff
from wye.testing import make_event
from wye.testing.transport import Answer, FakeEncoder, FakeTransport
from wye.verdict import DELIVERED, Verdict

RETRY = Verdict("retry", "try again")
BUSY = Verdict("busy", "too many requests", status=429)
HOLD = Verdict("hold", "wrong key", status=401)
REJECTED = Verdict("rejected", "no such item", status=400)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.jsonl")


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_delivered_is_settled(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport)
    async with running(sink):
        waiting = put(sink, events_of("a", "b"))
    assert transport.ids == [["a", "b"]]
    assert waiting.words == [Outcome.SAFE]
    assert (sink.account.delivered, sink.account.in_flight) == (2, 0)


async def test_only_what_failed_is_tried_again(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([[DELIVERED, RETRY, DELIVERED]])
    sink = make_sink(letters, transport)
    async with running(sink):
        waiting = put(sink, events_of("a", "b", "c"))
    assert transport.ids == [["a", "b", "c"], ["b"]]
    assert waiting.words == [Outcome.SAFE]


async def test_a_batch_is_settled_only_when_the_last_of_it_is(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([[DELIVERED, RETRY]])
    sink = make_sink(letters, transport, backoff=Backoff(10, 10))
    async with running(sink):
        waiting = put(sink, events_of("a", "b"))
        transport.gate = trio.Event()
        await wait_all_tasks_blocked()
        transport.gate.set()
        await wait_all_tasks_blocked()
        assert waiting.words == []
        assert waiting.delivery.pending == 1
    assert waiting.words == [Outcome.SAFE]


async def test_an_event_is_given_up_after_its_attempts(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([RETRY] * 3)
    sink = make_sink(letters, transport, max_attempts=3)
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, events_of("a"))
    assert len(transport.shipments) == 3
    [letter] = letters_in(letters.path)
    assert (letter["stage"], letter["sink"], letter["attempts"], letter["reason"]) == ("send", "sink", 3, "try again")
    assert letter["event"]["id"] == "a"
    assert waiting.words == [Outcome.SAFE]


@pytest.mark.parametrize("down", [BUSY, HOLD, ConnectionRefusedError("refused"), trio.BrokenResourceError()])
async def test_an_outage_uses_up_no_attempts(letters: DeadLetters, autojump_clock: MockClock, down: Answer) -> None:
    transport = FakeTransport([RETRY, *[down] * 50, RETRY])
    sink = make_sink(letters, transport, max_attempts=3)
    async with running(sink):
        waiting = put(sink, events_of("a"))
    assert len(transport.shipments) == 53
    assert waiting.words == [Outcome.SAFE]


async def test_a_broken_connection_is_one_however_a_nursery_has_wrapped_it(
    letters: DeadLetters, autojump_clock: MockClock
) -> None:
    wrapped = ExceptionGroup("n", [ExceptionGroup("m", [ConnectionResetError("reset")])])
    sink = make_sink(letters, FakeTransport([wrapped] * 5), max_attempts=1)
    async with running(sink):
        put(sink, events_of("a"))
    assert sink.account.delivered == 1


async def test_what_is_rejected_goes_to_the_dead_letters_at_once(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([[DELIVERED, REJECTED]])
    sink = make_sink(letters, transport)
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, events_of("a", "b"))
    [letter] = letters_in(letters.path)
    assert (letter["status"], letter["reason"], letter["event"]["id"]) == (400, "no such item", "b")
    assert (sink.account.delivered, sink.account.dead_lettered, sink.account.balanced) == (1, 1, True)
    assert waiting.words == [Outcome.SAFE]


async def test_a_transport_that_raises_costs_its_events_an_attempt(
    letters: DeadLetters, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = make_sink(letters, FakeTransport([ValueError("oops")] * 2), max_attempts=2)
    async with writing(letters):
        async with running(sink):
            put(sink, events_of("a"))
    assert letters_in(letters.path)[0]["reason"] == "transport raised ValueError: oops"
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize("odd", [[DELIVERED], [DELIVERED] * 3, None, ["delivered", "delivered"]])
async def test_a_wrong_number_of_verdicts_settles_nothing(
    letters: DeadLetters, autojump_clock: MockClock, odd: Sequence[Verdict]
) -> None:
    transport = FakeTransport([lambda _: odd])
    sink = make_sink(letters, transport)
    async with running(sink):
        waiting = put(sink, events_of("a", "b"))
    assert transport.ids == [["a", "b"], ["a", "b"]]
    assert waiting.words == [Outcome.SAFE]


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_wait_that_a_vendor_asks_for_is_kept(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([Verdict("busy", after_secs=90)])
    sink = make_sink(letters, transport, backoff=Backoff(0.1, 1))
    async with running(sink):
        put(sink, events_of("a"))
    assert transport.times[1] - transport.times[0] == 90


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), -5.0, 1e12])
async def test_an_absurd_wait_stops_no_sink(letters: DeadLetters, autojump_clock: MockClock, asked: float) -> None:
    transport = FakeTransport([Verdict("busy", after_secs=asked)])
    sink = make_sink(letters, transport, backoff=Backoff(0.1, 1))
    async with running(sink):
        put(sink, events_of("a"))
    assert transport.times[1] - transport.times[0] <= 3600


async def test_waits_grow_and_stay_within_their_bound(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([BUSY] * 20)
    sink = make_sink(letters, transport, backoff=Backoff(1, 8))
    async with running(sink):
        put(sink, events_of("a"))
    waits = [after - before for before, after in pairwise(transport.times)]
    assert all(wait <= min(8, 2**number) for number, wait in enumerate(waits))
    assert len(set(waits)) > 15


async def test_an_event_lingers_for_company_and_no_longer(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport, batcher=Batcher(10, 1000, 5))
    began = trio.current_time()
    async with running(sink):
        put(sink, events_of("a"))
        await trio.sleep(3)
        put(sink, events_of("b"))
        await trio.sleep(10)
        assert transport.ids == [["a", "b"]]
        assert transport.times[0] - began == pytest.approx(5)


async def test_enough_events_or_bytes_do_not_linger(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport, batcher=Batcher(3, 1000, 60))
    began = trio.current_time()
    async with running(sink):
        put(sink, events_of("a", "b", "c", "d"))
        await wait_all_tasks_blocked()
        assert transport.ids == [["a", "b", "c"]]
        put(sink, events_of("e"), event_bytes=1000)
        await wait_all_tasks_blocked()
        assert transport.ids == [["a", "b", "c"], ["d", "e"]]
    assert transport.times == [began] * 2


async def test_closing_drains_without_lingering(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport, batcher=Batcher(3, 1000, 60))
    began = trio.current_time()
    async with running(sink):
        waiting = put(sink, events_of("a", "b", "c", "d"))
    assert transport.ids == [["a", "b", "c"], ["d"]]
    assert trio.current_time() == began
    assert waiting.words == [Outcome.SAFE]
    assert not transport.is_open


# ── documents and limits ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_encoder_that_raises_costs_only_the_event_it_raises_for(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport, encoder=FakeEncoder(special={"b": KeyError("x")}))
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, events_of("a", "b", "c"))
    assert transport.ids == [["a", "c"]]
    [letter] = letters_in(letters.path)
    assert (letter["stage"], letter["reason"], letter["event"]["id"]) == ("encode", "encoder raised KeyError: 'x'", "b")
    assert waiting.words == [Outcome.SAFE]


async def test_an_encoder_that_loses_a_document_costs_only_that_event(letters: DeadLetters) -> None:
    class Forgetful(FakeEncoder):
        def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
            return [b"{}" for event in events if event.id != "b"]

    transport = FakeTransport()
    sink = make_sink(letters, transport, encoder=Forgetful())
    async with writing(letters):
        async with running(sink):
            put(sink, events_of("a", "b", "c"))
    assert transport.ids == [["a", "c"]]
    assert letters_in(letters.path)[0]["reason"] == "encoder gave 0 documents for 1 events"


async def test_a_type_that_the_vendor_has_no_name_for_is_filtered(letters: DeadLetters) -> None:
    sink = make_sink(letters, encoder=FakeEncoder(special={"b": Unfit("no name", unmapped=True)}))
    other = make_sink(letters, name="other")
    async with running(sink, other):
        waiting = put(sink, [make_event("a"), make_event("b", "login")])
    assert (sink.account.delivered, sink.account.filtered, sink.account.dead_lettered) == (1, 1, 0)
    assert sink.account.filtered_types == {"login": 1}
    assert other.account.filtered_types == {}
    assert waiting.words == [Outcome.SAFE]


async def test_a_document_larger_than_a_request_may_be_is_never_sent(letters: DeadLetters) -> None:
    encoder = FakeEncoder(Limits(max_bytes=100, overhead_bytes=20), {"a": b"x" * 80, "b": b"x" * 81})
    transport = FakeTransport()
    sink = make_sink(letters, transport, encoder=encoder)
    async with writing(letters):
        async with running(sink):
            put(sink, events_of("a", "b"))
    assert transport.ids == [["a"]]
    assert letters_in(letters.path)[0]["reason"] == "too large: 81 bytes, where a request has room for 80"


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    limits=st.builds(
        Limits,
        st.one_of(st.none(), st.integers(1, 8)),
        st.one_of(st.none(), st.integers(70, 300)),
        st.integers(0, 10),
        st.integers(0, 3),
    ),
    batcher=st.builds(Batcher, st.integers(1, 12), st.integers(70, 400), st.just(0.0)),
)
def test_no_shipment_exceeds_the_limits_and_the_order_is_kept(sizes: list[int], limits: Limits, batcher: Batcher) -> None:
    events = numbered(len(sizes))
    documents: dict[str, bytes | Unfit | Exception] = {event.id: b"x" * size for event, size in zip(events, sizes, strict=True)}
    transport_ids: list[str] = []

    async def check() -> None:
        transport = FakeTransport()
        sink = make_sink(DeadLetters(Path("/nowhere")), transport, encoder=FakeEncoder(limits, documents), batcher=batcher)
        async with running(sink):
            put(sink, events, event_bytes=30)
        for shipment in transport.shipments:
            size = sum(map(len, shipment.documents)) + limits.separator_bytes * (len(shipment.documents) - 1)
            assert len(shipment.events) <= min(batcher.max_events, limits.max_events or 99)
            assert size + limits.overhead_bytes <= min(batcher.max_bytes, limits.max_bytes or 999)
            transport_ids.extend(event.id for event in shipment.events)

    trio.run(check)
    assert transport_ids == [event.id for event in events]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_shipments_than_allowed_are_under_way(
    letters: DeadLetters, autojump_clock: MockClock, concurrency: int
) -> None:
    transport = FakeTransport(concurrency=concurrency)
    transport.gate = trio.Event()
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0))
    async with running(sink):
        put(sink, numbered(10))
        await wait_all_tasks_blocked()
        assert len(transport.shipments) == concurrency
        transport.gate.set()
    assert transport.most_at_once == concurrency
    assert sink.account.delivered == 10


async def test_with_one_at_a_time_a_failing_shipment_is_not_overtaken(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([BUSY, RETRY, ConnectionResetError("reset")])
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0), max_attempts=9)
    async with running(sink):
        put(sink, numbered(3))
    assert transport.ids == [["e0"]] * 4 + [["e1"], ["e2"]]


# ── dead letters and what waits for them ─────────────────────────────────────────────────────────────────────────────────


async def test_a_refused_event_is_settled_only_once_its_letter_is_on_the_disk(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("a file where a directory should be")
    letters = DeadLetters(tmp_path / "blocked" / "letters.jsonl")
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters), running(sink):
        waiting = put(sink, events_of("a"))
        await until(lambda: "cannot write" in caplog.text)
        assert waiting.words == []
        assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (1, 0, True)
        assert sink.buffer.held_events == 1
        (tmp_path / "blocked").unlink()
        await until(lambda: waiting.words == [Outcome.SAFE])
        assert (sink.account.in_flight, sink.account.dead_lettered, sink.account.balanced) == (0, 1, True)


async def test_a_disk_that_refuses_letters_does_not_stop_the_healthy_events(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("")
    letters = DeadLetters(tmp_path / "blocked" / "letters.jsonl")
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters), running(sink):
        put(sink, events_of("a"))
        await until(lambda: "cannot write" in caplog.text)
        healthy = put(sink, events_of("b"))
        await until(lambda: healthy.words == [Outcome.SAFE])
        (tmp_path / "blocked").unlink()


async def test_many_refused_events_share_one_write(letters: DeadLetters, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    monkeypatch.setattr("wye.deadletters.os.fsync", syncs.append)
    sink = make_sink(letters, FakeTransport([REJECTED]))
    async with writing(letters):
        async with running(sink):
            put(sink, numbered(200))
    assert sink.account.dead_lettered == 200
    assert len(syncs) == 2  # the file, and once its directory


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
    letters = DeadLetters(tmp_path_factory.mktemp("letters") / "letters.jsonl")
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
