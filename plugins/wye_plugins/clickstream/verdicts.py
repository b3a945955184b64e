"""What the vendor's answers mean. It takes a request as a whole or not at all, and says no more than a status."""

from __future__ import annotations

from wye.answer import BUSY, asked_secs, reason_in, redirected
from wye.message import HttpResponse
from wye.verdict import DELIVERED, Verdict

_OPERATOR = {
    401: "the authentication cookie is missing or no longer valid (set `headers.cookie`)",
    403: "the app id and the endpoint do not belong together, or the authentication cookie is wrong",
    404: "there is no such path (the vendor's default is /collect)",
    405: "the method is not taken there, though the vendor takes any; look at the sink's `url` and `method`",
    407: "the proxy wants credentials",
}


def verdict(response: HttpResponse) -> Verdict:
    """The verdict on all events of a request."""
    status = response.status
    if status == 200:
        return DELIVERED
    if status in BUSY or status >= 500:
        return Verdict("busy", reason_in(response), asked_secs(response), status)
    if status in _OPERATOR:
        return Verdict("hold", f"{status}: {_OPERATOR[status]}", status=status)
    if 300 <= status < 400:
        return redirected(response)
    if 400 <= status < 500:
        return Verdict("rejected", reason_in(response), status=status)
    # The vendor documents 200 and nothing else as success, and its web SDK sends again after any other.
    return Verdict("retry", f"{reason_in(response)} (only 200 is success)", status=status)
