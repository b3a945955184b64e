"""Answers, sans-io. What they mean is held against what httpx makes of the same bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.http.exchange_kit import Saying
from plugins.http.sink_kit import recording
from wye.message import HttpResponse
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.incoming import Incoming
from wye_plugins.http.reason import ExchangeError
from wye_plugins.http.thorough import Thorough

NAMES = st.sampled_from(["Server", "X-A", "x-a", "ETag", "Retry-After", "Set-Cookie"])
VALUES = st.sampled_from([b"", b"a", b"b c", b"\xc3\xa9", b"\xe9", b"x \t", b"\t y", b'"q", r'])
BODIES = st.binary(max_size=40) | st.sampled_from([b"x" * size for size in (65_535, 65_536, 65_537, 100_000)])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """The bytes of one answer as a server may send it before it hangs up, or hangs up too early."""
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    interim = b"".join(
        b"HTTP/1.1 %d Wait%bLink: x%b%b" % (status, end, end, end)
        for status in draw(st.lists(st.sampled_from([100, 102, 103, 199]), max_size=2))
    )
    status, body = draw(st.sampled_from([200, 201, 204, 302, 304, 400, 429, 503, 999])), draw(BODIES)
    version, phrase = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"])), draw(st.sampled_from([b" OK", b" ", b"", b" \xe9"]))
    fields = [
        b"%b:%b%b" % (name.encode(), b" " if value else b"", value) for name, value in draw(st.lists(st.tuples(NAMES, VALUES)))
    ]
    framing = draw(st.sampled_from(["length", "chunks", "both", "none"]))
    if framing in ("length", "both"):
        fields.append(b"Content-Length: %d" % len(body))
    if framing in ("chunks", "both"):
        fields.append(b"Transfer-Encoding: chunked")
        body = draw(chunked(body))
    fields = draw(st.permutations([*fields, draw(st.sampled_from([b"Connection: close", b"Connection: keep-alive"]))]))
    head = interim + b"HTTP/%b %d%b%b" % (version, status, phrase, end) + b"".join(field + end for field in fields) + end
    whole = head if status in (204, 304) else head + body
    return whole[: draw(st.integers(0, len(whole)))] if draw(st.integers(0, 4)) == 0 else whole


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    sizes = draw(st.lists(st.sampled_from([1, 2, 9, 30_000]), min_size=1, max_size=8))
    framed = b""
    for size in [*sizes, len(body)]:
        piece, body = body[:size], body[size:]
        framed += b"%x%b\r\n%b\r\n" % (len(piece), draw(st.sampled_from([b"", b" ", b";a=b"])), piece) if piece else b""
    return framed + b"0\r\n" + draw(st.sampled_from([b"", b"X-Trailer: t\r\n"])) + b"\r\n"


def read(pieces: Sequence[bytes]) -> HttpResponse | str:
    """The answer, or the fault that it ends in; after the pieces the connection ends."""
    return ask(Incoming(), pieces)


def ask(incoming: Incoming, pieces: Sequence[bytes]) -> HttpResponse | str:
    """The same on a connection that may have given answers before."""
    incoming.expect()
    try:
        for piece in [*(piece for piece in pieces if piece), b""]:
            if not incoming.complete:
                incoming.feed(piece)
    except ExchangeError as error:
        return error.fault
    return incoming.response


async def through_httpx(answer: bytes) -> HttpResponse | str:
    """The same by httpx, from a server that says just that and hangs up."""
    async with recording(Saying([answer])) as port:
        client = Thorough(HttpSinkOptions())
        try:
            return await client.exchange("POST", f"http://127.0.0.1:{port}", {}, b"")
        except ExchangeError as error:
            return error.fault
        finally:
            await client.aclose()


@settings(deadline=None, max_examples=60)
@given(answers(), st.data())
async def test_an_answer_in_any_pieces_is_what_httpx_makes_of_it(answer: bytes, data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, len(answer)), max_size=12), label="cut at"))
    pieces = [answer[start:end] for start, end in itertools.pairwise([0, *places, len(answer)])]
    assert read(pieces) == await through_httpx(answer)


@given(answers())
def test_how_an_answer_is_cut_does_not_matter(answer: bytes) -> None:
    whole = read([answer])
    assert read([answer[place : place + 1] for place in range(min(len(answer), 3000))] + [answer[3000:]]) == whole
    for place in range(min(len(answer), 300)):
        assert read([answer[:place], answer[place:]]) == whole


@given(st.lists(answers(), min_size=1, max_size=3), st.lists(st.integers(0, 2), min_size=2, max_size=6))
def test_what_came_before_on_a_connection_does_not_matter(different: list[bytes], order: list[int]) -> None:
    incoming = Incoming()
    for answer in (different[place % len(different)] for place in order):
        found = ask(incoming, [answer])
        assert found == read([answer])
        if not incoming.keep_alive:
            incoming = Incoming()


def test_an_answer_that_begins_as_the_last_one_may_come_in_pieces() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    incoming = Incoming()
    for body in (b"abcd", b"efgh"):
        for place in range(1, len(answer) + 4):
            whole = answer + body
            assert ask(incoming, [whole]) == ask(incoming, [whole[:place], whole[place:]]) == read([whole])
            assert incoming.keep_alive


@given(st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n"]), st.binary(max_size=300))
def test_garbage_is_an_answer_or_no_answer(start: bytes, garbage: bytes) -> None:
    found = read([start, garbage])
    assert found == "answer" or isinstance(found, HttpResponse)


def test_what_follows_an_answer_spoils_the_connection() -> None:
    """It would be taken for the answer to the next request."""
    for extra, keep in ((b"", True), (b"H", False), (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False), (b"\x00", False)):
        incoming = Incoming()
        incoming.feed(b"HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nok" + extra)
        assert (incoming.complete, incoming.keep_alive, incoming.response.status) == (True, keep, 201)


def test_one_answer_after_the_other() -> None:
    incoming = Incoming()
    for number in range(3):
        incoming.expect()
        incoming.feed(b"HTTP/1.1 20%d OK\r\nX-%d: y\r\nContent-Length: 1\r\n\r\n%d" % (number, number, number))
        assert incoming.response == HttpResponse(200 + number, {f"x-{number}": "y", "content-length": "1"}, b"%d" % number)
