"""A request that comes whole, with the last one's head to the byte but for the digits of its Content-Length: nothing in it has
to be parsed."""

from __future__ import annotations

import re
from collections.abc import Callable

from wye_plugins.http.head import Plan, RawHead

_LENGTH = re.compile(rb"\r\n(?i:content-length): ?([0-9]{1,9})(?=\r\n)")
_END = b"\r\n\r\n"
_MOST_DIGITS = 9
_MOST_PLANS = 16
_KEPT_BYTES = 8192
"""So much of heads do a connection's plans come from: a sender of long ones must not make us hold sixteen times as much."""
_LEFT_TO_THE_PARSER = ("expect", "upgrade", "content-encoding", "transfer-encoding")


class Repeated:
    """One head and what follows from it, by the digits of its length. ``plan_for`` works out what follows from another length.

    ``split`` gives just what the parser would, or nothing, and then the parser has to look at it.
    """

    __slots__ = ("_after", "_before", "_field", "_most_plans", "_plan_for", "_plans", "_raw")

    def __init__(self, before: bytes, after: bytes, raw: RawHead, plan_for: Callable[[RawHead], Plan]) -> None:
        self._before = before
        self._after = after
        self._raw = raw
        self._field = next(place for place, (name, _) in enumerate(raw.fields) if name.lower() == b"content-length")
        self._plan_for = plan_for
        self._most_plans = max(1, min(_MOST_PLANS, _KEPT_BYTES // (len(before) + len(after))))
        self._plans: dict[bytes, Plan | None] = {}

    def split(self, data: bytes) -> tuple[Plan, bytes] | None:
        """The plan and the body of the request that ``data`` is."""
        before = self._before
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        if not data.startswith(self._after, end):
            return None
        digits = data[start:end]
        plan = self._plans[digits] if digits in self._plans else self._plan(digits)
        body = end + len(self._after)
        return None if plan is None or len(data) - body != plan.length else (plan, data[body:])

    def _plan(self, digits: bytes) -> Plan | None:
        """``None`` where its length is for the parser to judge, or a body of that length not to be taken."""
        if not digits.isdigit():
            return None
        fields = self._raw.fields.copy()
        fields[self._field] = (fields[self._field][0], digits)
        raw = self._raw
        plan = self._plan_for(RawHead(raw.method, raw.version, raw.url, fields))
        if plan.reply is not None or not 0 < plan.length <= plan.max_body_bytes:
            plan = None
        if len(self._plans) >= self._most_plans:
            self._plans.clear()
        self._plans[digits] = plan
        return plan


def repeated(
    data: bytes, content: bytes, raw: RawHead, plan: Plan, max_header_bytes: int, plan_for: Callable[[RawHead], Plan]
) -> Repeated | None:
    """What can be recognised of the request that ``data`` was for the parser; ``None`` where anything about it is unusual."""
    end = len(data) - len(content)
    head = data[:end]
    if (
        not plan.keep_alive
        or plan.http10
        or plan.to_head
        or plan.length != len(content)
        or any(name in plan.head.headers for name in _LEFT_TO_THE_PARSER)
    ):
        return None
    # Only what ends its lines as it should: nobody else's idea of where the head ends counts here.
    if head.find(_END) != end - len(_END) or head.count(b"\n") != head.count(b"\r\n") or data[end:] != content:
        return None
    lengths = list(_LENGTH.finditer(head))
    if len(lengths) != 1 or end + _MOST_DIGITS > max_header_bytes:
        return None
    return Repeated(head[: lengths[0].start(1)], head[lengths[0].end(1) :], raw, plan_for)
