"""What the tests of this folder share: a tiny format, and pipes that are closed again."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

from wye.message import Decoded, Failure, Payload
from wye.testing import make_event


class WordDecoder:
    """Each line is an event's id; ``!…`` is a failure."""

    def decode(self, payload: Payload, /) -> Decoded:
        lines = [(index, line) for index, line in enumerate(payload.body.split(b"\n")) if line]
        events = [make_event(line.decode()) for _, line in lines if line[:1] != b"!"]
        return Decoded(events, [Failure("bad", line, index) for index, line in lines if line[:1] == b"!"], len(payload.body))


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    """Its reading and its writing end; the test may close them itself."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)
