"""The system calls that the file sink is built on, as an object, so that tests can make them fail."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Protocol

Identity = tuple[int, int]
"""Device and inode."""


class Layer(Protocol):
    """Each method is one thing that can go wrong, with an ``OSError``. Paths are texts, offsets and sizes bytes."""

    def open(self, path: str) -> int:
        """Open for appending and reading, making the file where there is none."""
        ...

    def lock(self, descriptor: int) -> None:
        """Keep other processes from writing it; ``EBUSY`` when one does."""
        ...

    def close(self, descriptor: int) -> None: ...

    def size(self, descriptor: int) -> int: ...

    def read(self, descriptor: int, size: int, offset: int) -> bytes: ...

    def write(self, descriptor: int, data: memoryview) -> int:
        """Append; returns how much of ``data`` was written."""
        ...

    def sync(self, descriptor: int) -> None: ...

    def truncate(self, descriptor: int, size: int) -> None: ...

    def identity(self, file: str | int) -> Identity | None:
        """Of a path or an open file; ``None`` where the path leads to nothing."""
        ...

    def rename(self, path: str, new: str) -> None:
        """Never onto something that exists: ``EEXIST``."""
        ...

    def make_directory(self, path: str) -> None:
        """With its parents; nothing happens where it exists. Each one made is synced into its parent."""
        ...

    def sync_directory(self, path: str) -> None: ...


class OsLayer:
    """The real calls."""

    def open(self, path: str) -> int:
        # Non-blocking so that a FIFO put in the file's place is found out instead of waited for; files ignore it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is not a regular file")
        return descriptor

    def lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, "it is being written by another sink or process") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # file systems that know no locks
                raise

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def identity(self, file: str | int) -> Identity | None:
        try:
            status = os.stat(file)  # noqa: PTH116  once for each batch that is written, and a Path costs twice as much as the call
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def rename(self, path: str, new: str) -> None:
        # An empty file made exclusively reserves the name, on every kind of file system.
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        try:
            Path(path).rename(new)
        except OSError:
            Path(new).unlink()
            raise

    def make_directory(self, path: str) -> None:
        directory = Path(path)
        missing = [one for one in (directory, *directory.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            self.sync_directory(str(one.parent))

    def sync_directory(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
