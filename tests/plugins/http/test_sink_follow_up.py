"""What the sink does beyond one request and one answer: operations that are asked after, and credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import trio

from plugins.http.sink_kit import OK, Encoder, Recorder, all_in_one, one_each, recording, shipment, verdicts_of
from wye.message import FollowUp, HttpRequest, HttpResponse
from wye.plugin import AuthError, Outbound, SinkContext
from wye.verdict import DELIVERED, Verdict, Verdicts
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.sink import HttpSink

pytestmark = pytest.mark.usefixtures("way")

Answer = Verdicts | FollowUp


class Operating(Encoder):
    """Asks ``judge`` what an answer means."""

    def __init__(self, judge: Callable[[HttpRequest, HttpResponse], Answer]) -> None:
        super().__init__(all_in_one)
        self.judge = judge

    def verdicts(self, request: HttpRequest, response: HttpResponse, /) -> Answer:  # type: ignore[override]
        return self.judge(request, response)


class Keys:
    """Credentials, one after the other."""

    def __init__(self, *keys: str | AuthError) -> None:
        self.keys = list(keys)
        self.invalidated = 0

    async def headers(self) -> Mapping[str, str]:
        await trio.lowlevel.checkpoint()
        key = self.keys[0]
        if isinstance(key, AuthError):
            raise key
        return {"Authorization": f"Bearer {key}"}

    async def invalidate(self) -> None:
        await trio.lowlevel.checkpoint()
        self.invalidated += 1
        self.keys.pop(0)


def sink_of(port: int, encoder: Encoder, auth: Keys | None = None, **options: float) -> HttpSink:
    context = SinkContext("out", Outbound(encoder, auth=auth))
    return HttpSink(HttpSinkOptions(url=f"http://127.0.0.1:{port}", **options), context)  # type: ignore[arg-type]


def status(code: int) -> bytes:
    return f"HTTP/1.1 {code} Whatever\r\nContent-Length: 0\r\n\r\n".encode()


# ── follow-ups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_operation_is_asked_after_until_it_is_done() -> None:
    poll = HttpRequest([0, 1], method="GET", path="/operations/1")

    def judge(request: HttpRequest, response: HttpResponse) -> Answer:
        return DELIVERED if response.status == 200 else FollowUp([poll], 0.01)

    recorder = Recorder(status(202), status(202), OK)
    async with recording(recorder) as port:
        assert await verdicts_of(sink_of(port, Operating(judge)), "a", "b") == [DELIVERED, DELIVERED]
    assert [recorder.start_line(place) for place in range(3)] == [
        "POST / HTTP/1.1",
        "GET /operations/1 HTTP/1.1",
        "GET /operations/1 HTTP/1.1",
    ]


async def test_a_request_that_was_refused_is_sent_in_parts_in_order() -> None:
    def judge(request: HttpRequest, response: HttpResponse) -> Answer:
        if response.status == 200:
            return DELIVERED
        if len(request.indices) == 1:
            return Verdict("rejected", status=response.status)
        return FollowUp([HttpRequest([index], b"part %d" % index) for index in request.indices])

    recorder = Recorder(status(400), OK, status(400), OK)
    async with recording(recorder) as port:
        verdicts = await verdicts_of(sink_of(port, Operating(judge)), "a", "b", "c")
    assert verdicts == [DELIVERED, Verdict("rejected", status=400), DELIVERED]
    assert recorder.bodies[1:] == [b"part 0", b"part 1", b"part 2"]


async def test_an_operation_that_does_not_end_is_given_up() -> None:
    def judge(request: HttpRequest, response: HttpResponse) -> Answer:
        return FollowUp([request], 0.02)

    async with recording(Recorder()) as port:
        (verdict,) = await verdicts_of(sink_of(port, Operating(judge), follow_up_timeout_secs=0.1), "a")
    assert verdict == Verdict("retry", "not finished within 0.1 s")


async def test_a_busy_vendor_stops_what_would_follow() -> None:
    def judge(request: HttpRequest, response: HttpResponse) -> Answer:
        if response.status == 429:
            return Verdict("busy", "slow down")
        return FollowUp([HttpRequest([0]), HttpRequest([1])])

    recorder = Recorder(OK, status(429))
    async with recording(recorder) as port:
        verdicts = await verdicts_of(sink_of(port, Operating(judge)), "a", "b")
    assert verdicts == [Verdict("busy", "slow down")] * 2
    assert len(recorder.heads) == 2


@pytest.mark.parametrize("indices", [[[0]], [[0], [0, 1]], [[0, 1, 2]], []])
async def test_follow_ups_that_forget_or_repeat_an_event_are_the_adapters_fault(
    indices: list[list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    def judge(request: HttpRequest, response: HttpResponse) -> Answer:
        return FollowUp([HttpRequest(each) for each in indices])

    async with recording(Recorder()) as port:
        verdicts = await verdicts_of(sink_of(port, Operating(judge)), "a", "b")
    assert [verdict.kind for verdict in verdicts] == ["retry", "retry"]
    assert "its adapter failed" in caplog.text


# ── credentials ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_request_has_credentials() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        assert await verdicts_of(sink_of(port, Encoder(one_each), Keys("one")), "a", "b") == [DELIVERED, DELIVERED]
    assert [recorder.fields(place)["authorization"] for place in (0, 1)] == ["Bearer one", "Bearer one"]


async def test_credentials_that_are_not_accepted_are_replaced_once() -> None:
    keys = Keys("old", "new", "newer")
    recorder = Recorder(status(401), OK)
    async with recording(recorder) as port:
        assert await verdicts_of(sink_of(port, Encoder(one_each), keys), "a") == [DELIVERED]
    assert [recorder.fields(place)["authorization"] for place in (0, 1)] == ["Bearer old", "Bearer new"]
    refusing = Recorder(status(401), status(401))
    async with recording(refusing) as port:
        (verdict,) = await verdicts_of(sink_of(port, Encoder(one_each), Keys("a", "b", "c")), "a")
    assert (verdict.status, len(refusing.heads)) == (401, 2)


@pytest.mark.parametrize(("passing", "kind"), [(True, "busy"), (False, "hold")])
async def test_without_credentials_nothing_is_sent(passing: bool, kind: str) -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        sink = sink_of(port, Encoder(one_each), Keys(AuthError("no key", passing=passing)))
        async with sink.open():
            verdicts = await sink.send(shipment("a"))
    assert verdicts == [Verdict(kind, "no key")]  # type: ignore[arg-type]
    assert recorder.heads == []


async def test_the_operators_own_header_stands_above_the_adapters_credentials() -> None:
    recorder = Recorder()
    async with recording(recorder) as port:
        context = SinkContext("out", Outbound(Encoder(one_each), auth=Keys("one")))
        options = HttpSinkOptions(url=f"http://127.0.0.1:{port}", headers={"Authorization": "own"})
        await verdicts_of(HttpSink(options, context), "a")
    assert recorder.fields()["authorization"] == "own"
