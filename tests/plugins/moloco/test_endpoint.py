from __future__ import annotations

import json
from typing import Any

import pytest

from samples.payloads import exact, payloads
from wye.message import Head, Payload, Received, Reply, Shipment, Unfit
from wye.plugin import Accepted
from wye_plugins.moloco.decode import MolocoDecoder
from wye_plugins.moloco.encode import MolocoEncoder
from wye_plugins.moloco.endpoint import FUTURE_MS, MolocoEndpoint

SAMPLES = payloads("moloco")
NOW_MS = 1_795_207_780_033
PATH = "/rmp/event/v1/platforms/SHOP/userevents"
BEFORE = "/retail/v1/platforms/SHOP/events"
SEGMENT = "/cdp/SEGMENT"
EVENT: dict[str, Any] = {
    "id": "e",
    "event_type": "HOME",
    "timestamp": "1700000000000",
    "channel_type": "SITE",
    "user_id": "u",
}
endpoint = MolocoEndpoint("SHOP", "secret")
anybodys = MolocoEndpoint()


def head(path: str = PATH, method: str = "POST", **headers: str) -> Head:
    return Head(method, path, {}, {name.replace("_", "-"): value for name, value in headers.items()}, "9.9.9.9")


def receive(document: Any, at: Head | None = None) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return endpoint.receive(Received(at or head(), body, NOW_MS))


def refusal(at: Head, by: MolocoEndpoint = endpoint) -> Reply | None:
    claim = by.claim(at)
    assert claim is not None
    return claim.reply


def status_of(reply: Reply) -> tuple[int, int]:
    said = json.loads(reply.body)
    assert said.keys() == {"code", "message", "details"}
    assert said["message"]
    assert dict(reply.headers)["Content-Type"] == "application/json"
    return reply.status, said["code"]


def message(document: Any, at: Head | None = None) -> str:
    reply = receive(document, at)
    assert isinstance(reply, Reply)
    assert status_of(reply) == (400, 3)
    return json.loads(reply.body)["message"]


# ── paths, keys, platforms ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [PATH, BEFORE])
def test_the_path_of_the_guide_and_the_one_before_it_are_served(path: str) -> None:
    assert refusal(head(path, x_api_key="secret")) is None
    answer = receive(EVENT, head(path, x_api_key="secret"))
    assert isinstance(answer, Accepted)
    assert answer.decoded.events[0].origin.tenant == "SHOP"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/collect",
        "/rmp/event/v1/platforms/SHOP",
        "/rmp/event/v1/platforms//userevents",
        "/rmp/event/v1/platforms/SHOP/userevents/x",
        "/x/rmp/event/v1/platforms/SHOP/userevents",
        "/v2/projects/p/locations/global/catalogs/c/userEvents:write",
        "/cdp/SEGMENT/x",
    ],
)
def test_other_paths_are_left_to_others(path: str) -> None:
    assert endpoint.claim(head(path, x_api_key="secret")) is None


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (head(method="GET", x_api_key="secret"), (405, 12)),
        (head(), (401, 16)),
        (head(x_api_key=""), (401, 16)),
        (head(x_api_key="wrong"), (403, 7)),
        (head(x_api_key="sécret"), (403, 7)),
        (head(PATH.replace("SHOP", "OTHER"), x_api_key="secret"), (404, 5)),
        (head(BEFORE.replace("SHOP", "OTHER"), x_api_key="secret"), (404, 5)),
        (head(PATH.replace("SHOP", "OTHER")), (401, 16)),
        (head(SEGMENT, x_api_key="secret"), (404, 5)),
        (head(SEGMENT, x_api_key="secret", x_platform_id="OTHER"), (404, 5)),
    ],
)
def test_a_key_is_asked_for_first_and_then_the_platform(at: Head, status: tuple[int, int]) -> None:
    reply = refusal(at)
    assert reply is not None
    assert status_of(reply) == status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_quirk_any_other_method_is_405(method: str) -> None:
    reply = refusal(head(method=method, x_api_key="secret"))
    assert reply is not None
    assert reply.status == 405


def test_what_is_not_configured_is_not_asked_for() -> None:
    assert refusal(head(), anybodys) is None
    assert refusal(head(PATH.replace("SHOP", "OTHER"), x_api_key="any"), anybodys) is None
    assert refusal(head(SEGMENT), anybodys) is None


def test_a_body_that_is_too_large_for_the_port_is_told_so_in_json() -> None:
    claim = endpoint.claim(head(x_api_key="secret"))
    assert claim is not None
    assert claim.max_body_bytes is None
    assert status_of(endpoint.refusal(head(), 413, "too large")) == (413, 8)


def test_pages_may_call_as_the_guide_allows() -> None:
    reply = refusal(head(method="OPTIONS", origin="https://shop.example"))
    assert reply is not None
    allowed = dict(reply.headers)
    assert (reply.status, allowed["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
    assert "X-API-Key" in allowed["Access-Control-Allow-Headers"]
    for answer in (
        refusal(head(origin="https://shop.example")),
        receive(EVENT, head(origin="https://shop.example")).success,
        endpoint.refusal(head(origin="https://shop.example"), 503, "shutting down"),
        receive({}, head(origin="https://shop.example")),
    ):
        assert answer is not None
        assert dict(answer.headers)["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in dict(receive(EVENT).success.headers)


# ── what is taken ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_success_is_200_with_an_empty_object() -> None:
    success = receive(EVENT).success
    assert (success.status, success.body, success.headers) == (200, b"{}", (("Content-Type", "application/json"),))


def test_failure_asks_for_another_try_after_five_seconds() -> None:
    failure = endpoint.refusal(head(), 503, "shutting down")
    assert status_of(failure) == (503, 14)
    assert dict(failure.headers)["Retry-After"] == "5"


@pytest.mark.parametrize(("status", "code"), [(400, 3), (408, 4), (415, 3), (431, 3), (500, 13)])
def test_whatever_is_refused_is_refused_in_json(status: int, code: int) -> None:
    reply = endpoint.refusal(head(), status, "it will not do")
    assert status_of(reply) == (status, code)
    assert json.loads(reply.body)["message"] == "it will not do"


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name.startswith(("connector", "mcmcli"))])
def test_what_the_vendors_connectors_send_is_taken(sample: str) -> None:
    answer = receive(SAMPLES[sample])
    assert isinstance(answer, Accepted)
    assert len(answer.decoded.events) == 1


def test_the_names_of_the_javascript_client_are_taken() -> None:
    document = {"eventType": "HOME", "timestamp": 1700000000000, "channelType": "SITE", "userId": "u"}
    assert isinstance(receive(document), Accepted)


@pytest.mark.parametrize("price", [{}, "", None, 49.9, {"currency": "USD", "amount": ""}, {"currency": "XXX", "amount": 1}])
def test_quirk_a_price_that_cannot_be_read_is_no_reason_to_refuse(price: Any) -> None:
    document = {**EVENT, "event_type": "ADD_TO_CART", "items": [{"id": "a", "price": price, "quantity": 1}]}
    assert isinstance(receive(document), Accepted)


def test_an_order_needs_no_revenue() -> None:
    assert isinstance(receive({**EVENT, "event_type": "PURCHASE", "items": [{"id": "a"}]}), Accepted)


def test_segment_sends_the_platform_in_a_header_and_the_time_in_rfc_3339() -> None:
    at = head(SEGMENT, x_api_key="secret", x_platform_id="SHOP")
    assert refusal(at) is None
    answer = receive(SAMPLES["segment-HOME-all-fields"], at)
    assert isinstance(answer, Accepted)
    assert answer.decoded.events[0].origin.tenant == "SHOP"
    assert answer.decoded.events[0].time_ms == 1707176262848
    assert message(SAMPLES["segment-HOME-all-fields"]) == "timestamp is not in milliseconds"


@pytest.mark.parametrize(
    "who",
    [
        {"user_id": "u"},
        {"session_id": "s"},
        {"custom_id": "c"},
        {"device": {"persistent_id": "p"}},
        {"device": {"unique_device_id": "d"}},
        {"device": {"advertising_id": "ad"}},
        {"personalization_mode": "ID_LESS"},
    ],
)
def test_any_identifier_of_the_guide_or_of_the_schema_will_do(who: dict[str, Any]) -> None:
    document = {name: value for name, value in EVENT.items() if name != "user_id"}
    assert isinstance(receive({**document, **who}), Accepted)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"event_type": "PAGE_VIEW"}, "page_id is empty"),
        ({"event_type": "PAGE_VIEW", "page_id": ""}, "page_id is empty"),
        ({"event_type": "SEARCH"}, "search_query is empty"),
        *(
            ({"event_type": kind}, "items is empty")
            for kind in ("ITEM_PAGE_VIEW", "ADD_TO_CART", "ADD_TO_WISHLIST", "PURCHASE")
        ),
        ({"event_type": "PURCHASE", "items": []}, "items is empty"),
        ({"event_type": "PURCHASE", "items": [{"id": ""}]}, "an item has neither id nor item_group_id"),
        ({"event_type": "PURCHASE", "items": [{"id": "a"}, None]}, "an item has neither id nor item_group_id"),
        ({"channel_type": "APP"}, "device.os has neither ios nor android"),
        ({"channel_type": "APP", "device": {"os": "windows"}}, "device.os has neither ios nor android"),
        *(({"user_id": word}, "user_id, device.persistent_id and custom_id are empty") for word in ("", "null", "undefined")),
        *(({"user_id": word}, "user_id, device.persistent_id and custom_id are empty") for word in ("invalid", "nil", 5)),
        (
            {"user_id": None, "device": {"advertising_id": "00000000-0000-0000-0000-000000000000"}},
            "user_id, device.persistent_id and custom_id are empty",
        ),
        ({"timestamp": 1632418357}, "timestamp is not in milliseconds"),
        ({"timestamp": "soon"}, "timestamp is not in milliseconds"),
        ({"timestamp": None}, "timestamp is not in milliseconds"),
        ({"timestamp": NOW_MS + FUTURE_MS + 1}, "timestamp is in the future"),
        ({"event_type": "VIEW_ITEM"}, "event_type is not supported"),
        ({"event_type": "UNKNOWN_EVENT_TYPE"}, "event_type is not supported"),
        ({"event_type": []}, "event_type is not supported"),
        ({"channel_type": "UNKNOWN_CHANNEL_TYPE"}, "channel_type is not supported"),
        ({"channel_type": {}}, "channel_type is not supported"),
        ({"user_id": "x" * 129}, "user_id is longer than 128 characters"),
        ({"device": {"persistent_id": "x" * 129}}, "device.persistent_id is longer than 128 characters"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    assert message({**EVENT, **changes}) == said


def test_a_clock_may_be_a_little_ahead() -> None:
    assert isinstance(receive({**EVENT, "timestamp": NOW_MS + FUTURE_MS}), Accepted)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"7", b"\xff", b"{}{}", b"[" * 5000])
def test_what_is_not_one_object_is_refused(body: bytes) -> None:
    assert message(body)


def test_an_array_is_refused_for_there_are_no_batches() -> None:
    assert message([EVENT]) == "the body is not one JSON object"


def test_a_value_nested_too_deeply_is_refused() -> None:
    body = json.dumps(EVENT).replace('"e"', '"e", "x": ' + "[" * 500 + "]" * 500).encode()
    assert message(body) == "JSON is nested too deeply"


# ── both ends ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_endpoint_takes_what_the_encoder_sends(sample: str) -> None:
    encoder = MolocoEncoder("SHOP", "secret")
    body = SAMPLES[sample].replace(b'"id": ""', b'"id": "filled in"')
    events = MolocoDecoder().decode(Payload(body)).events
    documents = [document for document in encoder.encode(events) if not isinstance(document, Unfit)]
    (request,) = encoder.requests(Shipment(events, documents))
    at = Head(request.method, request.path, {}, {name.lower(): value for name, value in request.headers.items()})
    assert refusal(at) is None
    answer = receive(request.body, at)
    assert isinstance(answer, Accepted)
    assert answer.decoded.events[0].id == events[0].id
    assert exact(request.body)["id"] == events[0].id
