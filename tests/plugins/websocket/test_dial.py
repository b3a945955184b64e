from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from trio_websocket import WebSocketRequest, serve_websocket

from wye.net import ClientTls
from wye_plugins.websocket.dial import Dial, RefusedError, connect


@pytest.mark.parametrize(
    ("url", "shown", "resource"),
    [
        ("ws://h/live?key=s3cret", "ws://h:80", "/live?key=s3cret"),
        ("wss://h?key=s3cret", "wss://h:443", "/?key=s3cret"),
        ("ws://h:8080", "ws://h:8080", "/"),
        ("ws://[::1]:8080/s3cret/a", "ws://[::1]:8080", "/s3cret/a"),
    ],
)
def test_what_is_shown_has_no_path_and_no_query(url: str, shown: str, resource: str) -> None:
    dial = Dial(url)
    assert (dial.shown, dial.resource) == (shown, resource)


@pytest.mark.parametrize(
    "text", ["key s3cret/+x expired", "key s3cret%2F%2Bx expired", "tenant-4711 is blocked", "no such token: t0ken-value"]
)
def test_a_peer_that_quotes_our_credentials_is_not_repeated(text: str) -> None:
    dial = Dial("wss://h/tenant-4711/live?key=s3cret%2F%2Bx&v=1", headers={"Authorization": "Bearer t0ken-value"})
    assert dial.safe(text) == "(it quotes our credentials)"


def test_what_a_peer_says_otherwise_is_repeated() -> None:
    dial = Dial("wss://h/live?key=s3cret&v=1", headers={"Authorization": "Bearer t0ken-value"})
    assert dial.safe("closed with 1012: try version 1") == "closed with 1012: try version 1"


# ── what can go wrong ────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def tcp_server(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncGenerator[str]:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handler, 0, host="127.0.0.1"))
        yield f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


def saying(answer: bytes) -> Callable[[trio.SocketStream], Awaitable[None]]:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)

    return handler


IN_30_SECS = b"Date: Wed, 21 Oct 2026 07:27:30 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "after_secs"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!!", 403, None),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\nno length, ends with the connection", 401, None),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", 404, None),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 12\r\nContent-Length: 0\r\n\r\n", 503, 12),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: Wed, 21 Oct 2065 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n", 503, None),
        (b"HTTP/1.1 503 Busy\r\n" + IN_30_SECS + b"Content-Length: 0\r\n\r\n", 503, 30),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, None),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, None),
    ],
)
async def test_a_refusal_has_its_status(answer: bytes, status: int, after_secs: float | None, nursery: trio.Nursery) -> None:
    async with tcp_server(saying(answer)) as url:
        with pytest.raises(RefusedError, match=rf"refused \({status}\)") as refused:
            await connect(Dial(url), nursery)
    assert (refused.value.status, refused.value.after_secs) == (status, after_secs)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00" * 100, b"HTTP/1.1 101 Sure\r\n\r\n"])
async def test_who_is_no_websocket_server_is_an_ordinary_failure(answer: bytes, nursery: trio.Nursery) -> None:
    async with tcp_server(saying(answer)) as url:
        with pytest.raises(ConnectionError, match="closed the connection during the opening handshake"):
            await connect(Dial(url), nursery)


async def test_a_server_that_says_nothing_is_given_up(nursery: trio.Nursery) -> None:
    async def say_nothing(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with tcp_server(say_nothing) as url:
        with pytest.raises(ConnectionError, match=r"no answer within 0\.05 s"):
            await connect(Dial(url, timeout_secs=0.05), nursery)


async def test_nobody_there(nursery: trio.Nursery) -> None:
    async with tcp_server(saying(b"")) as url:
        pass
    with pytest.raises(ConnectionError, match=r"^connection refused$"):
        await connect(Dial(url), nursery)


@pytest.mark.parametrize("host", ["feed..example", f"{'a' * 64}.example"])
async def test_a_host_that_can_have_no_address(host: str, nursery: trio.Nursery) -> None:
    with pytest.raises(ConnectionError, match=r"^the host name is not known$"):
        await connect(Dial(f"ws://{host}:80"), nursery)


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Authority:
    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self.client = str(folder / "client.pem")
        self._ca.cert_pem.write_to_path(self.ca)
        self._ca.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(self.client)

    def server_context(self, *, ask_for_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert("localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        if ask_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def tls_server(context: ssl.SSLContext) -> AsyncGenerator[str]:
    async def greet(request: WebSocketRequest) -> None:
        connection = await request.accept()
        await connection.send_message("hello")
        await connection.aclose()

    async def forgiving(task_status: trio.TaskStatus[int]) -> None:
        try:
            async with trio.open_nursery() as inner:
                server = await inner.start(partial(serve_websocket, greet, "localhost", 0, context))
                task_status.started(int(server.listeners[0].port))
        except* (ssl.SSLError, trio.BrokenResourceError):
            pass

    async with trio.open_nursery() as nursery:
        port = await nursery.start(forgiving)
        yield f"wss://localhost:{port}"
        nursery.cancel_scope.cancel()


async def hello(url: str, tls: ClientTls, nursery: trio.Nursery) -> bytes:
    link = await connect(Dial(url, tls=tls).ready(), nursery)
    try:
        return await link.receive()
    finally:
        await link.close()


async def test_a_server_with_a_certificate_that_we_trust(authority: Authority, nursery: trio.Nursery) -> None:
    async with tls_server(authority.server_context()) as url:
        assert await hello(url, ClientTls(ca=authority.ca), nursery) == b"hello"


async def test_a_server_that_nobody_vouches_for(authority: Authority, nursery: trio.Nursery) -> None:
    async with tls_server(authority.server_context()) as url:
        with pytest.raises(ConnectionError, match=r"TLS failed: .*certificate verify failed"):
            await hello(url, ClientTls(), nursery)


async def test_without_a_check_any_certificate_will_do(authority: Authority, nursery: trio.Nursery) -> None:
    async with tls_server(authority.server_context()) as url:
        assert await hello(url, ClientTls(verify=False), nursery) == b"hello"


async def test_our_own_certificate_is_shown_to_a_server_that_asks(authority: Authority, nursery: trio.Nursery) -> None:
    async with tls_server(authority.server_context(ask_for_certificate=True)) as url:
        assert await hello(url, ClientTls(ca=authority.ca, certificate=authority.client), nursery) == b"hello"
