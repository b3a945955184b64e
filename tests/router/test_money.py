from __future__ import annotations

from decimal import Decimal, DecimalException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.money import from_cents, is_amount, to_cents, total


@given(st.integers(-(10**150), 10**150))
def test_cents_and_major_units_are_one_and_the_same(cents: int) -> None:
    assert from_cents(cents) == Decimal(f"{cents}e-2")
    assert to_cents(from_cents(cents)) == cents


@pytest.mark.parametrize(("amount", "cents"), [("10.99", 1099), ("10.990", 1099), ("-0.01", -1), ("0", 0), ("1E+2", 10000)])
def test_whole_cents_are_whole(amount: str, cents: int) -> None:
    assert to_cents(Decimal(amount)) == cents


def test_what_is_no_whole_number_of_cents_is_not_rounded() -> None:
    assert to_cents(Decimal("0.005")) is None
    assert to_cents(Decimal("1" * 50 + ".001")) is None


Prices = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=20)


@given(st.lists(st.tuples(Prices, Prices), max_size=8))
def test_a_total_is_exact(lines: list[tuple[Decimal, Decimal]]) -> None:
    whole = [(int(price.scaleb(20)), int(quantity.scaleb(20))) for price, quantity in lines if fits(price) and fits(quantity)]
    kept = [(price, quantity) for price, quantity in lines if fits(price) and fits(quantity)]
    assert total(kept) == Decimal(f"{sum(price * quantity for price, quantity in whole)}e-40")


def fits(value: Decimal) -> bool:
    return len(value.as_tuple().digits) <= 28  # what ``scaleb`` in the default context keeps


@pytest.mark.parametrize("value", ["0", "-1", "1E+200", "1E-200", "9" * 200, "0E+200", "0.00"])
def test_an_amount_is_a_finite_number_of_a_sane_size(value: str) -> None:
    assert is_amount(Decimal(value))


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+201", "1E-201", "9" * 201, "1E+999999"])
def test_anything_else_is_none(value: str) -> None:
    assert not is_amount(Decimal(value))


def test_what_cannot_be_calculated_exactly_raises_instead_of_rounding() -> None:
    with pytest.raises(DecimalException):
        total([(Decimal("1E+400"), Decimal(1)), (Decimal("1E-400"), Decimal(1))])
