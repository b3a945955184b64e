from __future__ import annotations

import pytest

from wye.answer import MOST_ASKED_SECS, asked_secs, reason_in, redirected
from wye.config.secrets import Secrets
from wye.message import HttpResponse


@pytest.mark.parametrize(
    ("headers", "secs"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "9" * 500}, MOST_ASKED_SECS),
        ({"retry-after": "soon", "date": "now"}, None),
        ({"retry-after": "Wed, 21 Oct 2065 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, MOST_ASKED_SECS),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 08:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 -0000", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 99 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, None),
    ],
)
def test_the_wait_that_an_answer_asks_for(headers: dict[str, str], secs: float | None) -> None:
    assert asked_secs(HttpResponse(503, headers)) == secs


def test_a_reason_quotes_the_answer_cut_and_on_one_line() -> None:
    reason = reason_in(HttpResponse(400, {}, b"no\r\n  good " + b"x" * 5000 + b"\xff"))
    assert reason.startswith("400: no good xxx")
    assert len(reason) <= 210
    assert "\n" not in reason


KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize("before", range(150, 200, 7))
@pytest.mark.parametrize("space", ["", " ", "  " * 400])
def test_a_key_that_a_vendor_repeats_is_not_seen_where_it_is_cut(before: int, space: str) -> None:
    secrets = Secrets()
    secrets.add(KEY)
    said = "é" * before + space + KEY + "x" * 900
    reasons = [
        reason_in(HttpResponse(401, {}, said.encode())),
        reason_in(HttpResponse(401), said),
        redirected(HttpResponse(302, {"location": said})).reason,
    ]
    for reason in reasons:
        assert KEY[:4] not in secrets.redact(reason)


def test_what_is_said_can_be_given() -> None:
    assert reason_in(HttpResponse(400, {}, b"{}"), "no such app") == "400: no such app"
    assert reason_in(HttpResponse(500)) == "500"


def test_a_redirect_is_the_operators_to_mend() -> None:
    found = redirected(HttpResponse(301, {"location": "https://elsewhere.example"}))
    assert (found.kind, found.status) == ("hold", 301)
    assert "elsewhere" in found.reason
