"""Connections without a port; where time matters, the clock jumps."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from plugins.http.http_kit import FAILURE, SUCCESS, Vendor, get, in_memory, post
from wye.testing import FakeIntake
from wye_plugins.http.claims import BROKEN

pytestmark = pytest.mark.usefixtures("link")


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake("web")


async def test_a_request_is_answered_and_its_events_are_taken_in(intake: FakeIntake) -> None:
    vendor = Vendor()
    async with in_memory(intake, vendor) as memory:
        answer = await memory.connect("192.0.2.7").ask(post(b"e1 e2", "/in?k=v"))
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, SUCCESS.body, "application/json")
    assert [event.id for event in intake.events] == ["e1", "e2"]
    (received,) = vendor.seen
    assert (received.head.client_ip, received.head.query) == ("192.0.2.7", {"k": "v"})
    assert received.received_ms > 1_700_000_000_000


async def test_the_answer_waits_for_delivery(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        await client.send(post(b"e1"))
        await wait_all_tasks_blocked()
        assert intake.unsettled == 1
        with trio.move_on_after(0.01) as patience:
            await client.answer()
        assert patience.cancelled_caught
        intake.settle()
        assert (await client.answer()).status == 200


async def test_events_that_are_not_safe_are_answered_with_the_vendors_failure(intake: FakeIntake) -> None:
    intake.safe = False
    async with in_memory(intake, retry_after_secs=2.5) as memory:
        answer = await memory.connect().ask(post(b"e1"))
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (FAILURE.status, FAILURE.body, "3")


async def test_with_ack_accepted_the_answer_does_not_wait(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake, ack="accepted") as memory:
        assert (await memory.connect().ask(post(b"e1"))).status == 200
    assert intake.unsettled == 0


async def test_answers_to_earlier_requests_do_not_wait_for_a_later_ones_delivery(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        await client.send(get() + post(b"e1") + get())
        assert (await client.answer()).body == b"pong"
        await wait_all_tasks_blocked()
        intake.settle()
        assert (await client.answer()).body == SUCCESS.body
        assert (await client.answer()).body == b"pong"


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_silent_connection_is_closed_after_the_idle_timeout(intake: FakeIntake, autojump_clock: MockClock) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        assert await client.ended()
        assert 75 <= trio.current_time() <= 77


async def test_the_idle_timeout_counts_anew_after_each_answer(intake: FakeIntake, autojump_clock: MockClock) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        for _ in range(3):
            await trio.sleep(60)
            assert (await client.ask(get())).status == 200
        answered = trio.current_time()
        assert await client.ended()
        assert 75 <= trio.current_time() - answered <= 77


async def test_blank_lines_do_not_keep_a_connection_alive(intake: FakeIntake, autojump_clock: MockClock) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        with pytest.raises(trio.BrokenResourceError):
            await send_blank_lines(client.stream)
        assert trio.current_time() <= 80


async def send_blank_lines(stream: trio.abc.SendStream) -> None:
    while trio.current_time() < 200:
        await stream.send_all(b"\r\n")
        await trio.sleep(1)


async def test_a_head_that_dribbles_is_answered_408(intake: FakeIntake, autojump_clock: MockClock) -> None:
    async with in_memory(intake) as memory, trio.open_nursery() as nursery:
        client = memory.connect()
        await trio.sleep(50)
        nursery.start_soon(dribble, client.stream, b"GET /ping HTTP/1.1\r\n" + b"a: b\r\n" * 100)
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert 60 <= trio.current_time() <= 62
        nursery.cancel_scope.cancel()


async def test_a_body_that_dribbles_is_answered_408(intake: FakeIntake, autojump_clock: MockClock) -> None:
    async with in_memory(intake) as memory, trio.open_nursery() as nursery:
        client = memory.connect()
        await client.send(post(b"x" * 500)[:-500])
        nursery.start_soon(dribble, client.stream, b"x" * 500)
        answer = await client.answer()
        assert (answer.status, answer.body) == (408, b'{"no":408}')
        assert 60 <= trio.current_time() <= 62
        nursery.cancel_scope.cancel()
    assert intake.batches == []


async def dribble(stream: trio.abc.SendStream, data: bytes) -> None:
    for i in range(len(data)):
        await trio.sleep(1)
        await stream.send_all(data[i : i + 1])


async def test_a_request_waits_for_room_in_the_sinks_and_then_gets_its_vendors_failure(
    intake: FakeIntake, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wye")
    intake.gate = trio.Event()
    async with in_memory(intake, retry_after_secs=2.5) as memory:
        client = memory.connect()
        for _ in range(2):
            asked = trio.current_time()
            answer = await client.ask(post(b"e1"))
            assert (answer.status, answer.body, answer.headers["retry-after"]) == (FAILURE.status, FAILURE.body, "3")
            assert 5 <= trio.current_time() - asked <= 6
            assert "connection" not in answer.headers
        assert intake.batches == []
        intake.gate.set()
        assert (await client.ask(post(b"e2"))).status == 200
    assert [event.id for event in intake.events] == ["e2"]
    assert [record.message.split(";")[0] for record in caplog.records] == [
        "source web: the sinks are full",
        "source web: the sinks take events again",
    ]


async def test_room_that_comes_in_time_is_enough(intake: FakeIntake, autojump_clock: MockClock) -> None:
    intake.gate = trio.Event()
    async with in_memory(intake) as memory:
        client = memory.connect()
        await client.send(post(b"e1"))
        await trio.sleep(4)
        intake.gate.set()
        assert (await client.answer()).status == 200


async def test_the_wait_for_delivery_is_as_long_as_the_operator_says(intake: FakeIntake, autojump_clock: MockClock) -> None:
    intake.settle_at_once = False
    async with in_memory(intake, answer_timeout_secs=10_001) as memory:
        client = memory.connect()
        await client.send(post(b"e1"))
        await trio.sleep(10_000)
        intake.settle()
        assert (await client.answer()).status == 200


async def test_who_has_waited_too_long_for_delivery_is_promised_nothing_and_can_go_on(
    intake: FakeIntake, autojump_clock: MockClock
) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        answer = await client.ask(post(b"e1"))
        assert (answer.status, answer.headers["retry-after"]) == (FAILURE.status, "1")
        assert 60 <= trio.current_time() <= 62
        intake.settle()  # too late for this one: nobody is told
        await client.send(post(b"e1"))
        await trio.sleep(1)
        intake.settle()
        assert (await client.answer()).status == 200
    assert [event.id for event in intake.events] == ["e1", "e1"]


async def test_a_batch_that_is_taken_in_the_very_moment_of_the_timeout_keeps_its_answer(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        intake.gate = trio.Event()
        await client.send(post(b"e1"))
        await wait_all_tasks_blocked()
        intake.gate.set()
        (connection,) = memory.server._connections  # pyright: ignore[reportPrivateUsage]
        connection.interrupt()
        await wait_all_tasks_blocked()
        assert intake.unsettled == 1
        intake.settle()
        assert (await client.answer()).status == 200
    assert len(intake.batches) == 1


async def test_a_word_that_comes_in_the_very_moment_of_the_timeout_counts(intake: FakeIntake, mock_clock: MockClock) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        await client.send(post(b"e1"))
        await wait_all_tasks_blocked()
        (connection,) = memory.server._connections  # pyright: ignore[reportPrivateUsage]
        mock_clock.jump(60)
        connection.interrupt()
        intake.settle()
        assert (await client.answer()).status == 200


# ── bodies under way ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_pending_bodies_are_bounded_and_given_back(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake, max_pending_bytes=100) as memory:
        first, second = memory.connect(), memory.connect()
        await first.send(post(b"x" * 60))
        await wait_all_tasks_blocked()
        refused = await second.ask(post(b"y" * 60))
        assert (refused.status, refused.headers["retry-after"], refused.headers["connection"]) == (503, "1", "close")
        assert (refused.headers["content-type"], refused.body) == ("application/json", FAILURE.body)
        intake.settle()
        assert (await first.answer()).status == 200
        third = memory.connect()
        await third.send(post(b"z" * 60))
        await wait_all_tasks_blocked()
        intake.settle()
        assert (await third.answer()).status == 200


async def test_a_body_that_its_client_gives_up_is_given_back(intake: FakeIntake) -> None:
    async with in_memory(intake, max_pending_bytes=100) as memory:
        quitter = memory.connect()
        await quitter.send(post(b"x" * 60)[:-1])
        await quitter.stream.aclose()
        await wait_all_tasks_blocked()
        assert (await memory.connect().ask(post(b"y" * 100))).status == 200
        assert memory.server.connections == 1


async def test_a_client_is_asked_to_continue(intake: FakeIntake) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        asked = await client.ask(post(b"e1", "/in", "Expect: 100-continue")[:-2])
        assert asked.status == 100
        assert (await client.ask(b"e1")).status == 200


async def test_an_answer_that_comes_early_can_be_read_while_the_body_is_still_sent(
    intake: FakeIntake, autojump_clock: MockClock
) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        answer = await client.ask(b"POST /in HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        assert (answer.status, answer.body, answer.headers["connection"]) == (413, b'{"no":413}', "close")
        for _ in range(10):
            await client.send(b"x" * 100_000)
        assert await client.ended()


# ── adapters that fail ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_encoding_that_is_not_known_is_refused_with_those_that_are(intake: FakeIntake) -> None:
    async with in_memory(intake) as memory:
        for path, kind in (("/in", "application/json"), ("/nowhere", "text/plain; charset=utf-8")):
            answer = await memory.connect().ask(post(b"x", path, "Content-Encoding: br"))
            assert (answer.headers["content-type"], answer.headers.get("accept-encoding")) == (
                kind,
                "gzip, deflate" if path == "/in" else None,
            )


@pytest.mark.parametrize(
    ("path", "body"),
    [("/boom", b'{"no":500}'), ("/claim-boom", BROKEN.body), ("/boom-twice", BROKEN.body)],
)
async def test_an_endpoint_that_raises_costs_one_answer_and_is_logged_once_per_kind(
    intake: FakeIntake, caplog: pytest.LogCaptureFixture, path: str, body: bytes
) -> None:
    async with in_memory(intake) as memory:
        client = memory.connect()
        for _ in range(3):
            answer = await client.ask(post(b"x", path))
            assert (answer.status, answer.body) == (500, body)
        assert (await client.ask(get())).body == b"pong"
    assert [record.levelname for record in caplog.records] == ["ERROR"] * (2 if path == "/boom-twice" else 1)


async def test_a_reply_that_would_inject_a_header_is_not_sent(intake: FakeIntake) -> None:
    async with in_memory(intake) as memory:
        answer = await memory.connect().ask(post(b"", "/bad-header"))
    assert (answer.status, "injected" in answer.headers) == (500, False)
