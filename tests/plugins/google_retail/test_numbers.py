from __future__ import annotations

import struct
from decimal import Decimal

import pytest
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import FloatValue
from hypothesis import given, settings
from hypothesis import strategies as st

from wye_plugins.google_retail.numbers import fits, in_float32, is_short


@pytest.mark.parametrize(
    ("amount", "held"),
    [
        ("1599.97", "1599.97"),
        ("123456.78", "123456.78"),
        ("9999999.99", "10000000"),
        ("123456789.99", "123456790"),
        ("0", "0"),
        ("-0.1", "-0.1"),
        ("1e-60", "0"),
        ("10.995", "10.995"),
        ("16777217", "16777216"),
    ],
)
def test_what_google_gives_back(amount: str, held: str) -> None:
    assert in_float32(Decimal(amount)) == Decimal(held)


@pytest.mark.parametrize("amount", ["1e39", "-1e39", "3.5e38", "1e200", "NaN", "-Infinity"])
def test_what_is_too_large_for_a_float(amount: str) -> None:
    assert in_float32(Decimal(amount)) is None
    assert not fits(Decimal(amount))


def test_what_is_no_number_at_all_does_not_fit() -> None:
    assert not fits(Decimal("sNaN"))


@settings(max_examples=200)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_googles_own_parser_agrees(number: float) -> None:
    held = in_float32(Decimal(repr(number)))
    if held is None:
        assert abs(number) > 3.4e38
        return
    message = json_format.Parse(str(held), FloatValue())
    assert struct.pack("<f", message.value) == struct.pack("<f", number) or number == 0
    assert Decimal(json_format.MessageToJson(message)) == held


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(-(10**6), 10**6, places=2))
def test_what_is_short_comes_back(number: Decimal) -> None:
    if is_short(number):
        assert in_float32(number) == number


@pytest.mark.parametrize(
    ("amount", "short"),
    [("1599.9", True), ("1599.97", True), ("10", True), ("1.2345678", False), ("1234567", False), ("-Infinity", False)],
)
def test_a_price_is_short(amount: str, short: bool) -> None:
    assert is_short(Decimal(amount)) is short
