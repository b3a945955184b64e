"""What W3's programs post: a file of events, each decoded and encoded, so many in a request."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_json = msgspec.json.Encoder(decimal_format="number")


def bodies(origin: Path, events: int) -> Iterator[bytes]:
    """The bodies of all requests."""
    with origin.open("rb") as file:
        while lines := list(islice(file, events)):
            yield _json.encode(_decoder.decode_lines(b"".join(lines)))
