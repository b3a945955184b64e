from __future__ import annotations

import pytest

from wye.message import HttpRequest, HttpResponse
from wye.verdict import DELIVERED
from wye_plugins.clickstream.encode import ClickstreamEncoder
from wye_plugins.clickstream.verdicts import verdict


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "delivered"),
        (201, "retry"),
        (202, "retry"),
        (204, "retry"),
        (100, "retry"),
        (301, "hold"),
        (302, "hold"),
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
        (502, "busy"),
        (503, "busy"),
        (504, "busy"),
        (599, "busy"),
    ],
)
def test_what_a_status_means_for_one_event(status: int, kind: str) -> None:
    found = verdict(HttpResponse(status))
    assert found.kind == kind
    assert found is DELIVERED or (found.status == status and str(status) in found.reason)


@pytest.mark.parametrize("status", [*range(201, 209), 226])
def test_quirk_only_200_is_success(status: int) -> None:
    assert verdict(HttpResponse(status)).kind == "retry"


def test_too_large_a_request_is_refused_for_the_core_to_halve() -> None:
    assert ClickstreamEncoder().verdicts(HttpRequest([0, 4]), HttpResponse(413)).kind == "rejected"
    assert ClickstreamEncoder().limits.divisible


def test_a_reason_quotes_the_answer_cut_and_on_one_line() -> None:
    reason = verdict(HttpResponse(400, {}, b"no\r\n  good " + b"x" * 5000 + b"\xff")).reason
    assert reason.startswith("400: no good xxx")
    assert len(reason) <= 210
    assert "\n" not in reason


def test_an_answer_may_ask_for_a_wait() -> None:
    assert verdict(HttpResponse(429, {"retry-after": "120"})).after_secs == 120
