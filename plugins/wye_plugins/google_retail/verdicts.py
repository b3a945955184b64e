"""What Google's answers mean: to a write, and the parts that all its answers share."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from wye.answer import BUSY, asked_secs, reason_in, redirected
from wye.message import HttpResponse
from wye.verdict import DELIVERED, Verdict


class Detail(Struct, frozen=True):
    """A part of an error that is for machines: ``google.rpc.ErrorInfo`` or ``RetryInfo``."""

    reason: str = ""
    retry_delay: str = msgspec.field(default="", name="retryDelay")


class Status(Struct, frozen=True):
    """Google's error: ``code`` is an HTTP status in an answer, and a gRPC code (0 to 16) in an operation."""

    code: int = 0
    message: str = ""
    status: str = ""
    details: list[Detail] = []


class ErrorBody(Struct, frozen=True):
    error: Status


JSON = {"Content-Type": "application/json"}

_error = msgspec.json.Decoder(ErrorBody)

# Not the sender's document but the sender's project, key or set-up is at fault, though the status is 400.
_OPERATORS = frozenset(("FAILED_PRECONDITION", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"))
_OPERATORS_REASONS = frozenset(("API_KEY_INVALID", "SERVICE_DISABLED", "ACCESS_TOKEN_EXPIRED"))
_QUOTA_REASONS = frozenset(("RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"))

_BUSY = BUSY | {502, 503, 504}
_HINTS = {
    401: "set `auth` in the adapter",
    403: "the account needs the role Retail Editor (`roles/retail.editor`), and the sink the right `parent`",
    404: "look at the sink's `url` and the adapter's `parent`",
}


def status_in(response: HttpResponse) -> Status:
    """The error that an answer describes; an empty one where it describes none."""
    try:
        return _error.decode(response.body).error
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Status()


def verdict(response: HttpResponse) -> Verdict:
    """The verdict on the one event of a write."""
    # Its beginning is enough: the sink cuts long answers, and Google's is as long as the event.
    if response.status == 200 and response.body.lstrip()[:1] == b"{":
        return DELIVERED
    return refusal(response)


def refusal(response: HttpResponse) -> Verdict:
    """The verdict of an answer that is no success."""
    code, error = response.status, status_in(response)
    reasons = {detail.reason for detail in error.details}
    reason = _reason(response, error)
    if code in _BUSY or (code == 403 and reasons & _QUOTA_REASONS):
        return Verdict("busy", reason, wait_secs(response, error), code)
    if code in _HINTS:
        return Verdict("hold", f"{reason} ({_HINTS[code]})", status=code)
    if 300 <= code < 400:
        return redirected(response)
    if code in (405, 407, 501):
        return Verdict("hold", reason, status=code)
    if 400 <= code < 500 and code not in (409, 499):
        operators = error.status in _OPERATORS or reasons & _OPERATORS_REASONS
        return Verdict("hold" if operators else "rejected", reason, status=code)
    if 200 <= code < 300:
        return Verdict(
            "retry", f"{code} without a JSON object: this is no answer of Google's; look at the sink's `url`", None, code
        )
    # 409 and 499 are its own cancelled attempts, 500 a fault of its own: worth another try, but not for ever.
    return Verdict("retry", reason, wait_secs(response, error), code)


def _reason(response: HttpResponse, error: Status) -> str:
    return reason_in(response, f"{error.status} {error.message}".strip() or None)


def wait_secs(response: HttpResponse, error: Status) -> float | None:
    """The wait that the answer asks for: ``Retry-After``, or the error's own ``RetryInfo``."""
    asked = asked_secs(response)
    if asked is not None:
        return asked
    delays = [detail.retry_delay.removesuffix("s") for detail in error.details if detail.retry_delay.endswith("s")]
    return next((float(delay) for delay in delays if _is_seconds(delay)), None)


def _is_seconds(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return text.isascii() and whole.isdigit() and len(whole) < 10 and (not fraction or fraction.isdigit())
