"""What follows from a request's head: whose it is, how its body has to be read, whether the connection goes on.

Also what its parts mean: header fields as strings, path and query of its target.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl, unquote_to_bytes

from msgspec import Struct

from wye.message import Head, Reply
from wye.plugin import Endpoint
from wye_plugins.http.body import RefusedError
from wye_plugins.http.claims import Claimed

Field = tuple[bytes, bytes]
"""Name and value of a header field as received."""

_CODINGS: dict[str, Literal["gzip", "deflate", ""]] = {
    "": "",
    "identity": "",
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
}
_NAMES: dict[bytes, str] = {}


class RawHead(Struct, frozen=True):
    """A head as the parser gives it."""

    method: bytes
    version: str
    url: bytes
    fields: list[Field]


class Plan(Struct, frozen=True):
    """What to do with requests of one head. ``length`` is the announced one of the body, 0 for a chunked one."""

    head: Head
    keep_alive: bool
    http10: bool
    to_head: bool
    reply: Reply | None
    endpoint: Endpoint | None
    max_body_bytes: int
    has_body: bool
    expects_continue: bool
    length: int
    coding: Literal["gzip", "deflate", ""]


def plan_for(
    raw: RawHead, keep_alive: bool, choose: Callable[[Head], Claimed], max_body_bytes: int, client_ip: str | None
) -> Plan:
    """Raises ``RefusedError`` for a head that is not served, whoever it is for."""
    method, headers = raw.method.decode(), collect(raw.fields)
    _check(method, raw.version, headers)
    try:
        path, query = parse_target(raw.url)
    except ValueError as error:
        raise RefusedError(400, str(error)) from None
    head = Head(method, path, query, headers, client_ip)
    claimed = choose(head)
    claim = claimed.claim
    return Plan(
        head=head,
        keep_alive=keep_alive,
        http10=raw.version == "1.0",
        to_head=method == "HEAD",
        reply=claim.reply,
        endpoint=claimed.endpoint,
        max_body_bytes=min(max_body_bytes, max_body_bytes if claim.max_body_bytes is None else claim.max_body_bytes),
        has_body="content-length" in headers or "transfer-encoding" in headers,
        expects_continue="expect" in headers and raw.version == "1.1",
        length=int(headers.get("content-length", 0)),
        coding="" if claim.reply is not None else _coding(headers),
    )


def collect(fields: list[Field]) -> dict[str, str]:
    """Values by lower-case name; several of one name are joined by commas, as HTTP has it."""
    headers: dict[str, str] = {}
    for name, value in fields:
        key = _NAMES.get(name) or _lower(name)
        content = value.decode("latin-1").rstrip(" \t")
        earlier = headers.get(key)
        headers[key] = content if earlier is None else f"{earlier}, {content}"
    return headers


def framing_of(headers: Mapping[str, str]) -> str:
    """The header field that says where the body ends."""
    length = headers.get("content-length")
    return "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"


def _check(method: str, version: str, headers: Mapping[str, str]) -> None:
    """Raises ``RefusedError`` for what llhttp lets through: other versions, codings of the transfer, tunnels."""
    if version not in ("1.1", "1.0"):
        raise RefusedError(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if method == "CONNECT":
        raise RefusedError(405, "this is no proxy")
    coding = headers.get("transfer-encoding")
    if coding is not None and version == "1.0":
        raise RefusedError(400, "HTTP/1.0 has no Transfer-Encoding")
    if coding is not None and coding.lower() != "chunked":
        raise RefusedError(501, "Transfer-Encoding is not chunked")
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise RefusedError(417, "only 100-continue can be expected")


def _coding(headers: Mapping[str, str]) -> Literal["gzip", "deflate", ""]:
    coding = _CODINGS.get(headers.get("content-encoding", "").lower())
    if coding is None:
        raise RefusedError(415, "Content-Encoding is none of gzip, deflate, identity")
    return coding


def _lower(name: bytes) -> str:
    """``name`` as a lower-case string, remembered for the next request while there is room."""
    key = name.decode("latin-1").lower()
    if len(_NAMES) < 512 and len(name) <= 64:
        _NAMES[name] = key
    return key


# ── the request line's target ───────────────────────────────────────────────────────────────────────────────────────────

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
