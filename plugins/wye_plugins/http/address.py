"""The address of one request to a vendor: the sink's ``url`` and what the adapter adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"


class Address:
    """Joins requests' paths and parameters to a configured URL, whose own parameters win where the names are the same."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path or "/"
        self._query = parts.query
        self._names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}

    def join(self, path: str, query: Mapping[str, str]) -> str:
        """The whole URL. It may hold secrets."""
        added = urlencode({name: value for name, value in query.items() if name not in self._names})
        both = "&".join(part for part in (self._query, added) if part)
        return f"{self._origin}{self._joined(path)}{'?' if both else ''}{both}"

    def _joined(self, path: str) -> str:
        own = self._path.removesuffix("/") if path.startswith("/") else self._path
        return own + quote(path, safe=_KEPT_IN_PATH)
