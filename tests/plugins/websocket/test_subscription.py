from __future__ import annotations

import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from trio_websocket import ConnectionClosed

from plugins.websocket.websocket_kit import connected, open_by_hand, receive_all, serving, shipment, sink_with, until
from wye_plugins.websocket.config import Subscriber
from wye_plugins.websocket.serve import WebSocketServeSink
from wye_plugins.websocket.subscription import SubscriberQueue

BIG = 200_000
"""A message that does not fit into a socket's buffers many times."""


def big(number: int) -> str:
    return f"{number:06}" + "x" * BIG


async def send_big(sink: WebSocketServeSink, count: int) -> None:
    for number in range(count):
        await sink.send(shipment(big(number)))


@asynccontextmanager
async def stalled(url: str) -> AsyncGenerator[trio.SocketStream]:
    """A subscriber that, after the handshake, does not read its socket."""
    async with await open_by_hand(url) as stream:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
        assert b"101 Switching" in await stream.receive_some(129)
        yield stream


async def read_big(subscriber: Any, count: int, into: list[int]) -> None:
    for _ in range(count):
        message = await subscriber.get_message()
        assert len(message) == BIG + 6
        into.append(int(message[:6]))


async def test_a_stalled_subscriber_loses_its_oldest_events_and_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wye")
    sink = sink_with(subscriber=Subscriber(max_events=3))
    first, second = list[int](), list[int]()
    async with serving(sink) as url:
        async with connected(url) as one, connected(url) as two, stalled(url), trio.open_nursery() as nursery:
            await until(lambda: sink.subscribers == 3)
            nursery.start_soon(read_big, one, 100, first)
            nursery.start_soon(read_big, two, 100, second)
            for number in range(100):
                await sink.send(shipment(big(number)))
                await until(lambda sent=number + 1: len(first) == len(second) == sent)
            dropped = sink.dropped
        await until(lambda: sink.subscribers == 0)
    assert first == second == list(range(100))
    assert 30 < dropped <= 97
    assert sink.dropped == dropped
    begun = [line for line in caplog.messages if "reads too slowly: its oldest events are dropped" in line]
    ended = [line for line in caplog.messages if f"{dropped} events were dropped" in line]
    assert len(begun) == len(ended) == 1


async def test_a_subscriber_that_reads_again_gets_the_newest() -> None:
    sink = sink_with(subscriber=Subscriber(max_events=3))
    async with serving(sink) as url, stalled(url) as slow:
        await until(lambda: sink.subscribers == 1)
        await send_big(sink, 100)
        assert sink.dropped > 30
        received = b""
        with trio.fail_after(5):
            while b"000099" not in received:
                received = received[-10:] + await slow.receive_some()
        await sink.send(shipment("and on it goes"))
        with trio.fail_after(5):
            while b"and on it goes" not in received:
                received = received[-20:] + await slow.receive_some()


async def test_a_stalled_subscriber_is_disconnected_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    sink = sink_with(subscriber=Subscriber(max_events=3, when_full="disconnect"))
    first, second = list[int](), list[int]()
    async with serving(sink) as url, connected(url) as one, connected(url) as two, stalled(url), trio.open_nursery() as nursery:
        await until(lambda: sink.subscribers == 3)
        nursery.start_soon(read_big, one, 100, first)
        nursery.start_soon(read_big, two, 100, second)
        for number in range(100):
            await sink.send(shipment(big(number)))
            await until(lambda sent=number + 1: len(first) == len(second) == sent)
        await until(lambda: sink.subscribers == 2)
    assert first == second == list(range(100))
    assert sum("reads too slowly: disconnected" in line for line in caplog.messages) == 1


async def test_a_slow_subscriber_is_told_why_it_is_disconnected() -> None:
    sink = sink_with(subscriber=Subscriber(max_events=3, when_full="disconnect"))
    async with serving(sink) as url, connected(url) as slow:
        await until(lambda: sink.subscribers == 1)
        await sink.send(shipment("a", "b", "c", "d"))
        with pytest.raises(ConnectionClosed) as closed:
            await receive_all(slow, 5)
    assert closed.value.reason is not None
    assert (closed.value.reason.code, closed.value.reason.reason) == (1013, "reading too slowly")


async def test_a_subscriber_that_answers_no_ping_is_closed_and_frees_those_who_block(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wye")
    blocking = Subscriber(max_events=3, when_full="block")
    sink = sink_with(subscriber=blocking, ping_interval_secs=0.05, ping_timeout_secs=0.1)
    async with serving(sink) as url, connected(url) as awake, stalled(url), trio.open_nursery() as nursery:
        await until(lambda: sink.subscribers == 2)
        received = list[int]()
        nursery.start_soon(read_big, awake, 100, received)
        with trio.fail_after(10):
            await send_big(sink, 100)
        await until(lambda: len(received) == 100)
        await until(lambda: sink.subscribers == 1)
    assert sum("no answer to a ping for 0.1 s" in line for line in caplog.messages) == 1


async def test_a_subscriber_that_is_given_up_in_the_middle_of_a_message_gets_nothing_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "wye")
    sink = sink_with(subscriber=Subscriber(max_events=3), ping_interval_secs=0.05, ping_timeout_secs=0.1)
    async with serving(sink) as url, stalled(url) as slow:
        await until(lambda: sink.subscribers == 1)
        await send_big(sink, 100)
        await until(lambda: any("no answer to a ping" in line for line in caplog.messages))
        received = b""
        with trio.fail_after(5), suppress(trio.BrokenResourceError):
            while data := await slow.receive_some():
                received += data
    assert b"x" * BIG in received
    assert received[-10:] == b"x" * 10


async def test_blocking_waits_for_the_slowest_and_loses_nothing() -> None:
    sink = sink_with(subscriber=Subscriber(max_events=3, when_full="block"))
    done = trio.Event()
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        for number in range(100):
            await sink.send(shipment(big(number)))
            sent += 1
        done.set()

    async with serving(sink) as url, connected(url) as quick, stalled(url) as slow, trio.open_nursery() as nursery:
        await until(lambda: sink.subscribers == 2)
        nursery.start_soon(send_all)
        received = list[int]()
        nursery.start_soon(read_big, quick, 100, received)
        await until(lambda: sent > 3)
        with trio.move_on_after(0.2):
            await done.wait()
        assert not done.is_set()
        assert len(received) <= sent + 1
        total = 0
        with trio.fail_after(10):
            while total < 100 * (BIG + 6 + 10):
                total += len(await slow.receive_some())
            await done.wait()
        await until(lambda: len(received) == 100)
    assert received == list(range(100))
    assert sink.dropped == 0


async def test_a_blocking_subscriber_that_leaves_frees_the_rest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "wye")
    monkeypatch.setattr("wye_plugins.websocket.subscription._SAY_AFTER_SECS", 0.1)
    sink = sink_with(subscriber=Subscriber(max_events=3, when_full="block"))
    async with serving(sink) as url, trio.open_nursery() as nursery:
        async with stalled(url):
            await until(lambda: sink.subscribers == 1)
            done = trio.Event()

            async def send_all() -> None:
                await send_big(sink, 100)
                done.set()

            nursery.start_soon(send_all)
            with trio.move_on_after(0.2):
                await done.wait()
            assert not done.is_set()
            assert sum('everybody waits for it, because when_full = "block"' in line for line in caplog.messages) == 1
        with trio.fail_after(5):
            await done.wait()
    assert sum("nobody waits for it any longer" in line for line in caplog.messages) == 1


async def test_blocking_takes_a_shipment_that_is_larger_than_the_queue() -> None:
    sink = sink_with(subscriber=Subscriber(max_events=3, when_full="block"))
    ids = [str(number) for number in range(50)]
    async with serving(sink) as url, connected(url) as subscriber:
        await until(lambda: sink.subscribers == 1)
        await sink.send(shipment(*ids))
        assert await receive_all(subscriber, 50) == ids


async def test_the_end_does_not_wait_for_a_stalled_subscriber() -> None:
    sink = sink_with()
    began = trio.current_time()
    async with serving(sink) as url, stalled(url):
        await until(lambda: sink.subscribers == 1)
        await send_big(sink, 100)
        began = trio.current_time()
    assert trio.current_time() - began < 6


# ── its queue ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
