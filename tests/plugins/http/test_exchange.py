"""One exchange with a raw server, over both ways: what goes out, what comes back, and which connections are kept."""

from __future__ import annotations

import itertools

import pytest
import trio

from plugins.http.exchange_kit import POST, answered, exchanged
from plugins.http.sink_kit import OK, Recorder, new_sink, recording, verdicts_of
from wye.message import HttpRequest
from wye.verdict import Verdict
from wye_plugins.http.client import Client
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.reason import ExchangeError

pytestmark = pytest.mark.usefixtures("way")

# ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_whole_request_line_and_every_field() -> None:
    request = HttpRequest([0], b"body", path="/v1", query={"q": "1"}, headers={"X-A": "b\tc", "User-Agent": "mine"})
    recorder = Recorder()
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", request)
    assert recorder.start_line() == "POST /v1?q=1 HTTP/1.1"
    assert recorder.fields() == {
        "host": f"127.0.0.1:{port}",
        "connection": "keep-alive",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "mine",
        "x-a": "b\tc",
        "content-length": "4",
    }


@pytest.mark.parametrize(
    ("method", "length"), [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("GET", None), ("DELETE", None), ("HEAD", None)]
)
async def test_the_length_of_no_body(method: str, length: str | None) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", HttpRequest([0], method=method))
    assert recorder.fields().get("content-length") == length


@pytest.mark.parametrize(
    ("user", "credentials"),
    [("me:s%40cret", "bWU6c0BjcmV0"), ("me", "bWU6"), (":key", "OmtleQ=="), ("a:b:c", "YTpiOmM="), ("", None)],
)
async def test_credentials_in_the_url_are_sent_and_win(user: str, credentials: str | None) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        url = f"http://{user}@127.0.0.1:{port}"
        await exchanged(url, HttpRequest([0], headers={"Authorization": "adapters"}), headers={"authorization": "own"})
    assert recorder.fields()["authorization"] == ("own" if credentials is None else f"Basic {credentials}")


async def test_a_cookie_of_the_vendors_is_not_kept() -> None:
    recorder = Recorder(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", OK)
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", POST, POST)
    assert "cookie" not in recorder.fields(1)


async def test_a_host_of_ones_own() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", POST, headers={"Host": "tenant.example"})
    assert [line for line in recorder.heads[0].lower().split("\r\n") if line.startswith("host:")] == ["host: tenant.example"]


async def test_ipv6() -> None:
    recorder = Recorder()
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="::1")
        nursery.start_soon(trio.serve_listeners, recorder.serve, listeners)
        port = listeners[0].socket.getsockname()[1]
        await exchanged(f"http://[::1]:{port}", POST)
        nursery.cancel_scope.cancel()
    assert recorder.fields()["host"] == f"[::1]:{port}"


@pytest.mark.parametrize(
    "headers", [{"X A": "b"}, {"": "b"}, {"x": " b"}, {"x": "b "}, {"x": "a\nb"}, {"x": "a\0b"}, {"x\r\ny": "b"}, {"é": "b"}]
)
async def test_fields_that_http_does_not_allow_are_not_sent(headers: dict[str, str]) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        with pytest.raises(ExchangeError, match="invalid"):
            await exchanged(f"http://127.0.0.1:{port}", HttpRequest([0], headers=headers))
    assert recorder.heads == []


@pytest.mark.parametrize("headers", [{"Connection": "close"}, {"Content-Length": "4"}, {"Expect": "100-continue"}])
async def test_adapters_may_set_what_frames_a_request(headers: dict[str, str]) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", HttpRequest([0], b"body", headers=headers))
    assert recorder.bodies == [b"body"]
    assert recorder.fields().items() >= {name.lower(): value for name, value in headers.items()}.items()


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
async def test_a_host_that_cannot_be_one_is_busy(host: str, caplog: pytest.LogCaptureFixture) -> None:
    (verdict,) = await verdicts_of(new_sink(f"http://{host}"), "a")
    assert verdict == Verdict("busy", f"cannot connect to {host}:80: the host name is not known")


# ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────────────────

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\nx-a: c \r\n\r\nbody",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3;x=y\r\nody\r\n0\r\nX-Trailer: t\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "until it closes": b"HTTP/1.1 200 OK\r\n\r\nbody",
    "1.0": b"HTTP/1.0 200 OK\r\n\r\nbody",
    "closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    "after others": b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    "no phrase": b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody",
    "no CR": b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
    "folded": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 4\r\n\r\nbody",
    "more than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 500 No\r\n\r\n",
}
FIELDS = {
    "length": {"content-length": "4", "x-a": "b, c"},
    "after others": {"content-length": "4"},
    "folded": {"x-a": "b c", "content-length": "4"},
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers_of_all_kinds(name: str) -> None:
    response = await answered([ANSWERS[name]])
    assert (response.status, response.body) == (200, b"body")
    assert response.headers == FIELDS.get(name, response.headers)


@pytest.mark.parametrize("name", ["length", "chunks", "after others"])
async def test_an_answer_that_comes_byte_by_byte(name: str) -> None:
    assert await answered(bytes([one]) for one in ANSWERS[name]) == await answered([ANSWERS[name]])


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_never_have_a_body(status: int) -> None:
    recorder = Recorder(b"HTTP/1.1 %d None\r\nContent-Length: 9\r\n\r\n" % status, OK)
    async with recording(recorder) as port:
        first, second = await exchanged(f"http://127.0.0.1:{port}", POST, POST)
    assert (first.status, first.body, second.status) == (status, b"", 200)


async def test_the_answer_to_a_head_has_no_body() -> None:
    response = await answered([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], request=HttpRequest([0], method="HEAD"))
    assert (response.status, response.body, response.headers) == (200, b"", {"content-length": "9"})


async def test_a_compressed_answer_stays_as_it_is() -> None:
    response = await answered([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"])
    assert (response.body, response.headers["content-encoding"]) == (b"\x1f\x8b\x08\x00", "gzip")


@pytest.mark.parametrize(("raw", "text"), [(b"\xc3\xa9", "é"), (b"\xe9", "é")])
async def test_fields_that_are_not_ascii_are_read_all_the_same(raw: bytes, text: str) -> None:
    response = await answered([b"HTTP/1.1 400 No\r\nX-Why: %b\r\nContent-Length: 0\r\n\r\n" % raw])
    assert response.headers["x-why"] == text


async def test_an_answer_that_comes_before_all_was_sent() -> None:
    class Impatient(Recorder):
        async def serve(self, stream: trio.abc.Stream) -> None:
            if await stream.receive_some(1000):
                await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
                await trio.sleep(0.05)
                assert isinstance(stream, trio.SocketStream)
                await stream.send_eof()
                while await stream.receive_some(65_536):
                    pass

    async with recording(Impatient()) as port:
        first, _ = await exchanged(f"http://127.0.0.1:{port}", HttpRequest([0], b"x" * 20_000_000), POST)
    assert (first.status, first.body) == (413, b"big")


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (OK, 1),
        (ANSWERS["chunks"], 1),
        (ANSWERS["after others"], 1),
        (ANSWERS["closing"], 2),
    ],
)
async def test_connections_are_kept_where_the_answer_allows(answer: bytes, connections: int) -> None:
    recorder = Recorder(answer, OK)
    async with recording(recorder) as port:
        await exchanged(f"http://127.0.0.1:{port}", POST, POST)
    assert (len(recorder.heads), recorder.connections) == (2, connections)


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    class OneEach(Recorder):
        async def serve(self, stream: trio.abc.Stream) -> None:
            self.connections += 1
            if await stream.receive_some(65_536):
                self.bodies.append(b"")
                await stream.send_all(OK)

    server = OneEach()
    async with recording(server) as port, Client(HttpSinkOptions(), url := f"http://127.0.0.1:{port}") as client:
        for number in range(5):
            assert (await client.exchange(POST)).status == 200, url
            while server.connections != number + 1 or len(server.bodies) != number + 1:
                await trio.sleep(0.001)
            await trio.sleep(0.01)


async def test_a_request_that_was_sent_is_not_sent_again_unasked() -> None:
    """Nobody knows whether a server that hung up has done what it was asked for."""
    recorder = Recorder(OK, b"", OK)
    async with recording(recorder) as port, Client(HttpSinkOptions(), f"http://127.0.0.1:{port}") as client:
        await client.exchange(POST)
        with pytest.raises(ExchangeError, match="answer"):
            await client.exchange(POST)
    assert len(recorder.heads) == 2


async def test_an_exchange_that_is_cancelled_leaves_nothing_for_the_next() -> None:
    class Late(Recorder):
        async def serve(self, stream: trio.abc.Stream) -> None:
            self.connections += 1
            for number in itertools.count(self.connections):
                if not await stream.receive_some(65_536):
                    return
                await trio.sleep(0.1 if number == 1 else 0)
                await stream.send_all(b"HTTP/1.1 20%d OK\r\nContent-Length: 0\r\n\r\n" % number)

    async with recording(Late()) as port, Client(HttpSinkOptions(), f"http://127.0.0.1:{port}") as client:
        with trio.move_on_after(0.03):
            await client.exchange(POST)
        await trio.sleep(0.15)
        assert (await client.exchange(POST)).status == 202


async def test_as_many_connections_as_there_are_exchanges() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        url = f"http://127.0.0.1:{port}"
        async with Client(HttpSinkOptions(concurrency=3), url) as client:

            async def several() -> None:
                for _ in range(10):
                    assert (await client.exchange(POST)).status == 200

            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(several)
    assert (len(recorder.heads), recorder.connections) == (30, 3)
