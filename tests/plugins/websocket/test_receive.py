from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from plugins.websocket.websocket_kit import WordDecoder, linked
from wye.testing import FakeIntake
from wye_plugins.websocket.link import Link
from wye_plugins.websocket.receive import Ended, ReceiveLimits, Receiver

LIMITS = ReceiveLimits(max_message_bytes=1000, max_batch_events=4, ping_interval_secs=20, ping_timeout_secs=20)


def limits(**changes: Any) -> ReceiveLimits:
    return ReceiveLimits(**{name: changes.get(name, getattr(LIMITS, name)) for name in LIMITS.__struct_fields__})


class Reception:
    """A receiver at work in the background, and the peer that it listens to."""

    def __init__(self) -> None:
        self.intake = FakeIntake()
        self.ended: Ended | None = None
        self.ended_at = 0.0
        self.peer: WebSocketConnection
        self.peer_scope: trio.CancelScope

    async def start(self, nursery: trio.Nursery, limits: ReceiveLimits = LIMITS) -> Reception:
        link, self.peer, self.peer_scope = await linked(nursery)

        async def receive() -> None:
            self.ended = await Receiver(link, WordDecoder(), limits).run(self.intake)
            self.ended_at = trio.current_time()
            await link.close()

        nursery.start_soon(receive)
        return self


async def test_a_peer_that_stops_answering_is_found_by_its_silence(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    await trio.sleep(5)
    reception.peer_scope.cancel()
    await trio.sleep(60)
    assert reception.ended == Ended("no_pong", "no answer to a ping for 20 s", 0)
    assert reception.ended_at == pytest.approx(40, abs=0.1)


async def test_a_peer_that_answers_pings_may_have_nothing_to_say(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    await trio.sleep(10_000)
    assert reception.ended is None


async def test_without_pings_a_dead_peer_is_not_found(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery, limits(ping_interval_secs=0))
    reception.peer_scope.cancel()
    await trio.sleep(10_000)
    assert reception.ended is None


async def test_no_message_for_the_silence_timeout_ends_the_connection(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery, limits(silence_timeout_secs=90))
    await trio.sleep(50)
    await reception.peer.send_message("a")
    await trio.sleep(200)
    assert reception.ended == Ended("silent", "no message for 90 s", 1)
    assert reception.ended_at == pytest.approx(140, abs=0.1)


async def test_each_message_begins_the_silence_anew(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery, limits(silence_timeout_secs=90))
    for _ in range(10):
        await trio.sleep(80)
        await reception.peer.send_message("a")
    assert reception.ended is None


async def test_while_a_sink_is_full_reading_stops_but_the_connection_lives(
    autojump_clock: MockClock, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs: list[float] = []
    monkeypatch.setattr(Link, "pong", noting_time(Link.pong, signs))
    reception = await Reception().start(nursery, limits(silence_timeout_secs=90))
    reception.intake.gate = trio.Event()
    ids = [str(number) for number in range(50)]
    for one in ids:
        await reception.peer.send_message(one)
    await trio.sleep(10_000)
    assert reception.intake.batches == []
    assert reception.ended is None
    assert len(signs) > 490, "the peer hears from us every ping interval"
    reception.intake.gate.set()
    await trio.sleep(1)
    assert [event.id for event in reception.intake.events] == ids
    assert max(len(batch.events) for batch in reception.intake.batches) <= 4


def noting_time(send: Callable[[Link], Awaitable[None]], times: list[float]) -> Callable[[Link], Awaitable[None]]:
    async def noted(link: Link) -> None:
        times.append(trio.current_time())
        await send(link)

    return noted


async def test_after_the_sink_has_room_again_a_dead_peer_is_found(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    reception.intake.gate = trio.Event()
    for number in range(10):
        await reception.peer.send_message(str(number))
    await trio.sleep(1000)
    reception.peer_scope.cancel()
    await trio.sleep(1000)
    reception.intake.gate.set()
    await trio.sleep(60)
    assert reception.ended == Ended("no_pong", "no answer to a ping for 20 s", 10)
    assert len(reception.intake.events) == 10


async def test_messages_that_are_ready_make_one_batch(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    reception.intake.gate = trio.Event()
    await reception.peer.send_message("first")
    await trio.sleep(1)
    for one in ("a", "b", "!c"):
        await reception.peer.send_message(one)
    await trio.sleep(1)
    reception.intake.gate.set()
    await trio.sleep(1)
    assert [[event.id for event in batch.events] for batch in reception.intake.batches] == [["first"], ["a", "b"]]
    assert reception.intake.places == ["message 4"]


async def test_what_was_read_is_emitted_after_stop(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    reception.intake.gate = trio.Event()
    for one in "abcde":
        await reception.peer.send_message(one)
    await trio.sleep(1)
    reception.intake.stop()
    await trio.sleep(1)
    assert reception.ended is None
    reception.intake.gate.set()
    await trio.sleep(1)
    assert reception.ended == Ended("stopped", "", 5)
    assert [event.id for event in reception.intake.events] == list("abcde")


async def test_what_was_read_is_emitted_after_the_peer_has_gone(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    reception = await Reception().start(nursery)
    reception.intake.gate = trio.Event()
    for one in "abcde":
        await reception.peer.send_message(one)
    nursery.start_soon(reception.peer.aclose, 4001, "enough")
    await trio.sleep(1)
    reception.intake.gate.set()
    await trio.sleep(1)
    assert reception.ended == Ended("closed", "closed with 4001 private reserved: enough", 5)
    assert [event.id for event in reception.intake.events] == list("abcde")


async def test_a_message_that_is_too_long_ends_the_connection(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    link_limits = limits(max_message_bytes=1_048_576)
    reception = await Reception().start(nursery, link_limits)
    await reception.peer.send_message("a")
    await reception.peer.send_message("x" * 1_048_577)
    await trio.sleep(1)
    assert reception.ended is not None
    assert (reception.ended.why, reception.ended.messages) == ("too_large", 1)
    assert reception.peer.closed is not None
    assert reception.peer.closed.code == 1009
