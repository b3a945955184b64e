"""Files that commands write events to."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def private_file(path: Path, flags: int) -> Generator[BinaryIO]:
    """``path`` to be written, opened with ``flags`` besides; for its owner only, for events are personal data. Raises
    ``OSError`` with its name, when the disk is full too."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o600), "wb") as file:
            yield file
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
