"""Clickstream's documents to canonical events.

What goes in as Clickstream and comes out as Clickstream is the same JSON, but for: the order of members; white space; the last
of members with the same name stands; ``-0`` is written ``0``; ``10.0`` is written ``10`` where the vendor has whole numbers; a
missing ``event_id`` or ``app_id``, which the vendor requires, is filled in (the id is derived from the document), and a missing
``platform`` where the request's parameters name one.

Read are: arrays of events or a single one; base64 of gzip of either, which is the vendor's way of compressing, whatever the
parameter ``compression`` says; the rows that its ingestion server stores; and the other names that its pipeline knows.
An event without a type or a time is a failure: the vendor's pipeline throws it away.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

import msgspec
from msgspec import structs

from wye.event import Event
from wye.message import Decoded, Failure, Payload
from wye.wire import WireDecoder
from wye_plugins.clickstream.client import Clients
from wye_plugins.clickstream.read import Reader
from wye_plugins.clickstream.schema import CsEvent

MAX_INFLATED_BYTES = 16 * 1_048_576
"""A compressed body may become this large; the vendor's own clients stay below 1 MB."""

_SPACE = b" \t\r\n"
_NEITHER = "body is neither JSON nor base64 of gzip"


class StoredRow(msgspec.Struct, frozen=True):
    """A row as the vendor's ingestion server stores it: the request's body as a text, and the facts of the request."""

    data: str
    ip: str | None = None
    ua: str | None = None
    platform: str | None = None
    appId: str | None = None  # noqa: N815  the vendor's own name


_row = msgspec.json.Decoder(StoredRow)


class ClickstreamDecoder:
    """Decodes bodies of requests to ``/collect``, or lines of events, of arrays of them, or of stored rows."""

    def __init__(self) -> None:
        self._wire = WireDecoder(CsEvent)
        self._clients = Clients()

    def decode(self, payload: Payload) -> Decoded:
        """The events of ``payload``. A body without anything in it has none; that is no failure."""
        size = len(payload.body)
        if payload.framing == "message":
            first = payload.body.lstrip(_SPACE)[:1]
            if not first:
                return Decoded([], size=size)
            if first not in (b"[", b"{"):
                try:
                    payload = structs.replace(payload, body=inflate(payload.body))
                except ValueError as error:
                    return Decoded([], [Failure(str(error), payload.body)], size)
        events, failures = self._read(payload)
        if failures and b'"data"' in payload.body:
            events, failures = self._read_rows(payload, events, failures)
        return Decoded(events, failures, size)

    def _read(self, payload: Payload) -> tuple[list[Event], list[Failure]]:
        reader = Reader(payload, self._clients)
        return self._wire.read_as(payload, reader.events)

    def _read_rows(
        self, payload: Payload, events: list[Event], failures: Sequence[Failure]
    ) -> tuple[list[Event], list[Failure]]:
        """What is no event may be a stored row; what is in it comes after the other events."""
        left: list[Failure] = []
        for failure in failures:
            inner = self._of_row(failure.original, payload)
            if inner is None:
                left.append(failure)
                continue
            events.extend(inner.events)
            left.extend(
                Failure(f"in a stored row: {each.reason}", failure.original, failure.index) for each in inner.failures[:1]
            )
        return events, left

    def _of_row(self, text: bytes, payload: Payload) -> Decoded | None:
        try:
            row = _row.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
            return None
        query = {name: value for name, value in (("appId", row.appId), ("platform", row.platform)) if value}
        hop = (row.ip or "").partition(",")[0].strip()
        try:
            body = row.data.encode()
            body = body if body.lstrip(_SPACE)[:1] in (b"[", b"{") else inflate(body)
        except ValueError as error:
            return Decoded([], [Failure(str(error), text)])
        events, failures = self._read(Payload(body, "message", payload.received_ms, hop or None, row.ua, query))
        return Decoded(events, failures)


def inflate(body: bytes) -> bytes:
    """The text in base64 of gzip. Raises ``ValueError`` where it is none, or larger than ``MAX_INFLATED_BYTES``."""
    try:
        packed = base64.b64decode(body)
    except binascii.Error:
        raise ValueError(_NEITHER) from None
    if not packed:
        raise ValueError(_NEITHER)
    pieces: list[bytes] = []
    room = MAX_INFLATED_BYTES
    while packed:
        stream = zlib.decompressobj(wbits=31)
        try:
            piece = stream.decompress(packed, room + 1)
        except zlib.error:
            raise ValueError(_NEITHER) from None
        if len(piece) > room:
            raise ValueError(f"body is larger than {MAX_INFLATED_BYTES} bytes when it is decompressed")
        if not stream.eof:
            raise ValueError("body is base64 of gzip that breaks off before its end")
        pieces.append(piece)
        room -= len(piece)
        packed = stream.unused_data
    return b"".join(pieces)
