"""What a plugin raised, in one line that leads to its place in the code."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from types import TracebackType
from typing import cast

_WYE = str(Path(__file__).parent)
_PYTHON = sysconfig.get_path("stdlib")
_INSTALLED = sysconfig.get_path("purelib"), sysconfig.get_path("platlib")
_LIBRARIES = tuple(
    f"{folder}/{name}/"
    for folder in _INSTALLED
    for name in ("httpcore", "httpx", "msgspec", "outcome", "pluggy", "trio", "trio_websocket", "wsproto")
)
"""What wye brings: a plugin's mistake often comes up there."""


def fault(error: Exception) -> str:
    """``KeyError: 'x' (acme/encode.py:12)``: the type, the message, and the plugin's last line on the way to it; of several at
    once, as a nursery raises them, the first."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    while isinstance(error, ExceptionGroup):
        error = cast(ExceptionGroup[Exception], error).exceptions[0]
        trace = error.__traceback__
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = _place(trace)
    return f"{what} ({place})" if place else what


def _place(trace: TracebackType | None) -> str:
    """The last line that is neither Python's nor wye's, nor of a library that wye brings; else wye's."""
    theirs: tuple[str, int] | None = None
    ours: tuple[str, int] | None = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(f"{_WYE}/"):
            ours = file, trace.tb_lineno
        elif not file.startswith(("<", *_LIBRARIES)) and (file.startswith(_INSTALLED) or not file.startswith(_PYTHON)):
            theirs = file, trace.tb_lineno
        trace = trace.tb_next
    file, line = theirs or ours or ("", 0)
    return f"{'/'.join(Path(file).parts[-2:])}:{line}" if file else ""
