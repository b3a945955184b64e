"""The bytes of a file, decompressed where its name says so, from any offset on."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any, Protocol

SUFFIXES = (".gz", ".zst")

_PIECE = 4096
"""Compressed bytes taken at a time: however well they were compressed, what comes out fits into memory."""


class MissingZstandardError(OSError):
    """The library for ``.zst`` is not installed; the message says what to do."""


class ByteStream(Protocol):
    """``raw_offset`` is how far the file itself was read. ``torn``: more is needed before what was read makes sense."""

    raw_offset: int

    @property
    def torn(self) -> bool: ...

    def read(self, size: int) -> bytes:
        """About ``size`` bytes more, ``b""`` at the file's end as it is now. Raises ``OSError``, also when the compression is
        broken."""
        ...


class PlainBytes:
    """The file as it is."""

    torn = False

    def __init__(self, descriptor: int, offset: int) -> None:
        self._descriptor = descriptor
        self.raw_offset = offset

    def read(self, size: int) -> bytes:
        data = os.pread(self._descriptor, size, self.raw_offset)
        self.raw_offset += len(data)
        return data


class CompressedBytes:
    """Members (gzip) or frames (zstd) one after the other. ``offset`` counts decompressed bytes."""

    def __init__(self, descriptor: int, offset: int, member: Callable[[], Any]) -> None:
        self._descriptor = descriptor
        self._make = member
        self._member: Any = None
        self._rest = b""
        self._skip = offset
        self.raw_offset = 0

    @property
    def torn(self) -> bool:
        return self._member is not None

    def read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        count = 0
        while count < size:
            data = self._rest or os.pread(self._descriptor, _PIECE, self.raw_offset)
            if not data:
                break
            self.raw_offset += 0 if self._rest else len(data)
            piece = self._decompressed(data)
            if self._skip:
                skipped = min(self._skip, len(piece))
                self._skip -= skipped
                piece = piece[skipped:]
            pieces.append(piece)
            count += len(piece)
        return b"".join(pieces)

    def _decompressed(self, data: bytes) -> bytes:
        if self._member is None:
            data = data.lstrip(b"\0")  # padding between members
            if not data:
                self._rest = b""
                return b""
            self._member = self._make()
        try:
            piece: bytes = self._member.decompress(data)
        except Exception as error:  # each library has its own
            raise OSError(f"its compressed data is broken: {error}") from None
        self._rest = b""
        if self._member.eof:
            self._rest = self._member.unused_data
            self._member = None
        return piece


def compressed(path: str) -> bool:
    """Whether the name says that the content is compressed."""
    return path.endswith(SUFFIXES)


def open_bytes(path: str, descriptor: int, offset: int) -> ByteStream:
    """The bytes from ``offset`` (decompressed) on. Raises ``MissingZstandardError``."""
    if path.endswith(".gz"):
        return CompressedBytes(descriptor, offset, lambda: zlib.decompressobj(31))
    if path.endswith(".zst"):
        return CompressedBytes(descriptor, offset, zstandard().decompressobj)
    return PlainBytes(descriptor, offset)


def zstandard() -> Any:
    """A zstd decompressor. Raises ``MissingZstandardError``."""
    try:
        import zstandard as library
    except ImportError:
        raise MissingZstandardError("reading .zst needs the package zstandard; install wye[zstd]") from None
    return library.ZstdDecompressor()
