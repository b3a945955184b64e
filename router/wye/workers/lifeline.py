"""A worker ends with its parent. Imports next to nothing: it is the first thing that a worker does."""

from __future__ import annotations

import os
import select
import threading

from wye.errors import Exit


def end_with_parent(descriptor: int) -> None:
    """Once the other end of the line is closed, however the parent has died, this process is at once: what was promised is safe
    whenever a process ends, and who starts another wye here waits for it. A thread, as the loop begins late and may be slow."""
    threading.Thread(target=_end_with, args=(descriptor,), daemon=True, name="lifeline").start()


def _end_with(descriptor: int) -> None:
    end = select.poll()
    end.register(descriptor, 0)  # that the other end is closed is heard unasked
    end.poll()
    os._exit(Exit.BROKEN)
