from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.http.http_kit import FAILURE, Vendor, chunked, get, post
from wye_plugins.http.body import Budget
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.protocol import Bounds, Protocol, Request

TEXT = "text/plain; charset=utf-8"


def new_protocol(
    max_header_bytes: int = 2000, max_body_bytes: int = 1000, max_decompressed_bytes: int = 5000, budget: Budget | None = None
) -> Protocol:
    bounds = Bounds(max_header_bytes, max_body_bytes, max_decompressed_bytes)
    endpoints = Endpoints([Vendor()], "web")
    return Protocol(endpoints.choose, endpoints.refuse, bounds, budget or Budget(1_000_000), "10.0.0.1")


def requests_of(*pieces: bytes, protocol: Protocol | None = None) -> list[Request]:
    protocol = protocol or new_protocol()
    for piece in pieces:
        protocol.feed(piece)
    return list(protocol.requests)


def the_request(*pieces: bytes, protocol: Protocol | None = None) -> Request:
    (request,) = requests_of(*pieces, protocol=protocol)
    return request


def status_of(request: Request) -> int | None:
    return None if request.reply is None else request.reply.status


def summary(requests: list[Request]) -> list[object]:
    return [(r.head, r.content, status_of(r), r.keep_alive, r.http10, r.to_head) for r in requests]


# ── the stream may be cut anywhere ───────────────────────────────────────────────────────────────────────────────────────

bodies = st.binary(max_size=60)
names = st.text("abcXYZ-", min_size=1, max_size=8).map(lambda name: f"X-{name}")
values = st.text("az09 ,;=\t", max_size=12).map(str.strip)


@st.composite
def raw_requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request, and what its body is in the end."""
    body = draw(bodies)
    path = draw(st.sampled_from(["/in", "/echo", "/in?k=v&k=w", "/%69n"]))
    fields = tuple(f"{name}: {value}" for name, value in draw(st.lists(st.tuples(names, values), max_size=3)))
    sent = body
    if draw(st.booleans()):
        sent = gzip.compress(body, mtime=0)
        fields += ("Content-Encoding: gzip",)
    if draw(st.booleans()):
        fields += ("Connection: Upgrade", "Upgrade: h2c")
    if draw(st.booleans()):
        return post(sent, path, *fields), body
    cut = draw(st.integers(0, len(sent)))
    return chunked(sent[:cut], sent[cut:], path=path, fields=fields), body


@given(st.lists(raw_requests(), min_size=1, max_size=4), st.data())
def test_any_split_of_the_stream_gives_the_same_requests(written: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    stream = b"".join(raw for raw, _ in written)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = requests_of(stream)
    assert summary(requests_of(*pieces)) == summary(whole)
    assert [request.content for request in whole] == [body for _, body in written]
    assert all(request.keep_alive for request in whole)


@given(raw_requests())
def test_byte_by_byte_is_no_exception(written: tuple[bytes, bytes]) -> None:
    raw, body = written
    request = the_request(*(raw[i : i + 1] for i in range(len(raw))))
    assert request.content == body


@given(st.lists(st.binary(max_size=80), max_size=5), st.integers(0, 200))
def test_whatever_the_bytes_are_nothing_is_raised_and_nothing_stays_counted(pieces: list[bytes], cut: int) -> None:
    budget = Budget(1000)
    protocol = new_protocol(budget=budget)
    for piece in (chunked(b"abc", b"def")[:cut], *pieces):
        protocol.feed(piece)
    assert all(request.reply is None or 400 <= request.reply.status < 600 for request in protocol.requests)
    protocol.close()
    assert budget.used == 0


# ── the head ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_head_comes_with_lower_case_names_a_decoded_path_and_the_last_value_of_each_parameter() -> None:
    request = the_request(get("/%69n%20x?a=1&b=&a=2%20+3", "X-Thing:  v \t", "x-list: 1", "X-LIST: 2", "X-Empty:"))
    assert request.head is not None
    assert (request.head.method, request.head.path, request.head.client_ip) == ("GET", "/in x", "10.0.0.1")
    assert request.head.query == {"a": "2  3", "b": ""}
    assert request.head.headers == {"host": "x", "x-thing": "v", "x-list": "1, 2", "x-empty": ""}


def test_a_repeated_head_is_taken_as_it_was_and_another_one_is_not() -> None:
    first, second, third, fourth = requests_of(post(b"a") + post(b"b") + post(b"c", "/ping") + post(b"d"))
    assert first.head is second.head
    assert [r.content for r in (first, second, fourth)] == [b"a", b"b", b"d"]
    assert status_of(third) == 200


@pytest.mark.parametrize(
    ("raw", "keep_alive"),
    [
        (get(), True),
        (get("/ping", "Connection: close"), False),
        (get(version="1.0"), False),
        (get("/ping", "Connection: keep-alive", version="1.0"), True),
    ],
)
def test_keep_alive_follows_the_version_and_the_connection_field(raw: bytes, keep_alive: bool) -> None:
    protocol = new_protocol()
    assert the_request(raw, protocol=protocol).keep_alive is keep_alive
    assert protocol.closed is not keep_alive


def test_nothing_is_read_after_a_request_that_closes() -> None:
    assert len(requests_of(get("/ping", "Connection: close") + get())) == 1
    assert len(requests_of(get("/ping", "Connection: close, Upgrade", "Upgrade: x") + get())) == 1


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("body", [b"", b"hello"])
def test_an_upgrade_on_a_connection_that_ends_with_it_is_ignored_too(version: str, body: bytes) -> None:
    connection = "Connection: close, Upgrade" if version == "1.1" else "Connection: Upgrade"
    data = post(body, "/in", connection, "Upgrade: h2c").replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    (request,) = requests_of(data)
    assert (request.reply, request.content, request.keep_alive) == (None, body, False)


def test_an_upgrade_is_ignored_and_its_body_is_no_request() -> None:
    smuggled = get("/boom")
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")
    first, second = requests_of(post(smuggled, "/in", *upgrade) + get())
    assert first.content == smuggled
    assert status_of(second) == 200


def test_an_absolute_target_is_reduced_to_its_path() -> None:
    request = the_request(get("http://elsewhere:80/echo?x=1"))
    assert request.head is not None
    assert (request.head.path, request.head.query) == ("/echo", {"x": "1"})


def test_trailers_are_no_headers() -> None:
    raw = chunked(b"abc")[:-2] + b"X-Late: 1\r\n\r\n"
    request = the_request(raw)
    assert request.head is not None
    assert "x-late" not in request.head.headers
    assert request.content == b"abc"


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "garbage": (b"garbage\r\n\r\n", 400),
    "tls to a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "two lengths": (b"POST /in HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "two equal lengths": (b"POST /in HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (b"POST /in HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    "a signed length": (b"POST /in HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", 400),
    "a length beyond 64 bits": (b"POST /in HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    "length and chunked": (b"POST /in HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked and length": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "another transfer coding": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "an unknown transfer coding": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "chunked not last": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "chunked in HTTP/1.0": (b"POST /in HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a bad chunk size": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", 400),
    "a chunk size beyond 64 bits": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
    "a chunk longer than it says": (b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    "a folded field": (b"GET /ping HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
    "a space before the colon": (b"GET /ping HTTP/1.1\r\nA : b\r\n\r\n", 400),
    "NUL in a value": (b"GET /ping HTTP/1.1\r\nA: b\0c\r\n\r\n", 400),
    "NUL in a name": (b"GET /ping HTTP/1.1\r\nA\0: b\r\n\r\n", 400),
    "bare line feeds": (b"GET /ping HTTP/1.1\nA: b\n\n", 400),
    "no version": (b"GET /ping\r\n\r\n", 505),
    "HTTP/2 in plain": (b"GET /ping HTTP/2.0\r\n\r\n", 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a version that never was": (b"GET /ping HTTP/3.7\r\n\r\n", 400),
    "a bad escape": (b"GET /%zz HTTP/1.1\r\n\r\n", 400),
    "a path that is not UTF-8": (b"GET /%ff HTTP/1.1\r\n\r\n", 400),
    "a tunnel": (b"CONNECT a:80 HTTP/1.1\r\n\r\n", 405),
    "another expectation": (post(b"", "/in", "Expect: a miracle"), 417),
    "an unknown encoding": (post(b"x", "/in", "Content-Encoding: br"), 415),
    "not gzip": (post(b"plain", "/in", "Content-Encoding: gzip"), 400),
    "gzip that breaks off": (post(gzip.compress(b"abc" * 50)[:-9], "/in", "Content-Encoding: gzip"), 400),
    "one huge field": (b"GET /ping HTTP/1.1\r\nA: " + b"x" * 300_000, 431),
    "endless fields": (b"GET /ping HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, 431),
    "a huge target": (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n", 431),
    "endless trailers": (chunked(b"abc")[:-2] + b"a: b\r\n" * 100_000, 400),
    "an endless chunk extension": (chunked(b"abc")[:-5] + b"0;" + b"x" * 300_000, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("step", [1, 1000, 65_536])
def test_hostile_input_is_answered_with_an_error_and_ends_the_connection(name: str, step: int) -> None:
    raw, status = HOSTILE[name]
    protocol = new_protocol(max_header_bytes=4096)
    for start in range(0, min(len(raw), 10_000 if step == 1 else len(raw)), step):
        protocol.feed(raw[start : start + step])
    (request,) = protocol.requests
    assert (status_of(request), request.keep_alive, protocol.closed) == (status, False, True)


def test_what_came_before_the_error_is_still_there() -> None:
    good, bad = requests_of(post(b"a") + b"garbage\r\n\r\n")
    assert (good.content, status_of(good), status_of(bad)) == (b"a", None, 400)


@pytest.mark.parametrize("most", [200, 201])
def test_the_bound_on_the_head_is_the_same_however_it_comes(most: int) -> None:
    raw = b"GET /ping HTTP/1.1\r\n" + b"A:" + b"x" * (most - len("/ping") - 4) + b"\r\n\r\n"
    one = the_request(raw, protocol=new_protocol(max_header_bytes=200))
    assert status_of(one) == (200 if most <= 200 else 431)


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [999, 1000, 1001])
def test_a_body_is_bounded_exactly_whether_announced_or_chunked(length: int) -> None:
    body = b"x" * length
    expected = None if length <= 1000 else 413
    assert status_of(the_request(post(body))) == expected
    assert status_of(the_request(chunked(body[:500], body[500:]))) == expected


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_comes() -> None:
    request = the_request(b"POST /in HTTP/1.1\r\nContent-Length: 1001\r\n\r\n")
    assert status_of(request) == 413


def test_the_vendors_own_bound_and_answer_count_where_it_is_smaller() -> None:
    assert the_request(post(b"x" * 10, "/ten")).content == b"x" * 10
    assert in_words_of(the_request(post(b"x" * 11, "/ten"))) == (413, "application/json")
    assert in_words_of(the_request(chunked(b"x" * 10, b"y", path="/ten"))) == (413, "application/json")


def test_the_body_of_a_refused_request_is_thrown_away_and_the_connection_goes_on() -> None:
    budget = Budget(10)
    protocol = new_protocol(budget=budget)
    denied, after = requests_of(post(b"x" * 900, "/denied"), get(), protocol=protocol)
    assert (status_of(denied), denied.content, denied.keep_alive) == (403, b"", True)
    assert status_of(after) == 200
    assert budget.used == 0


def two_members(body: bytes) -> bytes:
    return gzip.compress(body[:7]) + gzip.compress(body[7:])


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


ENCODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("gzip", two_members),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("identity", bytes),
]


@pytest.mark.parametrize(("encoding", "compress"), ENCODINGS)
def test_content_encodings_are_undone(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    body = b"some words of a body"
    request = the_request(post(compress(body), "/in", f"Content-Encoding: {encoding}"))
    assert request.content == body


@pytest.mark.parametrize("size", [5000, 5001, 500_000])
def test_a_compressed_body_is_bounded_where_it_is_blown_up(size: int) -> None:
    bomb = gzip.compress(b"\0" * size)
    budget = Budget(1_000_000)
    request = the_request(post(bomb, "/in", "Content-Encoding: gzip"), protocol=new_protocol(budget=budget))
    assert status_of(request) == (None if size <= 5000 else 413)
    assert budget.used == (5000 if size <= 5000 else 0)


def test_bodies_of_all_connections_share_a_budget() -> None:
    budget = Budget(100)
    first, second = new_protocol(budget=budget), new_protocol(budget=budget)
    first.feed(post(b"x" * 60))
    assert the_request(post(b"y" * 41), protocol=second).reply == FAILURE
    first.close()
    assert the_request(post(b"y" * 41), protocol=new_protocol(budget=budget)).content == b"y" * 41


def test_a_chunked_body_meets_the_budget_as_it_comes() -> None:
    budget = Budget(100)
    request = the_request(chunked(b"x" * 60, b"y" * 41), protocol=new_protocol(budget=budget))
    assert request.reply == FAILURE
    assert budget.used == 0


# ── Expect ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_that_waits_to_be_asked_is_asked_until_its_body_comes() -> None:
    protocol = new_protocol()
    protocol.feed(post(b"abc", "/in", "Expect: 100-continue")[:-3])
    assert protocol.wants_continue
    protocol.feed(b"abc")
    assert not protocol.wants_continue
    assert protocol.requests[0].content == b"abc"


def test_a_client_that_would_be_refused_is_not_asked_for_its_body() -> None:
    protocol = new_protocol()
    protocol.feed(post(b"abc", "/denied", "Expect: 100-continue")[:-3])
    assert not protocol.wants_continue
    assert (status_of(protocol.requests[0]), protocol.closed) == (403, True)


# ── a refusal is its endpoint's, as far as it is known whose request it is ──────────────────────────────────────────────


def in_words_of(request: Request) -> tuple[int, str]:
    assert request.reply is not None
    return request.reply.status, dict(request.reply.headers)["Content-Type"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post(b"not gzip", "/in", "Content-Encoding: gzip"), 400),
        (post(b"x", "/in", "Content-Encoding: br"), 415),
        (post(b"x", "/in", "Expect: wonders"), 417),
        (post(b"x" * 1001), 413),
        (post(b"x" * 11, "/ten"), 413),
        (chunked(b"x" * 11, path="/ten"), 413),
        (chunked(path="/in")[:-5] + b"no length\r\n", 400),
        (get("/in", "X-Long: " + "x" * 3000), 431),
        (get("/in", "X-Bad : x"), 400),
        (post(b"", "/in", "Transfer-Encoding: gzip, chunked")[:-4], 400),
    ],
)
def test_what_is_refused_on_an_endpoint_s_path_is_refused_in_its_words(raw: bytes, status: int) -> None:
    assert in_words_of(the_request(raw)) == (status, "application/json")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (get("/nowhere", "X-Long: " + "x" * 3000), 431),
        (get("/in%zz"), 400),
        (b"nonsense\r\n\r\n", 400),
        (get("host:80", method="CONNECT"), 405),
    ],
)
def test_what_is_nobody_s_is_refused_in_plain_text(raw: bytes, status: int) -> None:
    assert in_words_of(the_request(raw)) == (status, TEXT)


def test_what_is_wrong_after_an_answer_is_nobody_s() -> None:
    first, second = requests_of(post(b"e1"), b"\x00nonsense")
    assert first.reply is None
    assert in_words_of(second) == (400, TEXT)


def test_an_answer_that_the_head_got_stands_whatever_comes_after_it() -> None:
    assert status_of(the_request(post(b"x" * 1001, "/denied"))) == 403
    assert status_of(the_request(chunked(b"x", path="/denied")[:-5] + b"no length\r\n")) == 403


@pytest.mark.parametrize("field", ["Expect: foo", "Content-Encoding: br"])
def test_a_head_request_that_is_refused_is_answered_without_a_body(field: str) -> None:
    request = the_request(f"HEAD /in HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode())
    assert request.to_head
