from __future__ import annotations

import socket

import pytest
import trio
from trio.testing import memory_stream_pair

from wye_plugins.http.link import SocketLink, StreamLink


async def test_what_a_socket_does_not_take_at_once_is_sent_when_it_does() -> None:
    ours, theirs = socket.socketpair()
    link, data, got = SocketLink(ours), bytes(range(256)) * 20_000, bytearray()
    rest = link.send_now(data)
    assert 0 < len(rest) < len(data)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.send, rest)
        other = SocketLink(theirs)
        while len(got) < len(data):
            got += await other.receive()
    assert got == data
    await link.aclose()
    assert await other.receive() == b""
    await other.aclose()


async def test_a_peer_that_left_is_seen_without_reading_and_one_that_waits_is_not() -> None:
    ours, theirs = socket.socketpair()
    link = SocketLink(ours)
    assert not link.gone()
    theirs.send(b"x")
    assert not link.gone()
    assert await link.receive() == b"x"
    theirs.close()
    assert link.gone()
    await link.aclose()


async def test_after_finish_the_peer_sees_the_end_and_can_still_send() -> None:
    for link, other in (linked_sockets(), linked_streams()):
        await link.finish()
        assert await other.receive() == b""
        assert other.send_now(b"x") in (b"", b"x")
        await other.send(b"y")
        assert (await link.receive())[-1:] == b"y"
        await link.aclose()
        await other.aclose()


def linked_sockets() -> tuple[SocketLink, SocketLink]:
    ours, theirs = socket.socketpair()
    return SocketLink(ours), SocketLink(theirs)


def linked_streams() -> tuple[StreamLink, StreamLink]:
    ours, theirs = memory_stream_pair()
    return StreamLink(ours), StreamLink(theirs)


async def test_a_stream_that_does_not_open_raises() -> None:
    async def fails() -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    link = StreamLink(memory_stream_pair()[0], fails)
    with pytest.raises(trio.BrokenResourceError):
        await link.open()
