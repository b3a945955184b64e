"""Reading an HTTP answer on the way to a verdict: what a vendor says in it, and when it wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wye.message import HttpResponse
from wye.verdict import Verdict
from wye.words import cut

BUSY = frozenset((408, 425, 429))
"""The statuses below 500 that are nobody's fault: the same request may be taken later."""

_SHOWN_CHARS = 200

MOST_ASKED_SECS = 3600.0
"""The longest wait that a peer may ask for: a slip in a ``Retry-After`` must not stop anything for a year."""


def reason_in(response: HttpResponse, said: str | None = None) -> str:
    """The status and what is said with it (``said``, or else the body as it is), on one line and cut."""
    text = response.body[: 20 * _SHOWN_CHARS].decode("utf-8", "replace") if said is None else said
    line = cut(" ".join(cut(text, 4 * _SHOWN_CHARS).split()), _SHOWN_CHARS)
    return f"{response.status}: {line}" if line else str(response.status)


def asked_secs(response: HttpResponse) -> float | None:
    """``Retry-After`` in seconds, in either of its forms, ``MOST_ASKED_SECS`` at the most; a date is held against the answer's
    own ``Date``."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(float(asked[:9]), MOST_ASKED_SECS)
    until, now = _moment(asked), _moment(response.headers.get("date", ""))
    return None if until is None or now is None else min(max(0.0, (until - now).total_seconds()), MOST_ASKED_SECS)


def redirected(response: HttpResponse) -> Verdict:
    """A redirect is not followed: the operator has the wrong address."""
    where = cut(response.headers.get("location", "nowhere"), _SHOWN_CHARS)
    return Verdict("hold", f"{response.status}: redirected to {where}", status=response.status)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
