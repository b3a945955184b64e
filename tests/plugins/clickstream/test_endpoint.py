from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye.message import Head, Received, Reply
from wye.plugin import Accepted, RequestEncoder
from wye_plugins.clickstream import ClickstreamSinkOptions, ClickstreamSourceOptions, build_sink, build_source, wye_adapters
from wye_plugins.clickstream.endpoint import ClickstreamEndpoint

EVENT = b'[{"event_type":"purchase","event_id":"e","timestamp":1,"app_id":"other"}]'
endpoint = ClickstreamEndpoint(["shop", "app"])
anybodys = ClickstreamEndpoint()


def head(path: str = "/collect", method: str = "POST", app: str | None = "shop", **headers: str) -> Head:
    query = {} if app is None else {"appId": app}
    return Head(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()}, "9.9.9.9")


def receive(body: bytes = EVENT, at: Head | None = None, by: ClickstreamEndpoint = endpoint) -> Any:
    return by.receive(Received(at or head(), body, 1795207098264))


def accepted(body: bytes = EVENT, at: Head | None = None) -> Accepted:
    answer = receive(body, at)
    assert isinstance(answer, Accepted)
    return answer


@pytest.mark.parametrize("path", ["/collect", "/collect/", "/collect/v2", "/collected"])
def test_quirk_the_path_matches_by_its_beginning(path: str) -> None:
    claim = endpoint.claim(head(path))
    assert claim is not None
    assert claim.reply is None


@pytest.mark.parametrize("path", ["/", "/Collect", "/v2/collect", "/health"])
def test_other_paths_are_left_to_others(path: str) -> None:
    assert endpoint.claim(head(path)) is None


@pytest.mark.parametrize("app", [None, "", "nobody", "Shop"])
def test_quirk_an_unknown_app_is_refused_as_the_load_balancer_does(app: str | None) -> None:
    claim = endpoint.claim(head(app=app))
    assert claim is not None
    assert claim.reply is not None
    assert (claim.reply.status, claim.reply.body) == (403, b"DefaultAction: Invalid request")


def test_without_a_list_any_app_is_known_but_one_must_be_named() -> None:
    some, none = anybodys.claim(head(app="x")), anybodys.claim(head(app=None))
    assert some is not None
    assert some.reply is None
    assert none is not None
    assert none.reply is not None


def test_quirk_a_body_may_have_one_megabyte_and_not_a_byte_more() -> None:
    claim = endpoint.claim(head())
    assert claim is not None
    assert claim.max_body_bytes == 1_048_576
    too_large = endpoint.refusal(head(), 413, "the body is too large")
    assert too_large.status == 413
    assert b"<h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>" in too_large.body
    assert too_large.headers == (("Content-Type", "text/html"),)


def test_success_is_200_without_a_body() -> None:
    success = accepted().success
    headers = dict(success.headers)
    assert (success.status, success.body, headers["Content-Type"]) == (200, b"", "text/plain")
    assert len(bytes.fromhex(headers["X-Request-ID"])) == 16


def test_failure_asks_for_another_try() -> None:
    failure = endpoint.refusal(head(), 503, "shutting down")
    assert (failure.status, dict(failure.headers)) == (503, {"Content-Type": "text/html", "Retry-After": "1"})
    assert failure.body == (
        b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
        b"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"
    )


@pytest.mark.parametrize(
    ("body", "events", "failures"),
    [
        (EVENT, 1, 0),
        (EVENT[1:-1], 1, 0),
        (b"[]", 0, 0),
        (b"", 0, 0),
        (b"nonsense", 0, 1),
        (b"[{},1]", 0, 2),
        (b'{"a":1}', 0, 1),
    ],
)
def test_quirk_the_content_is_not_validated(body: bytes, events: int, failures: int) -> None:
    answer = accepted(body)
    assert (len(answer.decoded.events), len(answer.decoded.failures)) == (events, failures)
    assert answer.success.status == 200


def test_quirk_even_a_get_is_taken() -> None:
    at = head(method="GET")
    claim = endpoint.claim(at)
    assert claim is not None
    assert claim.reply is None
    assert accepted(b"", at).success.status == 200


def test_quirk_the_app_in_the_document_is_not_compared_with_the_requests() -> None:
    assert accepted().decoded.events[0].origin.tenant == "other"


def test_the_client_is_the_first_hop() -> None:
    event = accepted(at=head(x_forwarded_for="101.188.67.134, 10.0.0.1", user_agent="ua")).decoded.events[0]
    assert event.device is not None
    assert (event.device.ip, event.device.user_agent) == ("101.188.67.134", "ua")
    direct = accepted().decoded.events[0]
    assert direct.device is not None
    assert direct.device.ip == "9.9.9.9"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_ping_tells_the_time_in_seconds(method: str) -> None:
    at = head("/ping", method, None)
    claim = endpoint.claim(at)
    assert claim is not None
    assert claim.reply is None
    reply = receive(b"", at)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b'{"timestamp": 1795207098.264}')
    assert dict(reply.headers)["Content-Type"] == "application/json"


def test_the_longer_path_wins_over_ping() -> None:
    assert isinstance(receive(at=head("/ping/collect"), by=ClickstreamEndpoint(path="/ping/collect")), Accepted)
    assert isinstance(receive(at=head("/ping"), by=ClickstreamEndpoint(path="/")), Reply)


@pytest.mark.parametrize("path", ["/collect", "/ping"])
def test_a_preflight_from_any_origin_is_answered(path: str) -> None:
    claim = endpoint.claim(head(path, "OPTIONS", origin="https://shop.example"))
    assert claim is not None
    assert claim.reply is not None
    headers = dict(claim.reply.headers)
    assert claim.reply.status == 204
    assert headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"


def test_a_preflight_for_an_unknown_app_is_refused() -> None:
    claim = endpoint.claim(head(method="OPTIONS", app="nobody", origin="https://shop.example"))
    assert claim is not None
    assert claim.reply is not None
    assert claim.reply.status == 403


def test_a_success_lets_the_page_read_it() -> None:
    success = accepted(at=head(origin="https://shop.example")).success
    assert dict(success.headers)["Access-Control-Allow-Credentials"] == "true"


def test_the_adapter_is_built_from_its_options() -> None:
    (part,) = wye_adapters()
    assert part.name == "clickstream"
    inbound = build_source(msgspec.convert({"app_ids": ["shop"], "path": "/in"}, ClickstreamSourceOptions))
    assert inbound.endpoint is not None
    claim = inbound.endpoint.claim(head("/in"))
    assert claim is not None
    assert claim.reply is None
    outbound = build_sink(msgspec.convert({"app_id": "shop", "compression": "gzip", "hash_code": True}, ClickstreamSinkOptions))
    assert isinstance(outbound.encoder, RequestEncoder)


@pytest.mark.parametrize("options", [{"path": "collect"}, {"app_ids": [""]}])
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=next(iter(options))):
        msgspec.convert(options, ClickstreamSourceOptions)
