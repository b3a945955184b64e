"""The canonical event and nothing else: a file of canonical events read, each made an ``Event``, written again.

No vendor's format, hence no mapping at all, and everything in one batch at a time: what any program pays that has the canonical
event in its middle. ``python -m bench.limits.bare FROM TO``
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import msgspec

from bench.limits.file import rewrite
from wye.event import Event

_lines = msgspec.json.Decoder(Event, float_hook=Decimal)
_json = msgspec.json.Encoder(decimal_format="number")


def of_lines(text: bytes) -> bytes:
    """Lines of canonical events to the same."""
    return _json.encode_lines(_lines.decode_lines(text))


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), Path(sys.argv[2]), of_lines)
