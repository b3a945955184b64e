"""All files of one sink: which are open, when they are rotated, and what became of each write."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from wye_plugins.file.layer import Layer
from wye_plugins.file.output import OutputFile, Remains

log = logging.getLogger("wye.file.sink")

_MAX_REMAINS = 1000


class Rotation(Struct, frozen=True):
    """When a file has had enough; ``None`` is never."""

    max_bytes: int | None = None
    max_secs: float | None = None


class _Open(Struct):
    file: OutputFile
    used_at: float
    since: float | None
    """When its first line was there; ``None`` while it is empty."""


class Outputs:
    """Blocking; called by one thread at a time. ``now`` is a monotonic time in seconds, ``clock`` gives seconds since the
    epoch.

    At most ``max_open`` files are open; the one that was used least recently is closed for another.
    """

    def __init__(
        self, layer: Layer, rotation: Rotation, clock: Callable[[], float], *, fsync: bool, max_open: int = 64
    ) -> None:
        self._layer = layer
        self._rotation = rotation
        self._clock = clock
        self._fsync = fsync
        self._max_open = max_open
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._closed: OrderedDict[str, Remains] = OrderedDict()
        self._failed: dict[str, Remains] = {}

    @property
    def paths(self) -> list[str]:
        """The open files, the least recently used first."""
        return list(self._open)

    def write(self, path: str, documents: Sequence[bytes], now: float) -> None:
        """Append to ``path``. Raises ``OSError``; the file is then as if nothing had been written, at the latest when it is
        opened again."""
        one = self.get(path, now)
        block = one.file.block(documents)
        if self._too_large(one.file.size, len(block)) or self._too_old(one, now):
            self._rotate(path)
            one = self.get(path, now)
        try:
            one.file.append(block)
        except OSError:
            del self._open[path]
            self._failed[path] = one.file.abandon()
            raise
        one.used_at = now
        one.since = now if one.since is None else one.since

    def get(self, path: str, now: float) -> _Open:
        """``path``, open. One that was moved away is made anew."""
        one = self._open.get(path)
        if one is not None and one.file.moved:
            log.info("%s: was moved or removed by somebody else; making it anew", path)
            self._close(path)
            one = None
        if one is None:
            one = self._open_file(path, now)
        self._open.move_to_end(path)
        return one

    def _open_file(self, path: str, now: float) -> _Open:
        while len(self._open) >= self._max_open:
            self._close(next(iter(self._open)))
        remains = self._failed.get(path) or self._closed.get(path)
        file = OutputFile(self._layer, path, fsync=self._fsync, remains=remains)
        self._failed.pop(path, None)
        one = self._open[path] = _Open(file, now, now if file.size else None)
        return one

    def due(self, now: float, idle_secs: float | None) -> bool:
        """Whether ``tend`` would do something."""
        return any(self._too_old(one, now) or _idle(one, now, idle_secs) for one in self._open.values())

    def tend(self, now: float, idle_secs: float | None) -> None:
        """Rotate what is too old, close what was not used for ``idle_secs``. Raises ``OSError``."""
        for path, one in list(self._open.items()):
            if self._too_old(one, now):
                if one.file.moved:
                    self._close(path)
                else:
                    self._rotate(path)
            elif _idle(one, now, idle_secs):
                self._close(path)

    def close(self) -> None:
        """Close every file."""
        for path in self.paths:
            with contextlib.suppress(OSError):  # nothing that was said to be delivered depends on it
                self._close(path)

    def _close(self, path: str) -> None:
        self._closed[path] = self._open.pop(path).file.close()
        self._closed.move_to_end(path)
        if len(self._closed) > _MAX_REMAINS:
            self._closed.popitem(last=False)

    def _rotate(self, path: str) -> None:
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        new = self._open[path].file.rotate(stamp)
        del self._open[path]
        log.info("%s: rotated to %s", path, new)

    def _too_large(self, size: int, more: int) -> bool:
        most = self._rotation.max_bytes
        return most is not None and size > 0 and size + more > most

    def _too_old(self, one: _Open, now: float) -> bool:
        most = self._rotation.max_secs
        return most is not None and one.since is not None and now - one.since >= most


def _idle(one: _Open, now: float, idle_secs: float | None) -> bool:
    return idle_secs is not None and now - one.used_at >= idle_secs
