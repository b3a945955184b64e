from __future__ import annotations

import pytest

from wye.message import HttpRequest, HttpResponse
from wye.verdict import DELIVERED
from wye_plugins.reelevant.encode import ReelevantEncoder
from wye_plugins.reelevant.verdicts import verdict

ID = "61a095fdd8d2e20011544831"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "delivered"),
        (202, "rejected"),
        (201, "retry"),
        (204, "retry"),
        (301, "hold"),
        (308, "hold"),
        (400, "rejected"),
        (401, "hold"),
        (402, "hold"),
        (403, "hold"),
        (404, "hold"),
        (407, "hold"),
        (408, "busy"),
        (410, "hold"),
        (413, "rejected"),
        (415, "hold"),
        (423, "hold"),
        (425, "busy"),
        (429, "busy"),
        (500, "busy"),
        (502, "busy"),
        (503, "busy"),
        (599, "busy"),
    ],
)
def test_what_a_status_means_for_one_event(status: int, kind: str) -> None:
    found = verdict(1, HttpResponse(status), id_is_sound=True)
    assert found.kind == kind
    assert found is DELIVERED or (found.status == status and str(status) in found.reason)


def test_quirk_202_means_dropped_as_a_bot() -> None:
    found = ReelevantEncoder(ID).verdicts(HttpRequest([0, 1]), HttpResponse(202))
    assert found.kind == "rejected"
    assert "User-Agent" in found.reason


def test_quirk_any_4xx_may_be_a_paused_datasource() -> None:
    for status in (402, 405, 409, 410, 418, 422, 423, 451):
        found = verdict(1, HttpResponse(status), id_is_sound=True)
        assert found.kind == "hold"
        assert "paused" in found.reason


def test_a_400_is_about_the_id_where_that_was_not_checked() -> None:
    assert ReelevantEncoder(ID).verdicts(HttpRequest([0]), HttpResponse(400)).kind == "rejected"
    unchecked = ReelevantEncoder().verdicts(HttpRequest([0]), HttpResponse(400))
    assert unchecked.kind == "hold"
    assert "24 hexadecimal digits" in unchecked.reason


def test_what_is_dropped_as_bot_traffic_is_so_for_the_whole_request_and_is_not_halved() -> None:
    found = verdict(2, HttpResponse(202), id_is_sound=True)
    assert (found.kind, found.faulty) == ("rejected", 2)


def test_too_large_a_request_is_refused_for_the_core_to_halve() -> None:
    assert verdict(2, HttpResponse(413), id_is_sound=True).kind == "rejected"
    assert ReelevantEncoder(ID).limits.divisible


def test_a_reason_quotes_the_answer_cut_and_on_one_line() -> None:
    reason = verdict(1, HttpResponse(400, {}, b"no\r\n  good " + b"x" * 5000 + b"\xff"), id_is_sound=True).reason
    assert reason.startswith("400: no good xxx")
    assert len(reason) <= 210
    assert "\n" not in reason


def test_an_answer_may_ask_for_a_wait() -> None:
    assert verdict(3, HttpResponse(429, {"retry-after": "60"}), id_is_sound=True).after_secs == 60
