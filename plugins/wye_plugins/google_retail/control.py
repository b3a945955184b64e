"""Google's calls that carry no events: rejoining them with the catalogue, and purging them.

They travel as events of the type ``control:google-retail.rejoin`` or ``.purge``, with the call's body in ``extra``.
"""

from __future__ import annotations

import re
from typing import Any, cast

from msgspec import Struct

from wye.event import CONTROL, Event, Json, Origin
from wye.wire import Wire, derive_id, parse
from wye_plugins.google_retail.attributes import Bag
from wye_plugins.google_retail.schema import VENDOR
from wye_plugins.google_retail.times import parse_time

PREFIX = f"{CONTROL}{VENDOR}."
MAX_FILTER = 5_000
"""Characters of a purge's filter."""

SCOPES = ("USER_EVENT_REJOIN_SCOPE_UNSPECIFIED", "JOINED_EVENTS", "UNJOINED_EVENTS")
"""Which events are rejoined, by number: all, or only these."""

_CONDITION = re.compile(r'\s*(eventType|eventTime|visitorId|userId)\s*(>=|<=|>|<|=)\s*"([^"]*)"\s*(?:AND\s+)?', re.ASCII)
# The third-party document's example: ``(event_time: ["2023-01-01T00:00:00Z", "2023-12-31T23:59:59Z"])``.
_RANGE = re.compile(r'\s*\(?\s*(?:event_time|eventTime)\s*:\s*\[\s*("[^"]*")\s*,\s*("[^"]*")\s*\]\s*\)?\s*')


class ControlCall(Wire, frozen=True, kw_only=True):
    """A call as it came; what its event's id is derived from. The same call a moment later is another."""

    method: str
    parent: str
    body: Any
    received_ms: int


class Control(Struct, frozen=True):
    """A call that was understood: ``rejoin`` or ``purge``, and its body in Google's spelling."""

    method: str
    body: Bag

    def event(self, parent: str, received_ms: int) -> Event:
        """The call as an event."""
        call = ControlCall(method=self.method, parent=parent, body=self.body, received_ms=received_ms)
        return Event(
            id=derive_id(VENDOR, call),
            type=PREFIX + self.method,
            time_ms=received_ms,
            origin=Origin(vendor=VENDOR, tenant=parent),
            extra=self.body,
        )


def method_of(event: Event) -> str | None:
    """``rejoin`` or ``purge`` where the event is such a call."""
    method = event.type.removeprefix(PREFIX) if event.type.startswith(PREFIX) else None
    return method if method in ("rejoin", "purge") else None


def read_control(method: str, body: bytes, *, wide: bool) -> Control:
    """The call in a request's body. ``wide`` takes the third-party document's spelling too. Raises ``ValueError``."""
    given: Json = parse(body) if body.strip() else {}
    if type(given) is not dict:
        raise ValueError("the request is no JSON object")
    read = _rejoin if method == "rejoin" else _purge
    return Control(method, read(cast(Bag, given), wide))


def _rejoin(document: Bag, wide: bool) -> Bag:
    names = ("userEventRejoinScope", "user_event_rejoin_scope", *(("rejoinType", "rejoin_type") if wide else ()))
    scope = _take(document, *names)
    _nothing_else(document)
    if scope is None:
        return {}
    if type(scope) is str and scope in SCOPES:
        return {"userEventRejoinScope": scope}
    if type(scope) is int and -(2**31) <= scope < 2**31:
        return {"userEventRejoinScope": SCOPES[scope] if 0 <= scope < len(SCOPES) else SCOPES[0]}
    raise ValueError(f"user_event_rejoin_scope is none of {', '.join(SCOPES)}")


def _purge(document: Bag, wide: bool) -> Bag:
    words, force = _take(document, "filter"), _take(document, "force")
    _nothing_else(document)
    if type(words) is not str or not words.strip():
        raise ValueError("filter is required")
    if len(words) > MAX_FILTER:
        raise ValueError(f"filter is longer than {MAX_FILTER:,} characters")
    if force is not None and type(force) is not bool:
        raise ValueError("force is neither true nor false")
    between = _RANGE.fullmatch(words) if wide else None
    if between is not None:
        words = f"eventTime >= {between[1]} eventTime <= {between[2]}"
    check_filter(words.strip())
    return {"filter": words, "force": bool(force)}


def check_filter(words: str) -> None:
    """Raises ``ValueError`` where Google's grammar has no such filter: comparisons of four fields, all of which must hold."""
    place = 0
    while place < len(words):
        match = _CONDITION.match(words, place)
        if match is None:
            raise ValueError(
                f'filter: cannot read "{words[place : place + 40].strip()}"; expected conditions such as eventType = "search" '
                "on eventType, eventTime, visitorId or userId"
            )
        field, operator, value = match.groups()
        if field == "eventTime" and parse_time(value) is None:
            raise ValueError(f'filter: "{value}" is no time such as 2026-01-31T09:30:00Z')
        if field != "eventTime" and operator != "=":
            raise ValueError(f"filter: {field} can only be compared with =")
        place = match.end()


def _take(document: Bag, *names: str) -> Json:
    found = [document.pop(name) for name in names if name in document]
    return next((one for one in found if one is not None), None)


def _nothing_else(document: Bag) -> None:
    document.pop("parent", None)
    for name in document:
        raise ValueError(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
