"""Google's numbers: what its parser takes for one, and what becomes of a decimal in a 32-bit float."""

from __future__ import annotations

import re
import struct
from decimal import Context, Decimal, DecimalException

from wye.event import Json
from wye.remember import remembered

_float32 = struct.Struct("<f")


@remembered(8192)
def in_float32(value: Decimal) -> Decimal | None:
    """The decimal that Google gives back for ``value``: the shortest that names the same 32-bit float. ``None`` where it is too
    large for one."""
    try:
        held: float = _float32.unpack(_float32.pack(float(value)))[0]
    except OverflowError:
        return None
    for digits in range(6, 10):
        text = f"{held:.{digits}g}"
        # The parser of Google's client refuses the few texts at the very edge that round up beyond the largest float.
        if abs(float(text)) <= _LARGEST and _float32.unpack(_float32.pack(float(text)))[0] == held:
            return Decimal(text)
    return None


_SIX_DIGITS = Context(prec=6, Emin=-36, Emax=37, traps=[])


def is_short(value: Decimal) -> bool:
    """Whether it is plainly one that a 32-bit float gives back: at most six digits, and neither huge nor tiny."""
    return value.is_finite() and _SIX_DIGITS.plus(value) == value


_LARGEST: float = _float32.unpack(b"\xff\xff\x7f\x7f")[0]


def fits(value: Decimal) -> bool:
    """Whether Google's parser takes ``value`` for a 32-bit float."""
    return value.is_finite() and abs(value) < _LARGEST


_NUMBER = re.compile(r"-?\d{1,200}(?:\.\d{1,200})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def number_of(value: Json) -> Decimal | None:
    """What Google's parser takes for a number: one, or a text of one; otherwise ``None``."""
    if type(value) not in (int, str, Decimal) or (type(value) is str and not _NUMBER.fullmatch(value)):
        return None
    try:
        number = Decimal(value)
    except (DecimalException, ValueError):
        return None
    return number if number.is_finite() and -400 < number.adjusted() < 400 else None


def is_int32(value: Json) -> bool:
    """Whether Google's parser takes it for a whole number of 32 bits."""
    number = number_of(value)
    return number is not None and number == number.to_integral_value() and -(2**31) <= number < 2**31
