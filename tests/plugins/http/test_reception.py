"""Plain sockets are answered by the reception, all other links by their connections' tasks: what a client sees is the same."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from plugins.http import http_kit
from plugins.http.http_kit import Answer, Client, Vendor, chunked, get, in_memory, post
from wye.message import Decoded, Head, Received, Reply
from wye.plugin import Accepted, Claim
from wye.testing import FakeIntake

KINDS = {
    "events": post(b"e1 e2"),
    "no events": post(b""),
    "chunks": chunked(b"e3 ", b"e4"),
    "echo": post(b"what", "/echo"),
    "ping": get(),
    "nobody": post(b"x", "/nowhere"),
    "refused": post(b"x", "/denied"),
    "boom": post(b"x", "/boom"),
    "empty": post(b"", "/empty"),
    "too large": post(b"x" * 11, "/ten"),
    "the last": post(b"e5", "/in", "Connection: close"),
    "garbage": b"garbage\r\n\r\n",
    "old": get(version="1.0"),
}


async def conversation(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], *, over_sockets: bool, **options: Any
) -> tuple[list[Answer], list[str]]:
    """Everything that comes back for ``pieces``, and what was taken in."""
    monkeypatch.setattr(http_kit, "OVER_SOCKETS", over_sockets)
    intake = FakeIntake("web")
    answers: list[Answer] = []
    async with in_memory(intake, **options) as memory:
        client = memory.connect()
        for piece in pieces:
            try:
                await client.send(piece)
            except trio.BrokenResourceError:
                break
            await wait_all_tasks_blocked()
        await shut(client)
        try:
            while True:
                answers.append(await client.answer())
        except (EOFError, trio.BrokenResourceError):
            pass
    for one in answers:
        one.headers.pop("date", None)
    return answers, [event.id for event in intake.events]


async def shut(client: Client) -> None:
    """The client has sent its last; it still reads."""
    stream = client.stream
    assert isinstance(stream, trio.abc.HalfCloseableStream)
    with contextlib.suppress(trio.BrokenResourceError, OSError):
        await stream.send_eof()


@given(
    st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6),
    st.sets(st.integers(1, 600), max_size=4),
    st.sampled_from(["accepted", "delivered"]),
)
def test_sockets_and_streams_are_answered_alike(kinds: list[str], cuts: set[int], ack: str) -> None:
    stream = b"".join(KINDS[kind] for kind in kinds)
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(places)]
    with pytest.MonkeyPatch.context() as monkeypatch:

        async def both() -> None:
            by_task = await conversation(monkeypatch, pieces, over_sockets=False, ack=ack)
            by_reception = await conversation(monkeypatch, pieces, over_sockets=True, ack=ack)
            assert by_reception == by_task
            assert by_task[0]

        trio.run(both)


@pytest.fixture
def intake(monkeypatch: pytest.MonkeyPatch) -> FakeIntake:
    monkeypatch.setattr(http_kit, "OVER_SOCKETS", True)
    return FakeIntake("web")


async def test_what_comes_while_a_request_waits_for_its_word_is_answered_after_it(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake) as memory:
        client = memory.connect()
        await client.send(post(b"e1"))
        await wait_all_tasks_blocked()
        await client.send(post(b"e2") + get())
        await wait_all_tasks_blocked()
        assert intake.unsettled == 1
        intake.settle()
        assert (await client.answer()).status == 200
        await wait_all_tasks_blocked()
        intake.settle(False)
        assert (await client.answer()).status == http_kit.FAILURE.status
        assert (await client.answer()).body == b"pong"
        assert (await client.ask(get())).body == b"pong"


async def test_a_client_that_leaves_before_its_word_costs_only_itself(intake: FakeIntake) -> None:
    intake.settle_at_once = False
    async with in_memory(intake, max_pending_bytes=100) as memory:
        quitter, other = memory.connect(), memory.connect()
        await quitter.send(post(b"x" * 60))
        await wait_all_tasks_blocked()
        await other.send(post(b"y" * 40))
        await wait_all_tasks_blocked()
        await quitter.stream.aclose()
        await wait_all_tasks_blocked()
        intake.settle()
        intake.settle()
        assert (await other.answer()).status == 200
        await wait_all_tasks_blocked()
        assert memory.server.connections == 1
        await other.send(post(b"z" * 100))
        await wait_all_tasks_blocked()
        intake.settle()
        assert (await other.answer()).status == 200


async def test_clients_that_ask_together_are_answered_together(intake: FakeIntake) -> None:
    async with in_memory(intake, ack="accepted") as memory:
        clients = [memory.connect() for _ in range(20)]
        await wait_all_tasks_blocked()
        for number, client in enumerate(clients):
            await client.send(post(b"e%d" % number) * 2)
        for client in clients:
            assert [(await client.answer()).status for _ in range(2)] == [200, 200]
    assert sorted(event.id for event in intake.events) == sorted(f"e{number}" for number in range(20) for _ in range(2))


class Faulty(Vendor):
    """Gives what is no answer."""

    def claim(self, head: Head, /) -> Claim | None:
        return Claim() if head.path == "/nothing" else super().claim(head)

    def receive(self, request: Received, /) -> Accepted | Reply:
        return None if request.head.path == "/nothing" else super().receive(request)  # type: ignore[return-value]


async def test_what_breaks_on_one_connection_ends_only_that_one(intake: FakeIntake) -> None:
    async with in_memory(intake, Faulty()) as memory:
        bad, good = memory.connect(), memory.connect()
        await wait_all_tasks_blocked()
        await bad.send(post(b"e1", "/nothing"))
        await good.send(post(b"e2"))
        assert (await good.answer()).status == 200
        assert await bad.ended()
        assert (await good.ask(get())).body == b"pong"
    assert [event.id for event in intake.events] == ["e2"]


class Picky(FakeIntake):
    """Raises for an event called ``boom``, before it takes any, as a filter that fails would."""

    def __init__(self, together: bool) -> None:
        super().__init__("web")
        self.calls: list[int] = []
        self._together = together

    def offer_all(self, several: Sequence[Decoded], /) -> bool:
        self.calls.append(len(several))
        if any(event.id == "boom" for one in several for event in one.events):
            raise LookupError("boom")
        return self._together and super().offer_all(several)

    def offer(self, decoded: Decoded, /, **keywords: Any) -> bool:
        if any(event.id == "boom" for event in decoded.events):
            raise LookupError("boom")
        return super().offer(decoded, **keywords)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("boom", [True, False])
async def test_what_is_accepted_is_handed_over_together_and_what_fails_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, together: bool, boom: bool
) -> None:
    monkeypatch.setattr(http_kit, "OVER_SOCKETS", True)
    intake = Picky(together)
    words = ["e1", "e2", "boom" if boom else "e3", "e4"]
    async with in_memory(intake, ack="accepted") as memory:
        clients = [memory.connect() for _ in words]
        await wait_all_tasks_blocked()
        for client, word in zip(clients, words, strict=True):
            assert isinstance(client.stream, trio.SocketStream)
            os.write(client.stream.socket.fileno(), post(word.encode()))
        await wait_all_tasks_blocked()
        for client, word in zip(clients, words, strict=True):
            if word == "boom":
                with pytest.raises((EOFError, trio.BrokenResourceError)):
                    await client.answer()
            else:
                assert (await client.answer()).status == http_kit.SUCCESS.status
    assert sorted(event.id for event in intake.events) == sorted(set(words) - {"boom"})
    assert intake.calls == [4]
