"""What a crash may have left at the end of a file, found and set aside before anything is written behind it."""

from __future__ import annotations

import errno
import logging
import zlib

from wye_plugins.file.layer import Layer

log = logging.getLogger("wye.file.sink")

_STEP = 65_536
_MOST = 1_048_576
"""Decompressed bytes held at a time."""


def mend(layer: Layer, descriptor: int, path: str, size: int) -> None:
    """Move what follows the last whole line (of a ``.gz`` file: the last whole gzip member) to ``<path>.partial``.

    Raises ``OSError``, also for a ``.gz`` file that was never gzip: that one is not wye's to cut.
    """
    good = whole_members(layer, descriptor, size) if path.endswith(".gz") else whole_lines(layer, descriptor, size)
    if good == size:
        return
    _copy(layer, descriptor, good, size, f"{path}.partial")
    layer.truncate(descriptor, good)
    layer.sync(descriptor)
    log.warning("%s: ended in the middle of a write; moved its last %d bytes to %s.partial", path, size - good, path)


def whole_lines(layer: Layer, descriptor: int, size: int) -> int:
    """Where the last line that has its newline ends."""
    end = size
    while end > 0:
        start = max(0, end - _STEP)
        newline = layer.read(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def whole_members(layer: Layer, descriptor: int, size: int) -> int:
    """Where the last gzip member that can be read to its end, with all before it, ends."""
    if layer.read(descriptor, min(size, 2), 0) != b"\x1f\x8b"[:size]:
        raise OSError(errno.EINVAL, "it is not a gzip file; move it away")
    good = offset = 0
    member = zlib.decompressobj(31)
    while data := layer.read(descriptor, min(_STEP, size - offset), offset):
        offset += len(data)
        while data:
            try:
                member.decompress(data, _MOST)
            except zlib.error:
                return good
            data = member.unconsumed_tail
            if member.eof:
                data = member.unused_data
                good = offset - len(data)
                member = zlib.decompressobj(31)
    return good


def _copy(layer: Layer, descriptor: int, start: int, end: int, target: str) -> None:
    partial = layer.open(target)
    try:
        while start < end:
            data = layer.read(descriptor, min(_STEP, end - start), start)
            write_all(layer, partial, data)
            start += len(data)
        if not target.endswith(".gz.partial"):
            write_all(layer, partial, b"\n")
        layer.sync(partial)
    finally:
        layer.close(partial)


def write_all(layer: Layer, descriptor: int, data: bytes) -> None:
    """However little the system takes at a time."""
    view = memoryview(data)
    while view:
        view = view[layer.write(descriptor, view) :]
