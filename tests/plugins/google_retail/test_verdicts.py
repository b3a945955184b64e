from __future__ import annotations

import msgspec
import pytest

from wye.message import HttpRequest, HttpResponse
from wye.verdict import DELIVERED
from wye_plugins.google_retail.encode import GoogleRetailEncoder
from wye_plugins.google_retail.verdicts import verdict


def error(code: int, status: str, message: str = "words", **detail: str) -> HttpResponse:
    body = {"error": {"code": code, "message": message, "status": status, "details": [detail] if detail else []}}
    return HttpResponse(code, {}, msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "retry"),
        (201, "retry"),
        (204, "retry"),
        (301, "hold"),
        (307, "hold"),
        (400, "rejected"),
        (401, "hold"),
        (403, "hold"),
        (404, "hold"),
        (405, "hold"),
        (407, "hold"),
        (408, "busy"),
        (409, "retry"),
        (413, "rejected"),
        (425, "busy"),
        (429, "busy"),
        (499, "retry"),
        (500, "retry"),
        (501, "hold"),
        (502, "busy"),
        (503, "busy"),
        (504, "busy"),
    ],
)
def test_what_a_bare_status_means(status: int, kind: str) -> None:
    found = verdict(HttpResponse(status))
    assert (found.kind, found.status) == (kind, status)
    assert str(status) in found.reason


@pytest.mark.parametrize("body", [b'{"eventType":"search"}', b"{}", b" \n{ }", b'{"cut": "' + b"x" * 65_536])
def test_only_200_with_an_object_is_success(body: bytes) -> None:
    assert verdict(HttpResponse(200, {}, body)) is DELIVERED
    assert GoogleRetailEncoder().verdicts(HttpRequest([0]), HttpResponse(200, {}, body)) is DELIVERED


@pytest.mark.parametrize("body", [b"", b"OK", b"<html>", b"[]", b'"{}"'])
def test_200_without_an_object_is_nobody_we_know(body: bytes) -> None:
    assert verdict(HttpResponse(200, {}, body)).kind == "retry"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (error(400, "INVALID_ARGUMENT"), "rejected"),
        (error(400, "OUT_OF_RANGE"), "rejected"),
        (error(400, "FAILED_PRECONDITION"), "hold"),
        (error(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID"), "hold"),
        (error(403, "PERMISSION_DENIED"), "hold"),
        (error(403, "PERMISSION_DENIED", reason="SERVICE_DISABLED"), "hold"),
        (error(403, "RESOURCE_EXHAUSTED", reason="RATE_LIMIT_EXCEEDED"), "busy"),
        (error(409, "ABORTED"), "retry"),
        (error(429, "RESOURCE_EXHAUSTED"), "busy"),
        (error(500, "INTERNAL"), "retry"),
        (error(503, "UNAVAILABLE"), "busy"),
    ],
)
def test_what_googles_words_add_to_a_status(response: HttpResponse, kind: str) -> None:
    found = verdict(response)
    assert found.kind == kind
    assert "words" in found.reason


def test_a_reason_quotes_google_and_says_what_to_do() -> None:
    assert verdict(error(400, "INVALID_ARGUMENT", "no\n such")).reason == "400: INVALID_ARGUMENT no such"
    assert "Retail Editor" in verdict(error(403, "PERMISSION_DENIED")).reason
    assert "`auth`" in verdict(error(401, "UNAUTHENTICATED")).reason
    assert "`parent`" in verdict(error(404, "NOT_FOUND")).reason


@pytest.mark.parametrize(
    ("response", "secs"),
    [
        (HttpResponse(503), None),
        (HttpResponse(503, {"retry-after": "12"}), 12.0),
        (HttpResponse(429, {"retry-after": "soon"}), None),
        (error(429, "RESOURCE_EXHAUSTED", retryDelay="3.5s"), 3.5),
        (error(503, "UNAVAILABLE", retryDelay="60s"), 60.0),
        (error(503, "UNAVAILABLE", retryDelay="-1s"), None),
        (error(503, "UNAVAILABLE", retryDelay="1e9s"), None),
        (error(503, "UNAVAILABLE", retryDelay="s"), None),
        (error(503, "UNAVAILABLE", retryDelay="1.²s"), None),
    ],
)
def test_the_wait_that_an_answer_asks_for(response: HttpResponse, secs: float | None) -> None:
    assert verdict(response).after_secs == secs
