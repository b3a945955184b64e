"""The forms in which clients of Moloco write a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from wye.event import Json
from wye.money import EXACT
from wye.values import amount, milliseconds
from wye_plugins.moloco.schema import FIRST_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_INT64 = range(-(2**63), 2**63)


def time_of(value: Json) -> tuple[int, int] | None:
    """Milliseconds since the epoch and the nanoseconds below, or ``None`` for what is no time.

    Read are numbers, texts of numbers, seconds in place of milliseconds, and RFC 3339 with a zone.
    """
    if type(value) is int and FIRST_MS <= value < _INT64.stop:
        return value, 0
    exact = amount(value)
    if exact is None:
        return _instant(value) if type(value) is str else None
    if 0 <= exact < FIRST_MS:
        exact = EXACT.multiply(exact, Decimal(1000))
    found = milliseconds(exact)
    return found if found[0] in _INT64 else None


def _instant(text: str) -> tuple[int, int] | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    date, clock, fraction, zone = match.groups()
    try:
        seconds = (datetime.fromisoformat(f"{date}T{clock}{zone.upper()}") - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        return None
    ns = int((fraction or "0")[:9].ljust(9, "0"))
    return seconds * 1000 + ns // 1_000_000, ns % 1_000_000


def is_milliseconds(value: Json) -> bool:
    """Whether the vendor takes it: a whole number of milliseconds, as a number or a text."""
    exact = amount(value)
    return exact is not None and exact >= FIRST_MS and exact == exact.to_integral_value(ROUND_FLOOR) < Decimal(_INT64.stop)
