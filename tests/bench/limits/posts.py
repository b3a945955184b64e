"""What W3's programs post: a file of events as Google's, one a write or many an import."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.limits.convert import documents

PARENT = "/v2/projects/shop/locations/global/catalogs/default_catalog/userEvents:"
OPENING, CLOSING = b'{"inputConfig":{"userEventInlineSource":{"userEvents":[', b"]}}}"


def path(events: int) -> str:
    """Where requests with so many events go."""
    return PARENT + ("write" if events == 1 else "import")


def bodies(origin: Path, events: int) -> Iterator[bytes]:
    """The bodies of all requests."""
    with origin.open("rb") as file:
        while lines := list(islice(file, events)):
            found = documents(lines)
            yield found[0] if events == 1 else OPENING + b",".join(found) + CLOSING
