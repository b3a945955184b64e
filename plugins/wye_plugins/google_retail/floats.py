"""Google's 32-bit floats: what becomes of a decimal in one, and whether it fits."""

from __future__ import annotations

import functools
import struct
from decimal import Decimal

_float32 = struct.Struct("<f")


@functools.lru_cache(8192)
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


_LARGEST: float = _float32.unpack(b"\xff\xff\x7f\x7f")[0]


def fits(value: Decimal) -> bool:
    """Whether Google's parser takes ``value`` for a 32-bit float."""
    return abs(value) < _LARGEST
