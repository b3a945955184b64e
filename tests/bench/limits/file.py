"""W1's limit: a file of events to a file of Google's, synced at its end. ``python -m bench.limits.file FROM TO``"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench.limits.convert import of_lines

CHUNK_BYTES = 65_536


def rewrite(origin: Path, target: Path, convert: Callable[[bytes], bytes]) -> None:
    """``convert`` gets whole lines, about ``CHUNK_BYTES`` at a time."""
    gc.set_threshold(50_000, 20, 100)
    with origin.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
        rest = b""
        while chunk := file.read(CHUNK_BYTES):
            end = chunk.rfind(b"\n") + 1
            if not end:
                rest += chunk
                continue
            out.write(convert(rest + chunk[:end]))
            rest = chunk[end:]
        if rest:
            out.write(convert(rest))
        os.fdatasync(out.fileno())


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), Path(sys.argv[2]), of_lines)
