"""The little of HTTP that the oracle speaks, at either end of a connection."""

from __future__ import annotations

import trio

_CHUNK = 262_144


class ClosedError(Exception):
    """The other end has gone, or what it says is no HTTP."""


class Channel:
    """A connection and what was read beyond the last message."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._read = bytearray()

    async def receive(self) -> tuple[str, dict[str, str], bytes]:
        """The next message: its first line, its header fields in lower case, its body. Raises ``ClosedError``."""
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            await self._more()
        first, *lines = self._read[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        while len(self._read) < end + 4 + size:
            await self._more()
        body = bytes(self._read[end + 4 : end + 4 + size])
        del self._read[: end + 4 + size]
        return first, headers, body

    async def _more(self) -> None:
        try:
            data = await self.stream.receive_some(_CHUNK)
        except (OSError, trio.BrokenResourceError) as error:
            raise ClosedError(str(error)) from None
        if not data:
            raise ClosedError("end of stream")
        self._read += data

    async def send(self, data: bytes) -> None:
        try:
            await self.stream.send_all(data)
        except (OSError, trio.BrokenResourceError) as error:
            raise ClosedError(str(error)) from None
