"""What a request line asks for: path and query."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote_to_bytes

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_SHORT = 512

Target = tuple[str, Mapping[str, str]]


def parse_target(raw: bytes) -> Target:
    """The decoded path and the query's parameters; of several with one name the last counts.

    Raises ``ValueError`` when the path is not percent-encoded UTF-8.
    """
    return _remembered(raw) if len(raw) <= _SHORT else _parse(raw)


def _parse(raw: bytes) -> Target:
    if not raw.startswith(b"/") and (origin := _ABSOLUTE.match(raw)):
        raw = raw[origin.end() :]
    path, _, query = raw.partition(b"#")[0].partition(b"?")
    if _BAD_ESCAPE.search(path):
        raise ValueError("the path has a % that two hexadecimal digits do not follow")
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise ValueError("the path is not UTF-8") from None
    return decoded or "/", MappingProxyType(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))


# Senders ask for the same few targets again and again, and taking a query apart costs more than the rest of the head.
_remembered = functools.lru_cache(maxsize=512)(_parse)
