"""Bodies within bounds: gathered piece by piece, decompressed as they come, counted against what all may hold together."""

from __future__ import annotations

import zlib


class RefusedError(Exception):
    """This request is answered at once, with a status and words for a person to read, and its connection closed."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words


class Budget:
    """The bytes of bodies that all connections hold together."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def has_room(self, count: int) -> bool:
        return self.used + count <= self.limit


class Inflater:
    """Undoes ``gzip`` (also several members) or ``deflate`` (with or without its zlib wrapping), as the bytes come."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding == "gzip"
        self._stream: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage]  it has no public name

    def feed(self, piece: bytes, most: int) -> bytes:
        """What ``piece`` holds, ``most`` bytes of it at the most. Raises ``zlib.error`` when it is not what it says it is."""
        found = bytearray()
        while piece and len(found) < most:
            if self._stream is not None and self._stream.eof:
                # Asked here, not of the stream: it would keep all that comes after its end.
                piece = piece.lstrip(b"\0")
                if not piece:
                    break
                if not self._gzip:
                    raise zlib.error("data after the end")
                self._stream = None
            if self._stream is None:
                self._stream = self._open(piece)
            found += self._stream.decompress(piece, most - len(found))
            piece = self._stream.unused_data
        return bytes(found)

    @property
    def complete(self) -> bool:
        """Whether the data so far is whole."""
        return self._stream is None or self._stream.eof

    def _open(self, piece: bytes) -> zlib._Decompress:  # pyright: ignore[reportPrivateUsage]
        if self._gzip:
            return zlib.decompressobj(31)
        # The low four bits of a zlib header are 8. Raw deflate of any real encoder does not start like that.
        return zlib.decompressobj(15 if piece[0] & 0x0F == 8 else -15)


class Held:
    """``held`` bytes of one request's body, counted in ``budget`` until ``release``."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    def hold(self, count: int) -> None:
        self._budget.used += count
        self.held += count

    def release(self) -> None:
        """Nobody holds the body any more."""
        self._budget.used -= self.held
        self.held = 0


class Body(Held):
    """One request's body, as it comes."""

    __slots__ = ("_data", "_inflater", "_limit", "_max_decompressed", "_received")

    def __init__(self, limit: int, budget: Budget, inflater: Inflater | None, max_decompressed: int) -> None:
        super().__init__(budget)
        self._limit = limit
        self._inflater = inflater
        self._max_decompressed = max_decompressed
        self._received = 0
        self._data: bytes | bytearray = b""

    def expect(self, count: int, *, kept: bool) -> None:
        """``count`` bytes are announced. Raises ``RefusedError`` when they are too many, for this body or for all together."""
        if count > self._limit:
            raise RefusedError(*_TOO_LARGE)
        if kept and not self._budget.has_room(count):
            raise RefusedError(*_BUSY)

    def skip(self, piece: bytes) -> None:
        """Count bytes of a body that nobody wants. Raises ``RefusedError``."""
        self._received += len(piece)
        if self._received > self._limit:
            raise RefusedError(*_TOO_LARGE)

    def add(self, piece: bytes) -> None:
        """Take bytes as they were sent. Raises ``RefusedError`` when they are too many or cannot be decompressed."""
        self._received += len(piece)
        if self._received > self._limit:
            raise RefusedError(*_TOO_LARGE)
        if self._inflater is not None:
            piece = self._inflate(self._inflater, piece)
        count = len(piece)
        if not self._budget.has_room(count):
            raise RefusedError(*_BUSY)
        self.hold(count)
        if not self._data:
            self._data = piece
        elif isinstance(self._data, bytearray):
            self._data += piece
        else:
            # Not a list of pieces: a sender of two-byte chunks would make us hold twenty times its body.
            self._data = bytearray(self._data) + piece

    def _inflate(self, inflater: Inflater, piece: bytes) -> bytes:
        room = self._max_decompressed - self.held
        try:
            found = inflater.feed(piece, room + 1)
        except zlib.error:
            raise RefusedError(*_BAD_ENCODING) from None
        if len(found) > room:
            raise RefusedError(*_TOO_LARGE)
        return found

    def finish(self) -> bytes:
        """The whole body. Raises ``RefusedError`` when compressed data breaks off."""
        if self._inflater is not None and not self._inflater.complete:
            raise RefusedError(*_BAD_ENCODING)
        data, self._data = bytes(self._data), b""
        return data


_TOO_LARGE = 413, "the body is too large"
_BUSY = 503, "too many requests are being worked on"
_BAD_ENCODING = 400, "the body is not what its Content-Encoding says"
