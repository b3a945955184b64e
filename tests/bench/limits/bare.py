"""The canonical event and nothing else: a file of canonical events read, each made an ``Event``, written again.

No vendor's format, hence no mapping at all, and everything in one batch at a time: what any program pays that has the canonical
event in its middle. ``python -m bench.limits.bare FROM TO``
"""

from __future__ import annotations

import gc
import os
import sys
from decimal import Decimal
from pathlib import Path

import msgspec

from bench.limits.file import CHUNK_BYTES
from wye.event import Event

_lines = msgspec.json.Decoder(Event, float_hook=Decimal)
_json = msgspec.json.Encoder(decimal_format="number")


def main(origin: Path, target: Path) -> None:
    gc.set_threshold(50_000, 20, 100)
    with origin.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
        rest = b""
        while chunk := file.read(CHUNK_BYTES):
            end = chunk.rfind(b"\n") + 1
            out.write(_json.encode_lines(_lines.decode_lines(rest + chunk[:end])))
            rest = chunk[end:]
        os.fdatasync(out.fileno())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
