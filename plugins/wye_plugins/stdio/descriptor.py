"""Whether a process was given a standard stream."""

from __future__ import annotations

import fcntl
import os


def is_open(descriptor: int, *, but_for: int) -> bool:
    """Whether the stream can be used, which it cannot when it is open ``but_for`` the other direction: in place of a stream
    that was closed before the start, ``wye`` opens one that way round."""
    try:
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    except OSError:
        return False
    return flags & os.O_ACCMODE != but_for
