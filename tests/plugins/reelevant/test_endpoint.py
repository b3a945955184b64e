from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from samples.payloads import payloads
from wye.message import Head, Received, Reply
from wye.plugin import Accepted, Bag, Claim, RequestEncoder
from wye_plugins.clickstream.endpoint import ClickstreamEndpoint
from wye_plugins.http.claims import Endpoints
from wye_plugins.reelevant import ReelevantSinkOptions, ReelevantSourceOptions, build_sink, build_source, wye_adapters
from wye_plugins.reelevant.endpoint import ReelevantEndpoint

ID, OTHER = "61a095fdd8d2e20011544831", "61a095fdd8d2e20011544832"
PATH = f"/collect/{ID}/rlvt"
EVENT = payloads("reelevant")["android-unit-test-page_view"]
endpoint = ReelevantEndpoint([ID])


def head(path: str = PATH, method: str = "POST", **headers: str) -> Head:
    return Head(method, path, {}, {name.replace("_", "-"): value for name, value in headers.items()}, "9.9.9.9")


def receive(body: bytes = EVENT, at: Head | None = None, by: ReelevantEndpoint = endpoint) -> Any:
    return by.receive(Received(at or head(), body, 1795207098264))


def accepted(body: bytes = EVENT, at: Head | None = None) -> Accepted:
    answer = receive(body, at)
    assert isinstance(answer, Accepted)
    return answer


@pytest.mark.parametrize("path", [PATH, PATH + "/", "/collect/x/rlvt", "/collect//rlvt"])
def test_its_own_path_is_claimed(path: str) -> None:
    assert endpoint.claim(head(path)) == Claim()


@pytest.mark.parametrize(
    "path", ["/", "/collect", f"/collect/{ID}", f"/v1{PATH}", f"{PATH}/x", "/collect/a/b/rlvt", "/Collect/x/rlvt"]
)
def test_other_paths_are_left_to_others(path: str) -> None:
    assert endpoint.claim(head(path)) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS"])
def test_other_methods_are_left_to_others(method: str) -> None:
    assert endpoint.claim(head(method=method)) is None


@pytest.mark.parametrize("first", [True, False])
def test_on_a_port_shared_with_clickstream_it_is_heard_whatever_the_order(first: bool) -> None:
    both = [endpoint, ClickstreamEndpoint(["shop"])]
    served = Endpoints(both if first else both[::-1], "edge")
    assert served.choose(head("/collect/x/rlvt")).endpoint is endpoint
    assert served.choose(head("/collect")).endpoint is both[1]


@pytest.mark.parametrize("path", ["/collect/x/rlvt", "/collect//rlvt", f"/collect/{ID}0/rlvt", f"/collect/{'g' * 24}/rlvt"])
def test_an_id_that_is_none_is_400(path: str) -> None:
    assert receive(at=head(path)) == Reply(400)


def test_an_unknown_datasource_is_404() -> None:
    assert receive(at=head(f"/collect/{OTHER}/rlvt")) == Reply(404)


def test_without_a_list_any_datasource_is_known() -> None:
    assert isinstance(receive(at=head(f"/collect/{OTHER}/rlvt"), by=ReelevantEndpoint()), Accepted)
    assert receive(at=head("/collect/x/rlvt"), by=ReelevantEndpoint()) == Reply(400)


def test_digits_may_be_of_either_case() -> None:
    assert isinstance(receive(at=head(PATH.upper().replace("COLLECT", "collect").replace("RLVT", "rlvt"))), Accepted)


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_400(body: bytes) -> None:
    assert receive(body) == Reply(400)


def test_success_is_200_without_a_body() -> None:
    assert accepted().success == Reply(200)


def test_failure_is_what_clients_try_again_after() -> None:
    failure = endpoint.refusal(head(), 503, "shutting down")
    assert (failure.status, dict(failure.headers)["Retry-After"], failure.body) == (503, "60", b"")
    assert endpoint.refusal(head(), 413, "too large") == Reply(413)


@pytest.mark.parametrize(
    ("body", "events", "failures"),
    [
        (EVENT, 1, 0),
        (b"[" + EVENT + b"," + EVENT + b"]", 2, 0),
        (b"[]", 0, 0),
        (b"nonsense", 0, 1),
        (b"[{},1]", 0, 2),
        (b'[{},{"name":"x"}]', 1, 1),
    ],
)
def test_fields_are_not_judged(body: bytes, events: int, failures: int) -> None:
    answer = accepted(body)
    assert (len(answer.decoded.events), len(answer.decoded.failures)) == (events, failures)
    assert answer.success.status == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_json_is_json_whatever_it_is_called(kind: str) -> None:
    assert accepted(at=head(content_type=kind)).decoded.events[0].type == "page_view"


FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def test_quirk_a_form_is_taken_too() -> None:
    body = urlencode({"name": "purchase", "tmpId": "t", "data[ids][]": "a", "data[value]": "129.90"}).encode()
    (event,) = accepted(body, head(content_type=FORM)).decoded.events
    assert (event.type, event.visitor_id, str(event.goods_total)) == ("purchase", "t", "129.90")
    assert accepted(EVENT, head(content_type=FORM)).decoded.events[0].type == "page_view"


@pytest.mark.parametrize("body", [b"tmpId=t", b"hello", b"{nonsense", b"%ff=%ff"])
def test_what_is_wrong_with_a_form_keeps_its_own_bytes(body: bytes) -> None:
    decoded = accepted(body, head(content_type=FORM)).decoded
    assert [failure.original for failure in decoded.failures] == [body]
    assert not decoded.events
    assert decoded.size == len(body)


def test_a_form_that_is_not_called_one_is_none() -> None:
    assert not accepted(b"name=purchase&tmpId=t").decoded.events


def test_the_client_is_the_first_hop() -> None:
    device = accepted(at=head(x_forwarded_for="101.188.67.134, 10.0.0.1", user_agent="ua")).decoded.events[0].device
    assert device is not None
    assert (device.ip, device.user_agent) == ("101.188.67.134", "ua")
    direct = accepted().decoded.events[0].device
    assert direct is not None
    assert direct.ip == "9.9.9.9"


def test_a_crawler_is_taken_for_nobody_says_which_they_are() -> None:
    assert accepted(at=head(user_agent="Googlebot/2.1")).success == Reply(200)


def test_a_page_of_a_shop_may_post_json() -> None:
    at = head(method="OPTIONS", origin="https://shop.example")
    assert endpoint.claim(at) == Claim()
    preflight = receive(b"", at)
    headers = dict(preflight.headers)
    assert preflight.status == 204
    assert headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert headers["Access-Control-Allow-Headers"] == "Content-Type"
    for answer in (accepted(at=head(origin="https://a.b")).success, receive(b"", head(origin="https://a.b"))):
        assert dict(answer.headers)["Access-Control-Allow-Origin"] == "https://a.b"


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_adapter_is_built_from_its_options() -> None:
    (part,) = wye_adapters()
    assert part.name == "reelevant"
    inbound = build_source(msgspec.convert({"datasource_ids": [ID]}, ReelevantSourceOptions))
    assert inbound.endpoint is not None
    assert inbound.endpoint.receive(Received(head(f"/collect/{OTHER}/rlvt"), EVENT, 0)) == Reply(404)
    outbound = build_sink(msgspec.convert({"datasource_id": ID, "key": "k"}, ReelevantSinkOptions))
    assert isinstance(outbound.encoder, RequestEncoder)
    assert (outbound.bag, outbound.base_url) == (Bag(), "https://collector.reelevant.com")
    assert build_sink(ReelevantSinkOptions()).base_url is None


@pytest.mark.parametrize("options", [{"datasource_ids": ["shop"]}, {"datasource_ids": [ID, ""]}])
def test_source_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="each of datasource_ids must be 24 hexadecimal digits"):
        msgspec.convert(options, ReelevantSourceOptions)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"datasource_id": f"{ID}\n"}, "datasource_id"), ({"datasource_id": "x"}, "datasource_id"), ({"key": ""}, "key")],
)
def test_sink_options_that_cannot_work_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert(options, ReelevantSinkOptions)
