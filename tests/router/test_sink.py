from __future__ import annotations

import weakref
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import events_of, letters_in, make_sink, numbered, put, running, writing
from wye.batcher import Batcher
from wye.deadletters import DeadLetters
from wye.delivery import Outcome
from wye.event import Event
from wye.ledger import MOST_NAMES, OTHERS
from wye.message import Shipment, Unfit
from wye.plugin import Limits
from wye.retry import Backoff
from wye.testing import make_event
from wye.testing.transport import Answer, FakeEncoder, FakeTransport
from wye.verdict import DELIVERED, Verdict, Verdicts

RETRY = Verdict("retry", "try again")
BUSY = Verdict("busy", "too many requests", status=429)
HOLD = Verdict("hold", "wrong key", status=401)
REJECTED = Verdict("rejected", "no such item", status=400)


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters.db")


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_delivered_is_settled(letters: DeadLetters) -> None:
    transport = FakeTransport()
    sink = make_sink(letters, transport)
    async with running(sink):
        waiting = put(sink, events_of("a", "b"))
    assert transport.ids == [["a", "b"]]
    assert waiting.words == [Outcome.SAFE]
    assert (sink.account.delivered, sink.account.in_flight) == (2, 0)


async def test_what_is_delivered_is_let_go_of_at_once(letters: DeadLetters) -> None:
    class Mark:
        pass

    mark = Mark()
    watched = weakref.ref(mark)
    transport = FakeTransport()
    sink = make_sink(letters, transport, encoder=FakeEncoder(special={"a": b"{}"}))
    async with running(sink):
        put(sink, [make_event("a", attrs={"mark": mark})])
        del mark
        await wait_all_tasks_blocked()
        assert transport.ids == [["a"]]
        transport.shipments.clear()
        assert watched() is None


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
    assert letters_in(letters.path)[0]["reason"].startswith("transport raised ValueError: oops (testing/transport.py:")
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
    assert (letter["stage"], letter["event"]["id"]) == ("encode", "b")
    assert letter["reason"].startswith("encoder raised KeyError: 'x' (testing/transport.py:")
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


@pytest.mark.parametrize("given_for_b", [None, "text"])
async def test_a_document_that_is_none_costs_only_its_event(letters: DeadLetters, given_for_b: object) -> None:
    class Careless(FakeEncoder):
        def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
            return [b"{}" if event.id != "b" else given_for_b for event in events]  # type: ignore[misc]

    transport = FakeTransport()
    sink = make_sink(letters, transport, encoder=Careless())
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, events_of("a", "b", "c"))
    assert transport.ids == [["a", "c"]]
    assert letters_in(letters.path)[0]["reason"] == f"encoder gave {type(given_for_b).__name__}, expected bytes or Unfit"
    assert waiting.words == [Outcome.SAFE]


async def test_a_type_that_the_vendor_has_no_name_for_is_filtered(letters: DeadLetters) -> None:
    sink = make_sink(letters, encoder=FakeEncoder(special={"b": Unfit("no name", unmapped=True)}))
    other = make_sink(letters, name="other")
    async with running(sink, other):
        waiting = put(sink, [make_event("a"), make_event("b", "login")])
    assert (sink.account.delivered, sink.account.filtered, sink.account.dead_lettered) == (1, 1, 0)
    assert sink.account.filtered_types == {"login": 1}
    assert other.account.filtered_types == {}
    assert waiting.words == [Outcome.SAFE]


async def test_senders_who_think_of_ever_new_types_do_not_fill_the_memory(letters: DeadLetters) -> None:
    types = [f"custom:{number}" for number in range(3 * MOST_NAMES)]
    sink = make_sink(letters, encoder=FakeEncoder(special=dict.fromkeys(types, Unfit("no name", unmapped=True))))
    async with running(sink):
        put(sink, [make_event(name, name) for name in types])
    assert sink.account.filtered == len(types)
    assert sum(sink.account.filtered_types.values()) == len(types)
    assert sink.account.filtered_types[OTHERS] == 2 * MOST_NAMES


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


async def test_with_one_at_a_time_nothing_is_overtaken_in_an_outage(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([BUSY, HOLD, ConnectionResetError("reset")])
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0), max_attempts=9)
    async with running(sink):
        put(sink, numbered(3))
    assert transport.ids == [["e0"]] * 4 + [["e1"], ["e2"]]


async def test_who_fails_on_their_own_account_does_not_hold_up_the_others(
    letters: DeadLetters, autojump_clock: MockClock
) -> None:
    transport = FakeTransport([RETRY])
    sink = make_sink(letters, transport, batcher=Batcher(1, 1000, 0))
    async with running(sink):
        put(sink, numbered(3))
    assert transport.ids == [["e0"], ["e1"], ["e2"], ["e0"]]


async def test_a_transport_that_never_waits_lets_others_have_their_turn(letters: DeadLetters) -> None:
    class Instant(FakeTransport):
        async def send(self, shipment: Shipment, /) -> Verdicts:
            sent.append(turns)
            return DELIVERED

    sent: list[int] = []
    turns = 0
    sink = make_sink(letters, Instant(), batcher=Batcher(1, 1000, 0))
    async with running(sink):
        put(sink, numbered(640))
        while len(sent) < 640:
            await trio.lowlevel.checkpoint()
            turns += 1
    assert len(set(sent)) >= 10


class Counting(FakeEncoder):
    """Notes how many events it was given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        self.given.append(len(events))
        return super().encode(events)


async def test_small_requests_are_encoded_together(letters: DeadLetters) -> None:
    encoder, transport = Counting(), FakeTransport()
    sink = make_sink(letters, transport, encoder=encoder, batcher=Batcher(3, 1_000_000, 60.0))
    async with running(sink):
        put(sink, numbered(68))
    assert encoder.given == [63, 3, 2]
    assert [len(ids) for ids in transport.ids] == [3] * 22 + [2]


class Turns(trio.abc.Instrument):
    """Counts how often the scheduler goes round."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


class Answering(FakeTransport):
    """Answers in the next turn."""

    async def send(self, shipment: Shipment, /) -> Verdicts:
        await trio.lowlevel.checkpoint()
        return DELIVERED


async def test_all_workers_have_their_share_of_a_turn(letters: DeadLetters) -> None:
    sink, turns = make_sink(letters, Answering(concurrency=8), batcher=Batcher(1, 1_000_000, 0.0)), Turns()
    async with running(sink):
        put(sink, numbered(800))
        trio.lowlevel.add_instrument(turns)
        while sink.account.delivered < 800:
            await trio.lowlevel.checkpoint()
        trio.lowlevel.remove_instrument(turns)
    assert turns.count < 800 / 4
