"""What must not be printed, and how it is blotted out of whatever is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

_MASK = "***"
_SHORT = 4
"""Values shorter than this are blotted out as whole words only: every other word of the output would be otherwise."""
_TOKEN = 16
"""A path of a URL at least this long may be a key, as in web hooks."""
_PLAIN = re.compile(r"\d{1,5}|true|false")


class Secrets:
    """Values that must not be printed: secret options, files, and the environment's variables that a config refers to."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Remember a secret, each line of it, and how it looks when quoted. Of a URL only what may be a key is hidden."""
        if "://" in value and _split(value) is not None:
            self._add_url(value)
            return
        for part in dict.fromkeys((value, *value.splitlines())):
            for form in (part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part, safe=""), quote_plus(part)):
                if form.strip():
                    self._masks[form] = _MASK
        self._pattern = None

    def add_variable(self, value: str) -> None:
        """Remember a variable's value, unless it is a port or a word that cannot be a secret."""
        if len(value) >= _SHORT and not _PLAIN.fullmatch(value):
            self.add(value)

    def _add_url(self, url: str) -> None:
        """The whole gives way to its origin, so that one can still see where events go."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.path.strip("/") or parts.query or "@" in parts.netloc:
            self._masks[url] = f"{parts.scheme}://{host}/{_MASK}"
        for part in _keys_in(url):
            self.add(part)
        if len(parts.path) >= _TOKEN:
            self.add(parts.path)
        self._pattern = None

    def redact(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``, the longest first."""
        if not self._masks:
            return text
        if self._pattern is None:
            longest_first = sorted(self._masks, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_as_pattern, longest_first)))
        return self._pattern.sub(lambda match: self._masks[match.group()], text)


def _split(url: str) -> bool | None:
    try:
        return bool(urlsplit(url).netloc) or None
    except ValueError:
        return None


def _keys_in(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    if colon and password:
        yield password
    elif user:
        yield user
    for _, value in parse_qsl(parts.query):
        if value and not _PLAIN.fullmatch(value) and "://" not in value:
            yield value


def _as_pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"
