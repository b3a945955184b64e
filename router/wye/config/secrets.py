"""What must not be printed, and how it is blotted out of whatever is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import SplitResult, parse_qsl, quote, quote_plus, urlsplit

from wye.words import CUT

_MASK = "***"
_SHORT = 4
"""Values shorter than this are blotted out as whole words only: every other word of the output would be otherwise."""
_TOKEN = 16
"""A part of a URL at least this long may be a key, as in web hooks."""
_PLAIN = re.compile(r"\d{1,5}|true|false")
_KEY_NAME = re.compile("key|token|secret|pass|auth|sig", re.IGNORECASE)


class Secrets:
    """Values that must not be printed: secret options, files, and the environment's variables that a config refers to."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._beginnings: dict[str, list[str]] = {}

    def add(self, value: str) -> None:
        """Remember a secret, each line of it, and how it looks when quoted."""
        self._pattern = None
        for part in dict.fromkeys((value, *value.splitlines())):
            for form in (part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part, safe=""), quote_plus(part)):
                if form.strip():
                    self._masks[form] = _MASK

    def add_option(self, value: str) -> None:
        """Remember what a secret option says. Of a URL only what looks like a key is hidden: where events go may be seen."""
        parts = _url(value)
        for secret in (value,) if parts is None else _keys_in(parts):
            self.add(secret)

    def add_variable(self, value: str) -> None:
        """Remember a variable's value, unless it is a port or a word that cannot be a secret. Of a URL the origin is shown."""
        parts = _url(value)
        if parts is not None:
            self._hide_below_origin(value, parts)
            self.add_option(value)
        elif len(value) >= _SHORT and not _PLAIN.fullmatch(value):
            self.add(value)

    def _hide_below_origin(self, url: str, parts: SplitResult) -> None:
        self._pattern = None
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        for form in (url, origin + parts.path):
            if form.rstrip("/") != origin:
                self._masks[form] = f"{origin}/{_MASK}"

    def redact(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``, the longest first; one that was cut off (``words.cut``), too."""
        if not self._masks:
            return text
        if self._pattern is None:
            longest_first = sorted(self._masks, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_as_pattern, longest_first)))
            self._beginnings = {key: [*same] for key, same in groupby(sorted(self._masks), lambda one: one[:_SHORT])}
        *cut, last = self._pattern.sub(lambda match: self._masks[match.group()], text).split(CUT)
        return CUT.join((*map(self._without_beginning, cut), last))

    def _without_beginning(self, text: str) -> str:
        """A text that was cut off, without what its end shows of a secret."""
        longest = max(map(len, self._masks)) - 1
        for start in range(max(len(text) - longest, 0), len(text) - _SHORT + 1):
            likely = self._beginnings.get(text[start : start + _SHORT], ())
            if any(secret.startswith(text[start:]) for secret in likely):
                return text[:start] + _MASK
        return text


def _url(value: str) -> SplitResult | None:
    if "://" not in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return parts if parts.scheme and parts.netloc else None


def _keys_in(parts: SplitResult) -> Iterator[str]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    yield from filter(None, (password or user,))
    yield from (segment for segment in parts.path.split("/") if len(segment) >= _TOKEN)
    for name, value in parse_qsl(parts.query):
        if len(value) >= _TOKEN or (value and _KEY_NAME.search(name)):
            yield value


def _as_pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"
