"""What the vendor's answers mean. A request carries one event, so an answer is about that one, or about the sink as a whole."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wye.answer import BUSY, asked_secs, reason_in, redirected
from wye.message import HttpResponse
from wye.verdict import DELIVERED, Verdict

FIRST_WAIT_SECS = 5.0
"""The vendor asks for at least this before another try, when the fault is its own."""

_OPERATOR = {
    401: "the API key is missing or not known; set `api_key`",
    403: "the API key may not send to this platform; set `api_key` and `platform`",
    404: "there is no such platform, or no such path; set `platform`, and check where the sink sends to",
    405: "the method is not taken there; check the sink's `method` and `url`",
    407: "the proxy wants credentials",
}


class _Status(Struct):
    message: Annotated[str, Meta(min_length=1)]


_status = msgspec.json.Decoder(_Status)


def verdict(response: HttpResponse) -> Verdict:
    """The verdict on the event of a request."""
    status = response.status
    if 200 <= status < 300:
        return DELIVERED
    if status in BUSY:
        return Verdict("busy", _reason(response), asked_secs(response), status)
    if status >= 500:
        return Verdict("busy", _reason(response), max(asked_secs(response) or 0.0, FIRST_WAIT_SECS), status)
    if status in _OPERATOR:
        return Verdict("hold", f"{_reason(response)} ({_OPERATOR[status]})", status=status)
    if 300 <= status < 400:
        return redirected(response)
    return Verdict("rejected" if status >= 400 else "retry", _reason(response), status=status)


def _reason(response: HttpResponse) -> str:
    """The status and what the vendor says, cut and on one line: its ``message``, or the body as it is."""
    try:
        said = _status.decode(response.body).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    return reason_in(response, said)
