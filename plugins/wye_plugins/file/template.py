"""Paths with placeholders for an event's time, the sink and the worker."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

HOUR_MS = 3_600_000
_END_MS = 253_402_300_800_000
"""The first millisecond of the year 10000, which four digits cannot name."""

_NAMES = ("date", "hour", "sink", "worker")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_CACHED = 10_000


class PathTemplate:
    """``out/{date}/{sink}-{hour}.jsonl`` for the sink of the name ``sink``, in the process ``worker``.

    Raises ``ValueError`` when there is a placeholder that is none, or when it names no file that can be written.
    """

    def __init__(self, text: str, sink: str, worker: int = 0) -> None:
        self._pieces = _parse(text)
        last = text.rsplit("/", 1)[-1]
        if last in ("", ".", ".."):
            raise ValueError("it ends in a directory; add the name of a file")
        if last.endswith(".zst"):
            raise ValueError("`.zst` cannot be written; end it in `.gz` or in nothing that means compression")
        self._own = {"": "", "sink": _UNSAFE.sub("_", sink).lstrip(".") or "_", "worker": str(worker)}
        self._rendered: dict[int, str] = {}
        self.timed = any(name in ("date", "hour") for _, name in self._pieces)
        self.per_worker = any(name == "worker" for _, name in self._pieces)

    @property
    def fixed(self) -> str | None:
        """The path, where it does not depend on an event's time."""
        return None if self.timed else self.render(0)

    @property
    def fixed_directory(self) -> Path:
        """The innermost directory that does not depend on an event's time."""
        literal = ""
        for text, name in self._pieces:
            literal += text
            if name in ("date", "hour"):
                break
            literal += self._own[name]
        return Path(literal + "x").parent

    def render(self, time_ms: int) -> str:
        """The path for an event of that time (ms since the epoch)."""
        hour = time_ms // HOUR_MS if self.timed else 0
        path = self._rendered.get(hour)
        if path is None:
            if len(self._rendered) >= _CACHED:
                self._rendered.clear()
            path = self._rendered[hour] = self._render(hour * HOUR_MS)
        return path

    def _render(self, time_ms: int) -> str:
        values = {**self._own, "date": "unknown", "hour": "unknown"}
        if 0 <= time_ms < _END_MS:
            time = datetime.fromtimestamp(time_ms // 1000, UTC)
            values |= {"date": f"{time:%Y-%m-%d}", "hour": f"{time:%H}"}
        return "".join(text + values[name] for text, name in self._pieces)


def _parse(text: str) -> list[tuple[str, str]]:
    """Literal texts, each with the name of the placeholder after it (``""`` for none)."""
    valid = ", ".join(f"{{{name}}}" for name in _NAMES)
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}; placeholders are {valid}, and a brace itself is written twice") from None
    for _, name, spec, conversion in pieces:
        if name is not None and (name not in _NAMES or spec or conversion):
            raise ValueError(f"there is no placeholder {{{name}}} of this form; there are {valid}")
    return [(literal, name or "") for literal, name, _, _ in pieces]
