"""W1's limit: a file of events to a file of Google's, synced at its end. ``python -m bench.limits.file FROM TO``"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from bench.limits.convert import of_lines

CHUNK_BYTES = 262_144


def main(origin: Path, target: Path) -> None:
    gc.set_threshold(50_000, 20, 100)
    with origin.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
        rest = b""
        while chunk := file.read(CHUNK_BYTES):
            end = chunk.rfind(b"\n") + 1
            if not end:
                rest += chunk
                continue
            out.write(of_lines(rest + chunk[:end]))
            rest = chunk[end:]
        if rest:
            out.write(of_lines(rest))
        os.fdatasync(out.fileno())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
