"""What a value of a document says: whom it names, what it amounts to."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal

from wye.event import CHANNELS, Json
from wye.money import EXACT, is_amount

# What programs write into an id field when there is nobody. "0" is not among them: some shop's first customer has it.
_NOBODY = frozenset(("", "null", "undefined", "none", "nil", "nan", "unknown", "anonymous", "(not set)"))
_NOBODYS_UUID = "00000000-0000-0000-0000-000000000000"

# Raises for whatever is not plain, and so spares nearly every number the thorough look of ``is_amount``.
_PLAIN = Context(prec=28, Emin=-60, Emax=60, traps=[Inexact, InvalidOperation, Overflow, Subnormal, Clamped])
_plus = _PLAIN.plus
_NUMBER = re.compile(r"-?\d{1,200}(?:\.\d{1,200})?", re.ASCII)
_HEADER_TEXT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)


def identity(value: Json) -> str | None:
    """A text that names somebody or something, or ``None``: empty texts and placeholder words in any case name nobody."""
    if type(value) is not str:
        return None
    if len(value) < 16:
        return None if value.strip().lower() in _NOBODY else value
    return None if value == _NOBODYS_UUID or value.isspace() else value


def amount(value: Json) -> Decimal | None:
    """A JSON number, or a text that spells a plain one, as a ``Decimal`` that can be calculated with; otherwise ``None``."""
    if type(value) is not Decimal:
        if type(value) is int:
            if value in _COUNTS:
                return _COUNTS[value]
        elif type(value) is not str or not _NUMBER.fullmatch(value):
            return None
        value = Decimal(value)
    try:
        _plus(value)
    except DecimalException:
        return value if is_amount(value) else None
    return value if value.is_finite() else None


def header_text(value: str | None) -> str | None:
    """A text that a field of a request's head can hold as it is, or ``None``."""
    return value if value and _HEADER_TEXT.fullmatch(value) else None


def text(value: Json) -> str | None:
    """A text with something in it, or ``None``."""
    return value if type(value) is str and value else None


def channel(value: Json) -> str | None:
    """One of ``CHANNELS``, or ``None``."""
    return value if value in CHANNELS else None


def milliseconds(exact: Decimal) -> tuple[int, int]:
    """Whole milliseconds, rounded down, and the nanoseconds that lie below; what is less than these is cut off."""
    whole = exact.to_integral_value(ROUND_FLOOR)
    return int(whole), int(EXACT.scaleb(EXACT.subtract(exact, whole), 6))


# Most whole numbers are quantities; one object serves them all.
_COUNTS = {number: Decimal(number) for number in range(256)}
