"""Exact money: decimals in major units, never a binary float, never rounded without a word."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Clamped, Context, Decimal, FloatOperation, Inexact, InvalidOperation, Overflow, Underflow

# The default context rounds to 28 digits without a word. This one holds every price that a document holds, and raises beyond.
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow, Underflow, Clamped, FloatOperation])

# A number like 1e999999999 is a few bytes on the wire and gigabytes when written out.
_MAX_EXPONENT = 200


def is_amount(value: Decimal) -> bool:
    """Whether ``value`` is a finite number of a size that can be calculated with exactly."""
    return (
        value.is_finite()
        and -_MAX_EXPONENT <= value.adjusted() <= _MAX_EXPONENT
        and len(value.as_tuple().digits) <= _MAX_EXPONENT
    )


def from_cents(cents: int) -> Decimal:
    """Hundredths to major units, exactly: ``1099`` is ``Decimal("10.99")``."""
    return EXACT.scaleb(Decimal(cents), -2)


def to_cents(amount: Decimal) -> int | None:
    """Major units to hundredths, or ``None`` where that is not a whole number (``Decimal("0.005")``)."""
    cents = EXACT.scaleb(amount, 2)
    return int(cents) if cents == cents.to_integral_value() else None


def total(lines: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """The exact sum of price times quantity."""
    result = Decimal(0)
    for price, quantity in lines:
        result = EXACT.add(result, EXACT.multiply(price, quantity))
    return result
