"""Bytes on the way in and out: payloads for decoders, documents for transports, HTTP requests and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from wye.event import Event

Headers = tuple[tuple[str, str], ...]
"""Header fields in order. Names of *received* ones are lower-case."""


class Payload(Struct, frozen=True):
    """Bytes for a decoder.

    ``framing``: ``lines`` is one JSON document a line; ``message`` is one message of a vendor's protocol (an HTTP body after
    ``Content-Encoding``, a WebSocket message). ``received_ms`` is when it arrived (ms since the epoch). ``ip`` and
    ``user_agent`` are the client's, where the transport knows them; ``query`` are the request's parameters.
    """

    body: bytes
    framing: Literal["lines", "message"] = "message"
    received_ms: int = 0
    ip: str | None = None
    user_agent: str | None = None
    query: Mapping[str, str] = {}


class Failure(Struct, frozen=True):
    """A record that could not be decoded: why, its own bytes, and its place in the payload (0-based record number).
    ``adapter`` is filled in by wye, where a source has several."""

    reason: str
    original: bytes
    index: int = 0
    adapter: str | None = None


class Decoded(Struct, frozen=True):
    """What a decoder found. ``size`` is the payload's length in bytes."""

    events: Sequence[Event]
    failures: Sequence[Failure] = ()
    size: int = 0


class Unfit(Struct, frozen=True):
    """An event that an encoder cannot put into its vendor's format.

    ``unmapped`` means that the vendor has no name for the event's type: filtered, not failed.
    """

    reason: str
    unmapped: bool = False


class Shipment(Struct, frozen=True):
    """What a transport is asked to send: events and, aligned with them, one wire document each (no trailing newline)."""

    events: Sequence[Event]
    documents: Sequence[bytes]


class Head(Struct, frozen=True):
    """The head of a received HTTP request. ``path`` is decoded, ``query`` keeps the last value of a name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client_ip: str | None = None


class Received(Struct, frozen=True):
    """A received HTTP request, its body already free of chunks and ``Content-Encoding``."""

    head: Head
    body: bytes
    received_ms: int


class Reply(Struct, frozen=True):
    """An HTTP answer. ``Content-Length`` and ``Date`` are the transport's business."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class HttpRequest(Struct, frozen=True):
    """An HTTP request to send. ``indices`` are the places in the shipment of the events that ride in it.

    ``path`` is appended to the path of the sink's ``url``; ``query`` is added to its parameters, which win where they are the
    same; the sink's ``headers`` likewise.
    """

    indices: Sequence[int]
    body: bytes = b""
    method: str = "POST"
    path: str = ""
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class HttpResponse(Struct, frozen=True):
    """What came back: names of ``headers`` are lower-case, ``body`` is cut at 64 KiB."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class FollowUp(Struct, frozen=True):
    """What an answer calls for before there can be verdicts: to ask how a long-running operation stands.

    ``requests`` are sent in their order, each after a wait of ``after_secs``. The places in the shipment of the request that
    was answered are theirs now: each in exactly one of them.
    """

    requests: Sequence[HttpRequest]
    after_secs: float = 0.0
