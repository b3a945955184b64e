"""The call that a shop's pages make: the event in a parameter, a picture of one pixel for an answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote, unquote

from msgspec import Struct

from wye.event import Json
from wye.message import Received, Reply
from wye.wire import parse

MAX_GET_BYTES = 16_384
"""A longer GET is refused; the call may be a POST as well. (Google's page on recording events.)"""

MAX_EVENT = 2_000_000
MAX_URI = 5_000
"""Characters of ``userEvent`` and of ``uri``: CollectUserEventRequest."""

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
PIXEL = Reply(
    200,
    (("Content-Type", "image/gif"), ("Cache-Control", "no-cache, no-store"), ("Access-Control-Allow-Origin", "*")),
    _GIF,
)
HTTP_BODY: dict[str, Json] = {"contentType": "image/gif", "data": base64.b64encode(_GIF).decode()}
"""The same as a message, for those who ask for JSON."""

_NAMES = {
    "user_event": "userEvent",
    "raw_json": "rawJson",
    "prebuilt_rule": "prebuiltRule",
}


class Collected(Struct, frozen=True):
    """The event as JSON, and what the request says of it: ``uri``, ``ets`` (milliseconds)."""

    event: str
    facts: dict[str, str]


def collected(request: Received) -> Collected | str:
    """What a request holds, or why Google refuses it."""
    head = request.head
    given: Mapping[str, str] = head.query
    if head.method == "POST":
        try:
            given = _texts(parse(request.body)) if request.body.strip() else {}
        except ValueError as error:
            return f"Invalid JSON payload received. {error}"
    elif _is_too_long(head.path, given):
        return f"The URL is longer than {MAX_GET_BYTES:,} bytes; use POST."
    return _checked({_NAMES.get(name, name): value for name, value in given.items()})


def _checked(given: dict[str, str]) -> Collected | str:
    if given.get("prebuiltRule"):
        return f"prebuilt_rule '{given['prebuiltRule']}' is not known"
    event, raw, uri, ets = (given.get(name, "") for name in ("userEvent", "rawJson", "uri", "ets"))
    if not (raw or event):
        return "user_event is required"
    if len(event) > MAX_EVENT:
        return f"user_event is longer than {MAX_EVENT:,} characters"
    if len(uri) > MAX_URI:
        return f"uri is longer than {MAX_URI:,} characters"
    if ets and not (ets.removeprefix("-").isdecimal() and len(ets) <= 20 and -(2**63) <= int(ets) < 2**63):
        return f"Invalid value at 'ets' (TYPE_INT64), \"{ets[:40]}\""
    facts = {"userEvent": "", "uri": uri.partition("#")[0], "ets": ets}
    return Collected(raw or _decoded(event), {name: value for name, value in facts.items() if value or name == "userEvent"})


def _decoded(event: str) -> str:
    """A client that encodes the event by itself, and has the parameter encoded again by its library, sends it encoded twice."""
    return event if event.lstrip()[:1] == "{" else unquote(event)


def _is_too_long(path: str, query: Mapping[str, str]) -> bool:
    """Measured as a client writes it."""
    return len(path) + sum(len(quote(name)) + len(quote(value)) + 2 for name, value in query.items()) > MAX_GET_BYTES


def _texts(document: Json) -> dict[str, str]:
    if type(document) is not dict:
        raise ValueError("Expected an object.")
    given: dict[str, str] = {}
    for name, value in cast(dict[str, Json], document).items():
        if type(value) is str or type(value) is int:
            given[name] = str(value)
        elif value is not None:
            raise ValueError(f"Invalid value at '{name}'.")
    return given
