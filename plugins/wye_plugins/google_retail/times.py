"""RFC 3339, as Google's parser takes it: a ``T``, a zone, at most nine digits below the second, years 1 to 9999."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from wye.remember import remembered

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def parse_time(text: str) -> tuple[int, int] | None:
    """Milliseconds since 1970-01-01 UTC (rounded down) and the nanoseconds below them, or ``None`` where it is no time."""
    ms = plain_time(text)
    return _parse(text) if ms is None else (ms, 0)


def plain_time(text: str) -> int | None:
    """Milliseconds since 1970-01-01 UTC of a text that is as ``format_time`` writes it where nothing is below the millisecond;
    ``None`` for any other."""
    if len(text) != 24:
        return None
    ms = _FRACTIONS.get(text[19:])
    seconds_ms = None if ms is None else _start_ms(text[:19])
    return None if ms is None or seconds_ms is None else seconds_ms + ms


@remembered(4096)
def _start_ms(second: str) -> int | None:
    """The milliseconds of a second by its text: many events have the same."""
    found = _parse(f"{second}Z")
    return found and found[0]


@remembered(1024)
def _parse(text: str) -> tuple[int, int] | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    whole, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
        seconds_ms = (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None
    if not _FIRST_MS <= seconds_ms <= _LAST_MS:
        return None
    nanos = int((fraction or "").ljust(9, "0"))
    return seconds_ms + nanos // 1_000_000, nanos % 1_000_000


def format_time(time_ms: int, ns_rest: int = 0) -> str | None:
    """Three digits below the second, or nine where there is something below the millisecond; ``None`` beyond year 9999."""
    seconds, ms = divmod(time_ms, 1000)
    whole = _whole(seconds)
    if whole is None or not ns_rest:
        return whole and whole + _MILLISECONDS[ms]
    return f"{whole}.{ms:03}{ns_rest:06}Z"


@remembered(4096)
def _whole(seconds: int) -> str | None:
    """The text of a second since 1970-01-01 UTC; ``None`` before year 1 and after year 9999."""
    known = _FIRST_MS <= seconds * 1000 <= _LAST_MS
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19] if known else None


_MILLISECONDS = tuple(f".{ms:03}Z" for ms in range(1000))
_FRACTIONS = {text: ms for ms, text in enumerate(_MILLISECONDS)}

_FIRST_MS = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MS
_LAST_MS = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // _MS + 999
