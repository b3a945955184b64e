"""Which files are whose: the first worker's are those of a wye with one process, the others' have a number in their names."""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path

from wye.database import make_directory
from wye.plugin import StartError

LOCK = "workers.lock"

_DYING_SECS = 5.0
"""What the workers of a parent that was killed have to be gone."""

_NUMBERED = re.compile(r"(.+)@([1-9][0-9]*)")


def check_writable(directory: Path) -> None:
    """Whether anything could be kept there; found out without making anything. Raises ``StartError``."""
    place = directory.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise StartError(f"data_dir: {place} is no directory; choose another data_dir")
    if not os.access(place, os.W_OK | os.X_OK):
        raise StartError(f"data_dir: cannot write in {place}; change its permissions or choose another data_dir")


def hold(data_dir: Path) -> int:
    """A lock on ``data_dir`` for this process and those that inherit the descriptor: held until the last of them is gone.
    Raises ``StartError`` when others have it and keep it."""
    check_writable(data_dir)
    try:
        return _hold(data_dir)
    except OSError as error:
        raise StartError(
            f"data_dir: cannot use {data_dir / LOCK}: {error.strerror}; mend it or choose another data_dir"
        ) from None


def _hold(data_dir: Path) -> int:
    make_directory(data_dir)
    descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _DYING_SECS
    while not _locked(descriptor):
        if time.monotonic() > until:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StartError(f"data_dir: {data_dir} is in use by the workers of another wye (pid {owner}); stop that one first")
        time.sleep(0.02)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def hold_if_shared(data_dir: Path) -> None:
    """The same where there have been workers: those of a parent that was killed may be about to end. Held until this process
    ends. Raises ``StartError``."""
    if (data_dir / LOCK).is_file():
        hold(data_dir)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def of_worker(path: Path, number: int) -> Path:
    """``spool/partner.db`` is ``spool/partner@2.db`` for worker 2. Nothing else of wye's has an ``@`` in its name."""
    return path if number == 0 else path.with_name(f"{path.stem}@{number}{path.suffix}")


def of_all(path: Path) -> dict[int, Path]:
    """Every worker's file that there is, by its number; ``path`` is the first one's."""
    found = {0: path} if path.is_file() else {}
    for one in path.parent.glob(f"*@*{path.suffix}"):
        match = _NUMBERED.fullmatch(one.stem)
        if match is not None and match[1] == path.stem and one.is_file():
            found[int(match[2])] = one
    return dict(sorted(found.items()))
