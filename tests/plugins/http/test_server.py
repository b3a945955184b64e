"""Real sockets on 127.0.0.1. Whatever a hostile client does, the next good request is answered 200."""

from __future__ import annotations

import errno
import gzip
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from plugins.http.http_kit import FAILURE, Client, chunked, connect, get, in_memory, new_source, post, serving
from plugins.http.test_protocol import HOSTILE
from wye.testing import FakeIntake


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake("web")


@asynccontextmanager
async def clients(port: int, count: int) -> AsyncGenerator[list[Client]]:
    async with AsyncExitStack() as stack:
        yield [Client(await stack.enter_async_context(await trio.open_tcp_stream("127.0.0.1", port))) for _ in range(count)]


async def assert_serves(port: int) -> None:
    with trio.fail_after(2):
        async with clients(port, 1) as (client,):
            assert (await client.ask(post(b"good"))).status == 200


async def test_one_connection_carries_many_requests(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,):
        for body in (post(b"e1"), chunked(b"e2 ", b"e3"), post(gzip.compress(b"e4"), "/in", "Content-Encoding: gzip")):
            assert (await client.ask(body)).status == 200
    assert [event.id for event in intake.events] == ["e1", "e2", "e3", "e4"]


async def test_pipelined_requests_are_answered_in_order(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,):
        await client.send(b"".join(post(b"%d" % i, "/echo") for i in range(200)))
        assert [(await client.answer()).body for _ in range(200)] == [b"%d" % i for i in range(200)]


async def test_a_large_body_and_a_large_answer_go_through(intake: FakeIntake) -> None:
    body = bytes(range(256)) * 20_000
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,), trio.open_nursery() as nursery:
        nursery.start_soon(client.send, post(body, "/echo"))
        assert (await client.answer()).body == body


async def test_answers_without_a_body(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,):
        await client.send(get(method="HEAD"))
        to_head = await client.answer(to_head=True)
        assert (to_head.status, to_head.headers["content-length"]) == (200, "4")
        empty = await client.ask(post(b"", "/empty"))
        assert (empty.status, empty.headers["x-empty"], "content-length" in empty.headers) == (204, "yes", False)
        assert (await client.ask(get())).body == b"pong"


async def test_http10_closes_unless_it_asks_to_keep_the_connection(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,):
        kept = await client.ask(get("/ping", "Connection: keep-alive", version="1.0"))
        assert kept.headers["connection"] == "keep-alive"
        assert (await client.ask(get(version="1.0"))).headers["connection"] == "close"
        assert await client.ended()


async def test_a_path_that_no_adapter_serves_is_answered_404(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 1) as (client,):
        answer = await client.ask(post(b"x", "/nowhere"))
        assert (answer.status, answer.body) == (404, b"no adapter serves this path\n")
        assert (await client.ask(get())).status == 200


# ── hostile clients ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_kind_of_hostile_input_gets_an_error_and_the_next_client_is_served(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port:
        for name, (raw, status) in HOSTILE.items():
            async with clients(port, 1) as (client,):
                answer = await client.ask(raw)
                assert (answer.status, answer.headers["connection"]) == (status, "close"), name
            await assert_serves(port)
    assert {event.id for event in intake.events} == {"good"}


async def test_three_hundred_silent_connections_disturb_nobody(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port, clients(port, 300):
        await assert_serves(port)


async def test_a_client_that_vanishes_costs_only_itself(intake: FakeIntake) -> None:
    async with serving(new_source(), intake) as port:
        for raw in (post(b"x" * 50)[:-10], b"GET /", post(b"e1") * 50):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(raw)
            sock.close()
            await assert_serves(port)


async def test_a_client_that_does_not_read_its_answers_is_given_up(intake: FakeIntake) -> None:
    source = new_source(request_timeout_secs=0.2)
    async with serving(source, intake) as port, clients(port, 1) as (client,):
        with trio.fail_after(8), pytest.raises(trio.BrokenResourceError):
            await send_forever(client, post(b"x" * 1_000_000, "/echo"))
        await assert_serves(port)


async def send_forever(client: Client, data: bytes) -> None:
    while True:
        await client.send(data)


async def test_at_max_connections_the_one_idle_longest_makes_room(intake: FakeIntake) -> None:
    async with serving(new_source(max_connections=3), intake) as port, clients(port, 3) as (first, second, third):
        for client in (second, first, third):
            assert (await client.ask(get())).status == 200
        await assert_serves(port)
        assert await second.ended()
        for client in (first, third):
            assert (await client.ask(get())).status == 200


async def test_at_max_connections_with_none_idle_a_new_one_is_answered_503(
    intake: FakeIntake, caplog: pytest.LogCaptureFixture
) -> None:
    intake.settle_at_once = False
    async with serving(new_source(max_connections=2), intake) as port, clients(port, 2) as both:
        for client in both:
            await client.send(post(b"e"))
        await settled(intake, 2)
        for _ in range(2):
            async with clients(port, 1) as (extra,):
                refused = await extra.ask(get())
                assert (refused.status, refused.headers["retry-after"]) == (503, "1")
                assert refused.body == b"too many connections\n"
        intake.settle()
        intake.settle()
        assert [(await client.answer()).status for client in both] == [200, 200]
        intake.settle_at_once = True
        await assert_serves(port)
    assert [r.levelname for r in caplog.records].count("WARNING") == 1


async def settled(intake: FakeIntake, count: int) -> None:
    """Wait until so many batches wait for their word."""
    while intake.unsettled < count:
        await trio.sleep(0.001)


async def test_a_connection_whose_client_left_while_waiting_makes_room(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with serving(new_source(max_connections=1), intake) as port:
        async with clients(port, 1) as (gone,):
            await gone.send(post(b"e1"))
            await settled(intake, 1)
        async with clients(port, 1) as (client,):
            await client.send(post(b"e2"))
            await settled(intake, 2)
            intake.settle()
            intake.settle()
            assert (await client.answer()).status == 200


async def _serve_after_failing(intake: FakeIntake, error: OSError, times: int) -> None:
    """A server whose first accepts raise ``error``; then it has to serve."""

    class Failing(socket.socket):
        tries = 0

        def accept(self) -> tuple[socket.socket, object]:
            type(self).tries += 1
            if self.tries <= times:
                raise error
            return super().accept()

    with Failing(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        async with in_memory(intake) as memory:
            memory.nursery.start_soon(memory.server.accept, listener, memory.nursery)
            async with await connect(listener.getsockname()[1]) as client:
                assert (await client.ask(get())).status == 200


@pytest.mark.parametrize("number", [errno.EPROTO, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EPERM, errno.ECONNABORTED])
async def test_a_connection_that_is_over_before_it_is_taken_costs_only_itself(intake: FakeIntake, number: int) -> None:
    await _serve_after_failing(intake, OSError(number, "it has an error of its own"), times=1)


async def test_running_out_of_file_descriptors_is_survived_and_said_once(
    intake: FakeIntake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wye")

    await _serve_after_failing(intake, OSError(errno.EMFILE, "too many open files"), times=3)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stopping_answers_what_was_received_and_closes_the_rest(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    source = new_source()
    async with serving(source, intake) as port, clients(port, 3) as (waiting, idle, halfway):
        assert (await idle.ask(get())).status == 200
        await waiting.send(post(b"e1") + post(b"e2"))
        await settled(intake, 1)
        await halfway.send(post(b"e3")[:-1])
        await wait_all_tasks_blocked(0.05)

        intake.stop()
        assert await idle.ended()
        refused = await halfway.answer()
        assert (refused.status, refused.body, refused.headers["connection"]) == (503, FAILURE.body, "close")
        assert refused.headers["retry-after"] == "1"
        with pytest.raises(OSError, match=r"refused|connect"):
            await connect(port)

        intake.settle()
        assert "connection" not in (await waiting.answer()).headers
        await settled(intake, 1)
        intake.settle()
        last = await waiting.answer()
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert await waiting.ended()
    assert [event.id for event in intake.events] == ["e1", "e2"]
