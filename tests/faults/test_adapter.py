"""The adapter of the vendor that judges event by event."""

from __future__ import annotations

from faults.adapter import JudgedEncoder
from wye.message import HttpRequest, HttpResponse
from wye.verdict import Verdict


def test_a_success_without_verdicts_delivers_nothing() -> None:
    verdict = JudgedEncoder().verdicts(HttpRequest([0], b"[{}]"), HttpResponse(299, body=b"???"))
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "busy"
