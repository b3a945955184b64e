"""Bodies that are HTML forms. The vendor takes them and does not say how an envelope is put into one; each usual way is read.

``data`` may be one field that holds JSON, or a field for each label, as ``data[value]=1``; a list is ``data[ids][]=a``,
``data[ids][0]=a`` or the field again and again.
"""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

from wye.event import Json
from wye.wire import parse

_FIELD = re.compile(r"data\[([^\[\]]+)\](\[\d*\])?")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_NUMBERS = ("v", "timestamp")
MAX_FIELDS = 1000

_json = msgspec.json.Encoder(decimal_format="number")


def form_as_json(body: bytes) -> bytes:
    """The envelope in a form, as JSON. Raises ``ValueError`` with the reason where there is none."""
    try:
        text = body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise ValueError(f"body is neither JSON nor a form of at most {MAX_FIELDS} fields") from None
    envelope: dict[str, Json] = {}
    labels: dict[str, Json] = {}
    for name, value in pairs:
        match = _FIELD.fullmatch(name)
        if match:
            _put(labels, match[1], value, listed=match[2] is not None)
        else:
            envelope[name] = int(value) if name in _NUMBERS and _WHOLE.fullmatch(value) else value
    given = _data(envelope.get("data"))
    if labels or isinstance(given, dict):
        envelope["data"] = {**(cast(dict[str, Json], given) if isinstance(given, dict) else {}), **labels}
    return _json.encode(envelope)


def _put(labels: dict[str, Json], name: str, value: str, *, listed: bool) -> None:
    """A label that comes again, or says so, is a list."""
    before = labels.get(name)
    if isinstance(before, list):
        cast(list[Json], before).append(value)
    elif before is not None:
        labels[name] = [before, value]
    else:
        labels[name] = [value] if listed else value


def _data(value: Json) -> Any:
    """``data`` as JSON, or ``None`` where the field is none."""
    if type(value) is not str:
        return None
    try:
        return parse(value.encode())
    except ValueError:
        return None
