from __future__ import annotations

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair
from trio_websocket import wrap_client_stream

from wye.message import Reply
from wye_plugins.websocket.door import Admitted, Door, Visitor
from wye_plugins.websocket.link import Link, LinkClosedError, Wire

frames = st.binary(max_size=60)
headers = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(bytes)


@settings(max_examples=200, deadline=None)
@given(hostile=st.lists(st.one_of(frames, headers, st.just(b"\x81\x82\x00\x00\x00\x00hi")), max_size=5).map(b"".join))
async def test_whatever_bytes_come_the_connection_only_ends(hostile: bytes) -> None:
    received: list[bytes] = []

    def admit(visitor: Visitor) -> Admitted[None] | Reply:
        return Admitted(None)

    async def welcome(link: Link, guest: None, shown: str) -> None:
        try:
            while True:
                received.append(await link.receive())
        except LinkClosedError:
            pass

    ours, theirs = memory_stream_pair()
    door = Door("shop", admit, welcome, most=1, full=Reply(503), max_message_bytes=1000, timeout_secs=1)
    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.serve, ours)
            async with trio.open_nursery() as peer:
                await wrap_client_stream(peer, theirs, "here", "/")  # type: ignore[arg-type]
                peer.cancel_scope.cancel()
            await theirs.send_all(hostile)
            await theirs.aclose()
    assert sum(len(message) for message in received) <= len(hostile)


async def test_frames_of_two_writers_do_not_mix() -> None:
    ours, theirs = memory_stream_pair()
    wire = Wire(ours)
    async with trio.open_nursery() as nursery:
        for letter in b"abc":
            nursery.start_soon(wire.send_all, bytes([letter]) * 100_000)
    await wire.aclose()
    received = b""
    while chunk := await theirs.receive_some():
        received += chunk
    assert sorted(received[start : start + 100_000] for start in range(0, 300_000, 100_000)) == [
        bytes([letter]) * 100_000 for letter in b"abc"
    ]
