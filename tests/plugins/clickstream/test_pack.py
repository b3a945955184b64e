from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wye.event import Device, Event, Origin
from wye.message import Head, HttpRequest, Received
from wye.plugin import Accepted
from wye.testing import make_event, shipment_of
from wye_plugins.clickstream.encode import ClickstreamEncoder
from wye_plugins.clickstream.endpoint import ClickstreamEndpoint
from wye_plugins.clickstream.schema import MAX_BODY_BYTES

encoder = ClickstreamEncoder()


def requests_of(events: Sequence[Event], by: ClickstreamEncoder = encoder) -> list[HttpRequest]:
    documents = by.encode(events)
    return list(by.requests(shipment_of(events, [each for each in documents if isinstance(each, bytes)])))


def event_of(tenant: str | None = None, ip: str | None = None, agent: str | None = None, platform: str | None = None) -> Event:
    device = Device(ip=ip, user_agent=agent, platform=platform)
    return make_event(origin=Origin(vendor="test", tenant=tenant), device=device)


def test_a_request_is_an_array_for_one_app() -> None:
    (request,) = requests_of([event_of("shop", platform="Web")])
    assert (request.method, request.path, request.indices) == ("POST", "", [0])
    assert request.query == {"appId": "shop", "platform": "Web"}
    assert request.headers == {"Content-Type": "application/json; charset=utf-8"}
    assert [each["event_type"] for each in json.loads(request.body)] == ["view_item"]


def test_each_app_and_each_client_has_requests_of_its_own() -> None:
    events = [
        event_of("a"),
        event_of("b"),
        event_of("a"),
        event_of("a", ip="1.2.3.4"),
        event_of("a", agent="ua"),
        event_of(None),
    ]
    requests = requests_of(events)
    assert [(request.query["appId"], request.indices) for request in requests] == [
        ("a", [0, 2]),
        ("b", [1]),
        ("a", [3]),
        ("a", [4]),
        ("wye", [5]),
    ]
    assert requests[2].headers["X-Forwarded-For"] == "1.2.3.4"
    assert requests[3].headers["User-Agent"] == "ua"
    assert "User-Agent" not in requests[0].headers


def test_the_configured_app_is_everybodys() -> None:
    requests = requests_of([event_of("a"), event_of("b")], ClickstreamEncoder("mine"))
    assert [(request.query["appId"], request.indices) for request in requests] == [("mine", [0, 1])]


def test_a_platform_is_named_only_where_all_share_it() -> None:
    assert "platform" not in requests_of([event_of(platform="Web"), event_of(platform="iOS")])[0].query
    assert "platform" not in requests_of([event_of(platform="Web"), event_of()])[0].query


@pytest.mark.parametrize("agent", ["a\r\nX-Evil: 1", "ключ", " padded ", "", "tab\there"])
def test_what_is_no_header_text_is_not_sent_as_one(agent: str) -> None:
    (request,) = requests_of([event_of(agent=agent, ip="unknown\r\n")])
    assert set(request.headers) == {"Content-Type"}


def test_compression_is_base64_of_gzip_without_a_content_encoding() -> None:
    (request,) = requests_of([event_of()], ClickstreamEncoder(compress=True))
    assert request.query["compression"] == "gzip"
    assert "Content-Encoding" not in request.headers
    assert len(json.loads(gzip.decompress(base64.b64decode(request.body)))) == 1


@pytest.mark.parametrize("compress", [True, False])
def test_quirk_the_hash_code_is_over_the_body_as_sent(compress: bool) -> None:
    (request,) = requests_of([event_of()], ClickstreamEncoder(compress=compress, hash_code=True))
    assert request.query["hashCode"] == hashlib.sha256(request.body).hexdigest()[:8]
    at = Head("POST", "/collect", {"appId": "shop", "hashCode": "00000000"}, {})
    answer = ClickstreamEndpoint().receive(Received(at, request.body, 0))
    assert isinstance(answer, Accepted)
    assert len(answer.decoded.events) == 1


def test_a_body_may_have_exactly_one_megabyte() -> None:
    half = b"x" * ((MAX_BODY_BYTES - 3) // 2)
    events = [make_event(), make_event()]
    fitting = [half, half + b"x" * (MAX_BODY_BYTES - 3 - 2 * len(half))]
    (request,) = encoder.requests(shipment_of(events, fitting))
    assert len(request.body) == MAX_BODY_BYTES
    assert len(list(encoder.requests(shipment_of(events, [fitting[0], fitting[1] + b"x"])))) == 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, MAX_BODY_BYTES - 2) | st.integers(1, 40)), max_size=250))
def test_requests_are_within_the_limits_and_nothing_is_left_out(shapes: list[tuple[str, int]]) -> None:
    events = [event_of(tenant) for tenant, _ in shapes]
    requests = list(encoder.requests(shipment_of(events, [bytes(size) for _, size in shapes])))
    assert all(len(request.body) <= MAX_BODY_BYTES and 1 <= len(request.indices) <= 100 for request in requests)
    assert sorted(index for request in requests for index in request.indices) == list(range(len(shapes)))
    for request in requests:
        assert {shapes[index][0] for index in request.indices} == {request.query["appId"]}
        assert list(request.indices) == sorted(request.indices)
