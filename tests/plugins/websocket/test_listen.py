from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
import trio
import trustme
from msgspec import structs
from trio.testing import wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

from plugins.websocket.websocket_kit import (
    KEY,
    OPENING,
    KeyedStream,
    address_of,
    connected,
    inbound,
    let_in,
    new_source,
    open_by_hand,
    read_to_the_end,
    refusal,
    running,
    until,
)
from wye.message import Head, Reply
from wye.plugin import StartError
from wye.testing import FakeIntake
from wye_plugins.websocket.config import Tls, WebSocketSourceOptions

HERE = WebSocketSourceOptions(address="127.0.0.1:0", max_message_bytes=1000)


async def test_clients_send_messages() -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    async with running(source, intake), connected(address_of(source) + "/any/path") as connection:
        await connection.send_message("a b")
        await connection.send_message(b"c !d")
        await until(lambda: len(intake.events) == 3)
    assert [event.id for event in intake.events] == ["a", "b", "c"]
    assert intake.places == ["message 2, record 2"]


async def test_messages_are_counted_for_each_connection() -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    async with running(source, intake):
        for _ in range(2):
            async with connected(address_of(source)) as connection:
                await connection.send_message("!bad")
        await until(lambda: len(intake.failures) == 2)
    assert intake.places == ["message 1", "message 1"]


async def test_who_has_the_key_comes_in_and_who_has_not_is_told_so() -> None:
    intake = FakeIntake()
    source = new_source(HERE, inbound(KeyedStream()))
    async with running(source, intake):
        async with connected(f"{address_of(source)}/stream?key={KEY}") as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)
        status, head, body = await refusal(f"{address_of(source)}/stream?key=wrong")
    assert (status, body) == (403, "wrong key")
    assert "x-why: key" in head


async def test_the_first_adapter_that_admits_decodes() -> None:
    intake = FakeIntake()
    source = new_source(
        HERE, inbound(KeyedStream("/clicks"), "item_click"), inbound(KeyedStream("/views", "other"), "item_view")
    )
    async with running(source, intake):
        for path, message in ((f"/clicks?key={KEY}", "a"), ("/views?key=other", "b")):
            async with connected(address_of(source) + path) as connection:
                await connection.send_message(message)
        await until(lambda: len(intake.events) == 2)
        status, _, _ = await refusal(f"{address_of(source)}/clicks?key=wrong")
    assert {event.id: event.type for event in intake.events} == {"a": "item_click", "b": "item_view"}
    assert status == 403, "the first adapter's refusal, not the second one's 404"


async def test_an_adapter_without_a_door_takes_whom_the_others_refuse() -> None:
    intake = FakeIntake()
    source = new_source(HERE, inbound(KeyedStream(), "item_click"), inbound(None, "search"))
    async with running(source, intake), connected(address_of(source)) as connection:
        await connection.send_message("a")
        await until(lambda: len(intake.events) == 1)
    assert intake.events[0].type == "search"


async def test_an_adapter_that_raises_about_a_visitor_costs_that_visit(caplog: pytest.LogCaptureFixture) -> None:
    class Picky(KeyedStream):
        def admit(self, head: Head, /) -> Reply | None:
            return super().admit(structs.replace(head, path={"/stream": "/stream"}[head.path]))

    intake = FakeIntake()
    source = new_source(HERE, inbound(Picky()))
    async with running(source, intake):
        for _ in range(2):
            status, _, _ = await refusal(f"{address_of(source)}/elsewhere")
            assert status == 500
        async with connected(f"{address_of(source)}/stream?key={KEY}") as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)
    assert caplog.text.count("shop: an adapter raised KeyError about a visitor") == 1


async def test_of_many_who_come_at_once_no_more_than_the_bound_come_in() -> None:
    source = new_source(WebSocketSourceOptions(address="127.0.0.1:0", max_connections=2))
    async with running(source, FakeIntake()):
        assert await let_in(address_of(source), 20) == 2


async def test_one_client_too_many_is_told_to_come_later() -> None:
    source = new_source(WebSocketSourceOptions(address="127.0.0.1:0", max_connections=1))
    intake = FakeIntake()
    async with running(source, intake):
        async with connected(address_of(source)) as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)
            status, _, _ = await refusal(address_of(source))
        assert status == 503
        async with connected(address_of(source)) as connection:
            await connection.send_message("b")
            await until(lambda: len(intake.events) == 2)


async def test_a_message_that_is_too_long_closes_its_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    async with (
        running(source, intake),
        connected(address_of(source)) as careless,
        connected(address_of(source)) as other,
    ):
        await careless.send_message("before")
        await careless.send_message("x" * 300_000)
        with pytest.raises(ConnectionClosed) as closed:
            await careless.get_message()
        await other.send_message("after")
        await until(lambda: len(intake.events) == 2)
    assert closed.value.reason is not None
    assert closed.value.reason.code == 1009
    assert "sent a message longer than max_message_bytes (1000)" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: \xc3\x28\r\n\r\n",
        b"",
        OPENING.format(target="//[").encode(),
        OPENING.format(target="//a]b?x").encode(),
        OPENING.format(target="http://[/").encode(),
    ],
    ids=["tls", "plain-get", "post", "bad-bytes", "nothing", "no-host", "half-a-host", "no-url"],
)
async def test_who_does_not_speak_websocket_harms_nobody(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    async with running(source, intake):
        port = int(address_of(source).rpartition(":")[2])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(garbage)
            await stream.send_eof()
            await read_to_the_end(stream)
        async with connected(address_of(source)) as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_broken_frames_end_their_connection_only() -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    async with running(source, intake):
        async with await open_by_hand(address_of(source)) as stream:
            assert b"101 Switching" in await stream.receive_some()
            await stream.send_all(b"\xff" * 200)
            await read_to_the_end(stream)
        async with connected(address_of(source)) as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)


async def test_stop_emits_what_was_read_and_says_goodbye() -> None:
    intake = FakeIntake()
    source = new_source(HERE)
    connection: WebSocketConnection
    async with trio.open_nursery() as nursery:
        await nursery.start(source.run, intake)
        intake.gate = trio.Event()
        async with connected(address_of(source)) as connection:
            for one in "abc":
                await connection.send_message(one)
            await connection.ping()
            intake.stop()
            intake.gate.set()
            with pytest.raises(ConnectionClosed) as closed:
                await connection.get_message()
    assert [event.id for event in intake.events] == ["a", "b", "c"]
    assert closed.value.reason is not None
    assert closed.value.reason.code == 1001


async def test_stop_does_not_wait_for_somebody_who_never_shakes_hands() -> None:
    source = new_source(HERE)
    with trio.fail_after(5):
        async with running(source, FakeIntake()):
            stream = await trio.open_tcp_stream("127.0.0.1", int(address_of(source).rpartition(":")[2]))
            await stream.send_all(b"GET / HTTP/1.1\r\n")
            await wait_all_tasks_blocked()
        await stream.aclose()


async def test_a_port_in_use_is_one_line() -> None:
    intake = FakeIntake()
    first = new_source(HERE)
    async with running(first, intake):
        port = address_of(first).rpartition(":")[2]
        second = new_source(WebSocketSourceOptions(address=f"127.0.0.1:{port}"))
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}: address already in use") as caught:
            await second.run(FakeIntake(), task_status=trio.TASK_STATUS_IGNORED)
    assert "\n" not in str(caught.value)


async def test_only_clients_with_a_certificate_come_in_where_one_is_asked_for(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = Tls(certificate=str(tmp_path / "server.pem"), client_ca=str(tmp_path / "ca.pem"))
    source = new_source(WebSocketSourceOptions(address="127.0.0.1:0", tls=tls))
    intake = FakeIntake()
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    async with running(source, intake):
        plain = await trio.open_tcp_stream("127.0.0.1", int(address_of(source).rpartition(":")[2]))
        async with plain, trio.SSLStream(plain, context, server_hostname="127.0.0.1") as nobody:
            with pytest.raises(trio.BrokenResourceError):
                await nobody.receive_some()
        authority.issue_cert("me@example.org").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        async with open_websocket_url(address_of(source), ssl_context=context) as somebody:
            await somebody.send_message("a")
            await until(lambda: len(intake.events) == 1)


async def test_over_tls(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    source = new_source(WebSocketSourceOptions(address="127.0.0.1:0", tls=Tls(certificate=str(folder / "server.pem"))))
    intake = FakeIntake()
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    async with running(source, intake):
        assert address_of(source).startswith("wss://")
        async with open_websocket_url(address_of(source), ssl_context=context) as connection:
            await connection.send_message("a")
            await until(lambda: len(intake.events) == 1)
