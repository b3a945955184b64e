"""What a sink does with a vendor that is down, that refuses the whole for one, that must be asked slowly, or in order."""

from __future__ import annotations

import math
from collections import defaultdict
from operator import attrgetter
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import events_of, make_sink, numbered, put, running, writing
from wye.batcher import Batcher
from wye.deadletters import DeadLetters
from wye.event import Event
from wye.message import Shipment
from wye.plugin import Limits
from wye.rate import Rate
from wye.retry import Backoff
from wye.testing import make_event
from wye.testing.transport import FakeEncoder, FakeTransport
from wye.verdict import DELIVERED, Verdict, Verdicts

BUSY = Verdict("busy", "too many requests", status=429)
RETRY = Verdict("retry", "internal error", status=500)
REJECTED = Verdict("rejected", "bad request", status=400)
POISONED = {"e17", "e18", "e402"}

ONE_BY_ONE = Batcher(1, 1_000_000, 0.0)
DIVISIBLE = FakeEncoder(Limits(divisible=True))


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters(tmp_path / "letters")


# ── a vendor that is down ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_vendor_that_is_down_for_long_costs_nobody_an_attempt(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([RETRY] * 200, concurrency=3)
    sink = make_sink(letters, transport, batcher=ONE_BY_ONE, max_attempts=5)
    async with writing(letters):
        async with running(sink):
            put(sink, numbered(10))
    assert (sink.account.delivered, sink.account.dead_lettered) == (10, 0)


async def test_while_it_is_down_it_is_asked_once_at_a_time(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([BUSY] * 30, concurrency=8)
    sink = make_sink(letters, transport, batcher=ONE_BY_ONE, backoff=Backoff(1, 4))
    transport.gate = trio.Event()
    async with running(sink):
        put(sink, numbered(40))
        await wait_all_tasks_blocked()
        assert transport.most_at_once == 8
        transport.gate.set()
    probes = transport.times[8:30]
    assert probes == sorted(set(probes))
    assert probes[0] > transport.times[7]


async def test_one_bad_event_among_good_ones_is_given_up_and_holds_up_nobody(
    letters: DeadLetters, autojump_clock: MockClock
) -> None:
    class Picky(FakeTransport):
        async def send(self, shipment: Shipment, /) -> Verdicts:
            await super().send(shipment)
            return RETRY if shipment.events[0].id == "e3" else DELIVERED

    transport = Picky()
    sink = make_sink(letters, transport, batcher=ONE_BY_ONE, max_attempts=5)
    async with writing(letters):
        async with running(sink):
            put(sink, numbered(50))
    assert (sink.account.delivered, sink.account.dead_lettered) == (49, 1)
    assert transport.ids.count(["e3"]) == 5


async def test_an_event_is_given_up_when_it_fails_and_is_too_old(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport([*[BUSY] * 30, *[RETRY] * 90])
    sink = make_sink(letters, transport, max_attempts=100, max_age_secs=600, backoff=Backoff(30, 30))
    async with writing(letters):
        async with running(sink):
            put(sink, events_of("a"))
    assert sink.account.dead_lettered == 1
    assert 600 <= transport.times[-1] - transport.times[0] <= 640


# ── one poisoned event ───────────────────────────────────────────────────────────────────────────────────────────────────


class Vendor(FakeTransport):
    """Takes a request whole or not at all, or tells how many, or which."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.says = says
        self.took: list[str] = []

    async def send(self, shipment: Shipment, /) -> Verdicts:
        await super().send(shipment)
        bad = [event.id in POISONED for event in shipment.events]
        if self.says != "whole" or not any(bad):
            self.took += [event.id for event, one in zip(shipment.events, bad, strict=True) if not one]
        if not any(bad):
            return DELIVERED
        if self.says == "which":
            return [REJECTED if one else DELIVERED for one in bad]
        return Verdict("rejected", "bad request", status=400, faulty=sum(bad) if self.says == "how many" else None)


@pytest.mark.parametrize(("says", "most"), [("whole", 54), ("how many", 54), ("which", 1)])
async def test_three_poisoned_events_of_500_cost_nobody_else(
    letters: DeadLetters, autojump_clock: MockClock, says: str, most: int
) -> None:
    vendor = Vendor(says)
    sink = make_sink(letters, vendor, encoder=DIVISIBLE)
    async with writing(letters):
        async with running(sink):
            waiting = put(sink, numbered(500))
    assert (sink.account.delivered, sink.account.dead_lettered, sink.account.balanced) == (497, 3, True)
    assert set(vendor.took) == {f"e{number}" for number in range(500)} - POISONED
    assert most == 1 or most == int(2 * 3 * math.log2(500) + 1)
    assert len(vendor.shipments) <= most
    assert len(waiting.words) == 1


# ── at its rate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_bad_neighbour_uses_up_nobodys_attempts(letters: DeadLetters, autojump_clock: MockClock) -> None:
    """All but the culprit were only beside it: an answer that fails later is the first that counts for them."""

    class Stumbling(Vendor):
        """Fails once on each event that comes alone, if it is not poisoned."""

        def __init__(self) -> None:
            super().__init__("whole")
            self.failed: set[str] = set()

        async def send(self, shipment: Shipment, /) -> Verdicts:
            first = shipment.events[0].id
            if len(shipment.events) == 1 and first not in POISONED | self.failed:
                self.failed.add(first)
                return RETRY
            return await super().send(shipment)

    vendor = Stumbling()
    sink = make_sink(letters, vendor, encoder=DIVISIBLE, max_attempts=3)
    async with writing(letters):
        async with running(sink):
            put(sink, numbered(64))
    assert vendor.failed == {"e16", "e19"}
    assert (sink.account.delivered, sink.account.dead_lettered) == (62, 2)


async def test_a_rate_makes_events_wait_and_drops_none(letters: DeadLetters, autojump_clock: MockClock) -> None:
    transport = FakeTransport(concurrency=4)
    sink = make_sink(letters, transport, batcher=Batcher(10, 1_000_000, 0.0), rate=Rate(20, 10))
    async with running(sink):
        put(sink, numbered(100))
    assert transport.times[-1] - transport.times[0] == pytest.approx(4.5)
    assert sink.account.delivered == 100


# ── in order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def shopper(event: Event) -> str | None:
    return event.visitor_id


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.sampled_from(["x", "y", "z", None]), min_size=1, max_size=60),
    answers=st.lists(st.sampled_from([DELIVERED, BUSY, RETRY, ConnectionResetError("reset"), "odd places retry"]), max_size=60),
    concurrency=st.integers(1, 5),
    most=st.integers(1, 8),
)
def test_events_of_one_key_arrive_in_their_order_whatever_fails(
    keys: list[str | None], answers: list[Verdict | Exception | str], concurrency: int, most: int
) -> None:
    arrived: dict[str | None, list[str]] = defaultdict(list)

    class Flaky(FakeTransport):
        async def send(self, shipment: Shipment, /) -> Verdicts:
            answer = answers.pop() if answers else DELIVERED
            await trio.sleep(len(answers) % 3)
            each = [answer if isinstance(answer, Verdict) else DELIVERED] * len(shipment.events)
            if answer == "odd places retry":
                each = [RETRY if place % 2 else DELIVERED for place in range(len(each))]
            elif isinstance(answer, Exception):
                raise answer
            for event, verdict in zip(shipment.events, each, strict=True):
                if verdict is DELIVERED:
                    arrived[event.visitor_id].append(event.id)
            return each

    async def check() -> None:
        sink = make_sink(
            DeadLetters(Path("/nowhere")),
            Flaky(concurrency=concurrency),
            batcher=Batcher(most, 1_000_000, 0.0),
            key_of=attrgetter("visitor_id"),
            max_attempts=1000,
        )
        async with running(sink):
            put(sink, [make_event(f"e{number}", visitor_id=key) for number, key in enumerate(keys)])
        assert sink.account.delivered == len(keys)

    trio.run(check, clock=MockClock(autojump_threshold=0))
    for key in set(keys) - {None}:
        assert arrived[key] == [f"e{number}" for number, one in enumerate(keys) if one == key]
    assert sum(map(len, arrived.values())) == len(keys)


async def test_a_failing_event_holds_up_its_own_key_only(letters: DeadLetters, autojump_clock: MockClock) -> None:
    class Stubborn(FakeTransport):
        async def send(self, shipment: Shipment, /) -> Verdicts:
            await super().send(shipment)
            return [RETRY if event.id == "x0" else DELIVERED for event in shipment.events]

    transport = Stubborn()
    sink = make_sink(letters, transport, key_of=shopper, max_attempts=4)
    events = [make_event(f"{key}{number}", visitor_id=key) for number in range(3) for key in ("x", "y")]
    async with writing(letters):
        async with running(sink):
            put(sink, events)
    sent = [name for ids in transport.ids for name in ids]
    assert sent.count("x0") == 4
    assert sent.index("y2") < sent.index("x1")
    assert sent.index("x1") < sent.index("x2")
