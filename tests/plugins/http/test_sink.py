"""The sink against a raw server that records what it gets."""

from __future__ import annotations

import gzip
import logging
import socket
from collections.abc import Iterable
from functools import partial

import pytest
import trio

from plugins.http.sink_kit import OK, Encoder, Recorder, StreamOnly, all_in_one, new_sink, recording, shipment, verdicts_of
from wye.message import HttpRequest, Shipment
from wye.options import OptionsError
from wye.verdict import DELIVERED, Verdict

pytestmark = pytest.mark.usefixtures("way")

# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_request_is_sent_and_its_verdict_put_on_its_events() -> None:
    recorder = Recorder(OK, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", OK)
    async with recording(recorder) as port:
        verdicts = await verdicts_of(new_sink(f"http://127.0.0.1:{port}/v1"), "a", "b", "c")
    assert verdicts == [DELIVERED, Verdict("rejected", status=400), DELIVERED]
    assert recorder.bodies == [b"a", b"b", b"c"]
    assert recorder.start_line() == "POST /v1 HTTP/1.1"
    assert recorder.connections <= 2, "the probe's, and one for all requests"


async def test_verdicts_go_to_the_events_that_the_request_names() -> None:
    def backwards(shipment: Shipment) -> Iterable[HttpRequest]:
        return [HttpRequest([2, 0], b"ca"), HttpRequest([1], b"b")]

    recorder = Recorder(b"HTTP/1.1 207 Multi\r\nContent-Length: 12\r\n\r\nfor-c  for-a", OK)
    async with recording(recorder) as port:
        verdicts = await verdicts_of(new_sink(f"http://127.0.0.1:{port}", Encoder(backwards)), "a", "b", "c")
    assert verdicts == [Verdict("rejected", "for-a"), DELIVERED, Verdict("rejected", "for-c")]


async def test_the_configured_url_and_headers_win_over_the_adapters() -> None:
    make = partial(
        all_in_one,
        method="PUT",
        path="/collect/é x?",
        query={"key": "adapters", "debug": "1 2"},
        headers={"Authorization": "adapters", "X-Mine": "adapters", "content-type": "application/json"},
    )
    recorder = Recorder()
    async with recording(recorder) as port:
        url = f"http://127.0.0.1:{port}/base/?key=own&flag"
        await verdicts_of(new_sink(url, Encoder(make), headers={"authorization": "own", "X-More": "own"}), "a")
    assert recorder.start_line() == "PUT /base/collect/%C3%A9%20x%3F?key=own&flag&debug=1+2 HTTP/1.1"
    fields = recorder.fields()
    assert fields["host"] == f"127.0.0.1:{port}"
    assert (fields["authorization"], fields["x-mine"], fields["x-more"]) == ("own", "adapters", "own")
    assert (fields["content-type"], fields["accept-encoding"], fields["user-agent"]) == ("application/json", "identity", "wye")


async def test_the_same_events_are_sent_under_the_same_idempotency_key() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        sink = new_sink(f"http://127.0.0.1:{port}", idempotency_header="Idempotency-Key")
        for ids in (("a", "b"), ("a", "b"), ("a",)):
            await verdicts_of(sink, *ids)
    keys = [recorder.fields(place)["idempotency-key"] for place in range(5)]
    assert keys[:2] == keys[2:4]
    assert keys[0] == keys[4]
    assert len(set(keys)) == 2
    assert all(len(key) == 32 for key in keys)


def test_an_idempotency_header_is_the_name_of_a_field() -> None:
    with pytest.raises(ValueError, match="`idempotency_header` is 'a b'; expected the name of a header field"):
        new_sink("http://127.0.0.1:1", idempotency_header="a b")


async def test_without_a_url_requests_go_where_the_adapter_says() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        sink = new_sink(None, Encoder(partial(all_in_one, path="/events")), base_url=f"http://127.0.0.1:{port}/v1/")
        assert sink.target == f"http://127.0.0.1:{port}"
        await verdicts_of(sink, "a")
    assert recorder.start_line() == "POST /v1/events HTTP/1.1"


async def test_a_url_stands_above_the_adapters() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await verdicts_of(new_sink(f"http://127.0.0.1:{port}", base_url="http://elsewhere.invalid"), "a")
    assert len(recorder.heads) == 1


def test_somebody_must_say_where_to_send() -> None:
    with pytest.raises(OptionsError, match="url: missing"):
        new_sink(None)
    with pytest.raises(ValueError, match="`base_url` is not a complete URL"):
        new_sink(None, base_url="nowhere")


async def test_a_configured_method_wins() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await verdicts_of(new_sink(f"http://127.0.0.1:{port}", method="PATCH"), "a")
    assert recorder.start_line() == "PATCH / HTTP/1.1"


@pytest.mark.parametrize("size", [100, 200_000])
async def test_bodies_are_compressed_on_request(size: int) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        await verdicts_of(new_sink(f"http://127.0.0.1:{port}", compression="gzip"), "a" * size)
    assert recorder.fields()["content-encoding"] == "gzip"
    assert gzip.decompress(recorder.bodies[0]) == b"a" * size


async def test_a_proxy_is_asked_for_the_whole_url() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        sink = new_sink("http://vendor.invalid/v1?k=s3cret", proxy=f"http://user:pa55@127.0.0.1:{port}")
        assert await verdicts_of(sink, "a") == [DELIVERED]
    assert recorder.start_line() == "POST http://vendor.invalid/v1?k=s3cret HTTP/1.1"
    assert recorder.fields()["proxy-authorization"] == "Basic dXNlcjpwYTU1"


# ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_adapter_sees_the_answer_with_lower_case_names() -> None:
    encoder = Encoder()
    recorder = Recorder(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 3\r\n\r\nabc")
    async with recording(recorder) as port:
        assert await verdicts_of(new_sink(f"http://127.0.0.1:{port}", encoder), "a") == [Verdict("rejected", status=302)]
    (answer,) = encoder.answers
    assert (answer.status, answer.headers["location"], answer.body) == (302, "/elsewhere", b"abc")
    assert len(recorder.heads) == 1, "a redirect is not followed"


async def test_an_endless_answer_is_cut() -> None:
    encoder = Encoder()
    recorder = Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 300_000)
    async with recording(recorder) as port:
        assert await verdicts_of(new_sink(f"http://127.0.0.1:{port}", encoder), "a", "b") == [DELIVERED, DELIVERED]
    assert len(encoder.answers[0].body) == 65_536


async def test_a_vendor_that_is_busy_is_not_asked_again_at_once() -> None:
    recorder = Recorder(OK, b"HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n")
    async with recording(recorder) as port:
        verdicts = await verdicts_of(new_sink(f"http://127.0.0.1:{port}"), "a", "b", "c")
    busy = Verdict("busy", "slow down", 7.0, 429)
    assert verdicts == [DELIVERED, busy, busy]
    assert recorder.bodies == [b"a", b"b"]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_refused_connection_is_busy_for_all(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        sink = new_sink(f"http://user:pa55@127.0.0.1:{port}/x?k=s3cret")
        async with sink.open():
            verdicts = await sink.send(shipment("a", "b"))
            while not caplog.records:
                await trio.sleep(0.001)
    assert list(verdicts) == [Verdict("busy", f"cannot connect to 127.0.0.1:{port}: connection refused")] * 2  # type: ignore[arg-type]
    assert caplog.messages == [f"sink out: cannot reach 127.0.0.1:{port}; events wait in its buffer"]


async def test_a_connection_that_breaks_is_busy_for_what_is_not_answered() -> None:
    recorder = Recorder(OK, b"")
    async with recording(recorder) as port:
        verdicts = await verdicts_of(new_sink(f"http://127.0.0.1:{port}"), "a", "b", "c")
    assert [verdict.kind for verdict in verdicts] == ["delivered", "busy", "busy"]
    assert recorder.bodies == [b"a", b"b"]


@pytest.mark.parametrize(
    "nonsense", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
)
async def test_an_answer_that_is_no_http_is_busy(nonsense: bytes) -> None:
    async with recording(Recorder(nonsense)) as port:
        (verdict,) = await verdicts_of(new_sink(f"http://127.0.0.1:{port}"), "a")
    assert verdict == Verdict("busy", f"connection closed, or no valid HTTP answer, by 127.0.0.1:{port}")


async def test_a_host_that_does_not_exist_is_busy() -> None:
    (verdict,) = await verdicts_of(new_sink("http://no-such-host.invalid"), "a")
    assert verdict == Verdict("busy", "cannot connect to no-such-host.invalid:80: the host name is not known")


async def test_a_server_that_does_not_answer_is_busy_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (verdict,) = await verdicts_of(new_sink(f"http://127.0.0.1:{port}", timeout_secs=0.1), "a")
    assert verdict == Verdict("busy", f"no answer from 127.0.0.1:{port} within 0.1 s")


async def test_the_timeout_bounds_an_answer_that_dribbles() -> None:
    class Dribbling(Recorder):
        async def serve(self, stream: trio.abc.Stream) -> None:
            await stream.receive_some(65536)
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                await trio.sleep(0.01)
                await stream.send_all(b"x")

    async with recording(Dribbling()) as port:
        (verdict,) = await verdicts_of(new_sink(f"http://127.0.0.1:{port}", timeout_secs=0.2), "a")
    assert verdict == Verdict("busy", f"no answer from 127.0.0.1:{port} within 0.2 s")


@pytest.mark.parametrize("value", ["s3cret\r\nX: y", "s3cret\u20ac"])
async def test_a_header_that_cannot_be_sent_holds_and_is_not_shown(value: str, caplog: pytest.LogCaptureFixture) -> None:
    make = partial(all_in_one, headers={"authorization": value})
    async with recording(Recorder()) as port:
        (verdict,) = await verdicts_of(new_sink(f"http://127.0.0.1:{port}", Encoder(make)), "a")
    assert verdict.kind == "hold"
    assert "s3cret" not in repr(verdict) + caplog.text


async def test_adapters_that_fail_cost_attempts_and_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def breaks(shipment: Shipment) -> Iterable[HttpRequest]:
        yield HttpRequest([0], b"a")
        raise LookupError("no more")

    for encoder, expected in (
        (Encoder(breaks), [DELIVERED, Verdict("retry", "the adapter put this event into no request")]),
        (Encoder(lambda _: [HttpRequest([0, 5], b"")]), [Verdict("retry", "the adapter put this event into no request")] * 2),
        (Encoder(lambda _: []), [Verdict("retry", "the adapter put this event into no request")] * 2),
    ):
        async with recording(Recorder()) as port:
            assert await verdicts_of(new_sink(f"http://127.0.0.1:{port}", encoder), "a", "b") == expected
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


async def test_a_wrong_number_of_verdicts_costs_an_attempt(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(*[b"HTTP/1.1 207 Multi\r\nContent-Length: 3\r\n\r\none"] * 2)
    async with recording(recorder) as port:
        sink = new_sink(f"http://127.0.0.1:{port}", Encoder(all_in_one))
        async with sink.open():
            for _ in range(2):
                verdicts = await sink.send(shipment("a", "b"))
                assert [v.kind for v in verdicts] == ["retry", "retry"]  # type: ignore[union-attr]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_adapter_that_makes_no_requests_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r'adapter "crm" makes a stream, not HTTP requests; use a websocket or file'):
        new_sink("http://127.0.0.1", StreamOnly())


async def test_secrets_are_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = Recorder(OK, b"", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    async with recording(recorder) as port:
        sink = new_sink(f"http://me:s3cret@127.0.0.1:{port}/p?key=s3cret#s3cret", headers={"Authorization": "s3cret"})
        verdicts = await verdicts_of(sink, "a", "b", "c")
    assert sink.target == f"http://127.0.0.1:{port}"
    assert "s3cret" in recorder.start_line()
    assert "s3cret" not in caplog.text + repr(verdicts) + repr(sink) + repr(sink._options)  # pyright: ignore[reportPrivateUsage]


async def test_it_is_quiet_when_the_server_is_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with recording(Recorder()) as port:
        await verdicts_of(new_sink(f"http://127.0.0.1:{port}"), "a")
    assert caplog.messages == []


def test_concurrency_is_the_options() -> None:
    assert new_sink("http://127.0.0.1").concurrency == 4
    assert new_sink("http://127.0.0.1", concurrency=1).concurrency == 1
