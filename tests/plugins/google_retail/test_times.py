from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from wye_plugins.google_retail.times import format_time, parse_time, plain_time


@pytest.mark.parametrize(
    ("time_ms", "rest", "text"),
    [
        (0, 0, "1970-01-01T00:00:00.000Z"),
        (-1, 999_999, "1969-12-31T23:59:59.999999999Z"),
        (1_700_000_000_123, 456_789, "2023-11-14T22:13:20.123456789Z"),
        (1_700_000_000_123, 1, "2023-11-14T22:13:20.123000001Z"),
        (-62_135_596_800_000, 0, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, 999_999, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_written_and_read(time_ms: int, rest: int, text: str) -> None:
    assert format_time(time_ms, rest) == text
    assert parse_time(text) == (time_ms, rest)


@pytest.mark.parametrize("time_ms", [-62_135_596_800_001, 253_402_300_800_000, 10**18, -(10**18)])
def test_there_are_no_times_beyond_googles_years(time_ms: int) -> None:
    assert format_time(time_ms) is None


@settings(max_examples=200)
@given(st.integers(-62_135_596_800_000, 253_402_300_799_999), st.integers(0, 999_999))
def test_googles_own_parser_agrees(time_ms: int, rest: int) -> None:
    text = format_time(time_ms, rest)
    assert text is not None
    stamp = Timestamp()
    stamp.FromJsonString(text)
    assert stamp.ToNanoseconds() == time_ms * 1_000_000 + rest
    assert parse_time(text) == (time_ms, rest)
    assert plain_time(text) == (None if rest else time_ms)


@settings(max_examples=200)
@given(
    st.from_regex(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{0,10})?(Z|[+-][0-2]\d:[0-6]\d)", fullmatch=True)
    | st.from_regex(r"[0-9TZ:.+ -]{0,30}", fullmatch=True)
)
def test_what_googles_parser_refuses_is_no_time(text: str) -> None:
    stamp = Timestamp()
    try:
        stamp.FromJsonString(text)
        nanos = stamp.ToNanoseconds()
    except ValueError:
        nanos = None
    found = parse_time(text)
    plain = plain_time(text)
    if plain is not None:
        assert found == (plain, 0)
        assert format_time(plain) == text
    if found is not None:
        assert nanos == found[0] * 1_000_000 + found[1]
