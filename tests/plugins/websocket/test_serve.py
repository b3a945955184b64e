from __future__ import annotations

import logging
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio_websocket import ConnectionClosed
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from plugins.websocket.websocket_kit import (
    KEY,
    KeyedStream,
    connected,
    let_in,
    new_sink,
    receive_all,
    refusal,
    serving,
    shipment,
    sink_with,
    until,
)
from wye.event import EVENT_TYPES
from wye.plugin import StartError
from wye.testing import make_event, shipment_of
from wye.verdict import DELIVERED
from wye_plugins.websocket.config import WebSocketSinkOptions
from wye_plugins.websocket.serve import text_frame


async def test_every_subscriber_gets_every_event_in_order_as_text() -> None:
    sink = sink_with()
    async with serving(sink) as url, connected(url) as first, connected(url) as second:
        await until(lambda: sink.subscribers == 2)
        assert await sink.send(shipment("a", "b")) == DELIVERED
        assert await sink.send(shipment("ü", "d")) == DELIVERED
        assert await receive_all(first, 4) == ["a", "b", "ü", "d"]
        assert await receive_all(second, 4) == ["a", "b", "ü", "d"]


async def test_of_many_who_come_at_once_no_more_than_the_bound_subscribe() -> None:
    async with serving(sink_with(max_subscribers=2)) as url:
        assert await let_in(url, 20) == 2


async def test_without_subscribers_events_count_as_delivered() -> None:
    sink = sink_with()
    async with serving(sink):
        assert await sink.send(shipment("a")) == DELIVERED


async def test_a_subscriber_gets_what_comes_after_it() -> None:
    sink = sink_with()
    async with serving(sink) as url:
        await sink.send(shipment("before"))
        async with connected(url) as late:
            await until(lambda: sink.subscribers == 1)
            await sink.send(shipment("after"))
            assert await receive_all(late, 1) == ["after"]


async def test_a_subscriber_that_leaves_is_forgotten() -> None:
    sink = sink_with()
    async with serving(sink) as url:
        async with connected(url):
            await until(lambda: sink.subscribers == 1)
        await until(lambda: sink.subscribers == 0)
        assert await sink.send(shipment("a")) == DELIVERED


# ── who may come in ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_adapter_decides_who_comes_in(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wye")
    sink = sink_with(KeyedStream())
    async with serving(sink) as url:
        async with connected(f"{url}/stream?key={KEY}&type=purchase") as subscriber:
            await until(lambda: sink.subscribers == 1)
            await sink.send(shipment("a", type="purchase"))
            assert await receive_all(subscriber, 1) == ["a"]
        status, _, body = await refusal(f"{url}/stream?key=wrong")
        assert (status, body) == (403, "wrong key")
        assert (await refusal(f"{url}/elsewhere?key={KEY}"))[0] == 404
    assert KEY not in caplog.text
    assert KEY not in sink.target


async def test_a_stranger_learns_nothing_about_types() -> None:
    sink = sink_with(KeyedStream())
    async with serving(sink) as url:
        assert (await refusal(f"{url}/stream?type=nonsense"))[0] == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?type=purchase", ["p"]),
        ("?type=purchase&type=search", ["p", "s"]),
        ("?type=search,purchase", ["p", "s"]),
        ("?type=custom:wink", ["c"]),
        ("?type=search,%20custom:wink&type=purchase", ["p", "s", "c"]),
        ("?other=search", ["v", "p", "s", "c"]),
    ],
)
async def test_a_subscriber_may_ask_for_types(query: str, expected: list[str]) -> None:
    sink = sink_with()
    events = [make_event("v"), make_event("p", "purchase"), make_event("s", "search"), make_event("c", "custom:wink")]
    async with serving(sink) as url, connected(f"{url}/{query}") as subscriber:
        await until(lambda: sink.subscribers == 1)
        await sink.send(shipment_of(events, [event.id.encode() for event in events]))
        await sink.send(shipment_of(events[:1], [b"another view"]))
        received = await receive_all(subscriber, len(expected))
    assert received == expected


@pytest.mark.parametrize("wanted", ["purchases", "search,nonsense", "custom:", ""])
async def test_a_type_that_nobody_knows_is_refused_with_the_known_ones(wanted: str) -> None:
    sink = sink_with()
    async with serving(sink) as url:
        status, _, body = await refusal(f"{url}/?type={wanted}")
    assert status == 400
    assert repr(wanted.rpartition(",")[2]) in body
    assert all(known in body for known in EVENT_TYPES)


async def test_one_subscriber_too_many_is_told_to_come_later() -> None:
    sink = sink_with(max_subscribers=1)
    async with serving(sink) as url:
        async with connected(url):
            await until(lambda: sink.subscribers == 1)
            status, head, _ = await refusal(url)
        assert status == 503
        assert "retry-after: 5" in head
        await until(lambda: sink.subscribers == 0)
        async with connected(url):
            await until(lambda: sink.subscribers == 1)


# ── what subscribers do ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_subscriber_says_is_ignored_and_too_much_of_it_ends_its_connection() -> None:
    sink = sink_with(max_message_bytes=100)
    async with serving(sink) as url, connected(url) as chatty:
        for _ in range(100):
            await chatty.send_message("hello?")
        await sink.send(shipment("a"))
        assert await receive_all(chatty, 1) == ["a"]
        await chatty.send_message("x" * 101)
        with pytest.raises(ConnectionClosed) as closed:
            await chatty.get_message()
    assert closed.value.reason is not None
    assert closed.value.reason.code == 1009


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_at_the_end_subscribers_get_what_waits_for_them_and_a_goodbye() -> None:
    sink = sink_with()
    ids = [str(number) for number in range(500)]
    received: list[str | bytes] = []
    codes: list[int] = []

    async def subscribe(url: str) -> None:
        async with connected(url) as subscriber:
            with suppress(ConnectionClosed):
                while True:
                    received.append(await subscriber.get_message())
            codes.append(subscriber.closed.code if subscriber.closed else 0)

    async with trio.open_nursery() as nursery, serving(sink) as url:
        nursery.start_soon(subscribe, url)
        await until(lambda: sink.subscribers == 1)
        await sink.send(shipment(*ids))
    assert received == ids
    assert codes == [1001]


async def test_a_port_in_use_is_one_line() -> None:
    sink = sink_with()
    async with serving(sink) as url:
        port = url.rpartition(":")[2]
        second = new_sink(WebSocketSinkOptions(address=f"127.0.0.1:{port}"))
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}: address already in use"):
            async with second.open():
                pass


async def test_a_page_of_any_origin_that_offers_compression_is_welcome() -> None:
    sink = sink_with()
    async with serving(sink) as url:
        port = int(url.rpartition(":")[2])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(
                b"GET /?type=purchase HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                b"Origin: null\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
            )
            head = bytes(await stream.receive_some()).lower()
            assert b"101 switching" in head
            assert b"sec-websocket-extensions" not in head
            assert b"sec-websocket-protocol" not in head
            await until(lambda: sink.subscribers == 1)
            await sink.send(shipment("p", type="purchase"))
            assert await stream.receive_some() == b"\x81\x01p"
        await until(lambda: sink.subscribers == 0)


# ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(frames: bytes) -> list[str]:
    """What a client's end makes of ``frames``."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frames)
    messages: list[str] = []
    parts: list[str] = []
    for event in client.events():
        assert isinstance(event, TextMessage)
        parts.append(event.data)
        if event.message_finished:
            messages.append("".join(parts))
            parts = []
    assert not parts
    return messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_every_form_of_the_length_is_understood(size: int) -> None:
    assert read(text_frame(b"x" * size)) == ["x" * size]


@given(st.lists(st.text(max_size=200), max_size=5))
def test_frames_written_together_are_read_apart(texts: list[str]) -> None:
    assert read(b"".join(text_frame(text.encode()) for text in texts)) == texts
