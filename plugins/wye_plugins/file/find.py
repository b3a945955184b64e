"""Which files a source's patterns mean at this moment."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

Key = tuple[int, int]
"""Device and inode: what a file is, whatever it is called."""


class Found(Struct, frozen=True):
    """A regular file as it was when it was looked at; ``size`` in bytes."""

    path: str
    key: Key
    size: int
    mtime_ns: int


def look(path: str) -> Found | None:
    """``None`` where there is no regular file."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path, (status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)


def find(patterns: Sequence[str]) -> tuple[list[Found], list[str]]:
    """The files in the order of the patterns, the matches of each sorted, none twice; and the patterns that match nothing."""
    files: dict[Key, Found] = {}
    barren: list[str] = []
    for pattern in patterns:
        found = [one for path in _matches(pattern) if (one := look(path)) is not None]
        if not found:
            barren.append(pattern)
        for one in found:
            files.setdefault(one.key, one)
    return list(files.values()), barren


def _matches(pattern: str) -> list[str]:
    if not glob.has_magic(pattern) or Path(pattern).exists():  # a file may well be called ``a[1].jsonl``
        return [pattern]
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  a pattern may be absolute


def renamed(files: Iterable[tuple[str, Key]]) -> dict[Key, Found]:
    """Of files that were at these paths, those that are now called otherwise in the same directory, as after a rotation."""
    found: dict[Key, Found] = {}
    wanted: dict[Path, set[Key]] = {}
    for path, key in files:
        wanted.setdefault(Path(path).parent, set()).add(key)
    for folder, keys in wanted.items():
        inodes = {inode for _, inode in keys}
        with suppress(OSError), os.scandir(folder) as entries:
            same = [look(entry.path) for entry in entries if entry.inode() in inodes]
            found |= {one.key: one for one in same if one is not None and one.key in keys}
    return found
