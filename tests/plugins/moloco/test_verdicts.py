from __future__ import annotations

import pytest

from wye.message import HttpResponse
from wye.verdict import DELIVERED
from wye_plugins.moloco.verdicts import verdict


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "delivered"),
        (201, "delivered"),
        (204, "delivered"),
        (100, "retry"),
        (301, "hold"),
        (308, "hold"),
        (400, "rejected"),
        (401, "hold"),
        (403, "hold"),
        (404, "hold"),
        (405, "hold"),
        (407, "hold"),
        (408, "busy"),
        (413, "rejected"),
        (422, "rejected"),
        (425, "busy"),
        (429, "busy"),
        (500, "busy"),
        (501, "busy"),
        (503, "busy"),
        (599, "busy"),
    ],
)
def test_what_a_status_means(status: int, kind: str) -> None:
    found = verdict(HttpResponse(status))
    assert found.kind == kind
    assert found is DELIVERED or (found.status == status and str(status) in found.reason)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'"ok"', b"<html>"])
def test_success_needs_no_body(body: bytes) -> None:
    assert verdict(HttpResponse(200, {}, body)) is DELIVERED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"code":3,"message":"page_id is empty","details":[]}', "400: page_id is empty"),
        (b'{"message":"two\\n lines"}', "400: two lines"),
        (b'{"code":3}', '400: {"code":3}'),
        (b'{"message":""}', '400: {"message":""}'),
        (b"Bad Request\r\n", "400: Bad Request"),
        (b"\xff", "400: \ufffd"),
        (b"", "400"),
        (b"[" * 5000, "400: " + "[" * 199 + "…"),
        (b'{"message":"' + b"x" * 5000 + b'"}', "400: " + "x" * 199 + "…"),
    ],
)
def test_the_reason_is_what_the_vendor_says(body: bytes, reason: str) -> None:
    assert verdict(HttpResponse(400, {}, body)).reason == reason


@pytest.mark.parametrize(("status", "option"), [(401, "`api_key`"), (403, "`api_key`"), (404, "`platform`"), (405, "`method`")])
def test_the_operators_faults_name_the_option(status: int, option: str) -> None:
    assert option in verdict(HttpResponse(status)).reason


@pytest.mark.parametrize(
    ("status", "headers", "secs"),
    [
        (429, {}, None),
        (429, {"retry-after": "2"}, 2.0),
        (500, {}, 5.0),
        (500, {"retry-after": "2"}, 5.0),
        (503, {"retry-after": "120"}, 120.0),
        (503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        (503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 -0000", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        (503, {"retry-after": "Wed, 99 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 5.0),
        (503, {"retry-after": "soon"}, 5.0),
        (400, {"retry-after": "2"}, None),
    ],
)
def test_the_wait_is_what_is_asked_and_five_seconds_at_least_when_the_server_is_at_fault(
    status: int, headers: dict[str, str], secs: float | None
) -> None:
    assert verdict(HttpResponse(status, headers)).after_secs == secs
