"""What the vendor's answers mean. It takes a request as a whole or not at all, and says no more than a status."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wye.message import HttpResponse
from wye.verdict import DELIVERED, Verdict

_BUSY = frozenset((408, 425, 429))
_OPERATOR = {
    401: "the authentication cookie is missing or no longer valid (set `headers.cookie`)",
    403: "the app id and the endpoint do not belong together, or the authentication cookie is wrong",
    404: "there is no such path (the vendor's default is /collect)",
    407: "the proxy wants credentials",
}


def verdict(events: int, response: HttpResponse) -> Verdict:
    """The verdict on all ``events`` of a request."""
    status = response.status
    if status == 200:
        return DELIVERED
    if status in _BUSY or status >= 500:
        return Verdict("busy", _reason(response), retry_after_secs(response), status)
    if status in _OPERATOR:
        return Verdict("hold", f"{status}: {_OPERATOR[status]}", status=status)
    if 300 <= status < 400:
        return Verdict("hold", f"{status}: redirected to {response.headers.get('location', 'nowhere')[:200]}", status=status)
    if status == 413 and events > 1:
        # Requests are cut to the vendor's own limit, so something before it takes less, and to send the same again would not
        # help. Which event is too much cannot be told; none must be lost for it.
        return Verdict(
            "hold", f"413: less than 1 MB is taken here; lower the sink's batch (this request had {events} events)", status=413
        )
    if 400 <= status < 500:
        return Verdict("rejected", _reason(response), status=status)
    # The vendor documents 200 and nothing else as success, and its web SDK sends again after any other.
    return Verdict("retry", f"{_reason(response)} (only 200 is success)", status=status)


def _reason(response: HttpResponse) -> str:
    said = " ".join(response.body[:800].decode("utf-8", "replace").split())[:200]
    return f"{response.status}: {said}" if said else str(response.status)


def retry_after_secs(response: HttpResponse) -> float | None:
    """The wait that the answer asks for. A date is measured against the answer's own ``Date``."""
    wanted = response.headers.get("retry-after", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted[:9])
    until, now = _moment(wanted), _moment(response.headers.get("date", ""))
    return None if until is None or now is None else max(0.0, (until - now).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
