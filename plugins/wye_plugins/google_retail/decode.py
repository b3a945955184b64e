"""Google's documents to canonical events.

What goes in as Google's and comes out as Google's, in the spelling ``seed``, is the same JSON, but for: the order of members;
white space; the last of members with the same name stands; ``-0`` is written ``0``, ``10.0`` as ``10`` where the API has whole
numbers; the proto's snake_case becomes JSON's lowerCamelCase; a single product without an array around it, which Google's own
tutorial has, gets one; an ``eventTime`` that is missing or null is filled in, as Google does. In the spelling ``api`` what
Google would refuse lies in an attribute besides, and is put back where it was when it is read again.

Read are events, one or several a line or a message, and arrays of them. An event without ``eventType`` or ``visitorId``, or
with an ``eventTime`` that is no RFC 3339 time with a zone, is a failure: Google refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec
from msgspec import UNSET, structs

from wye.event import Event, Json
from wye.message import Decoded, Failure, Payload
from wye.records import PlainDecoder, split_records
from wye.wire import WireDecoder, overlay, parse, sift
from wye_plugins.google_retail.attributes import EXTRA, Bag, carried
from wye_plugins.google_retail.lean import LeanEvent
from wye_plugins.google_retail.read import event_of
from wye_plugins.google_retail.schema import CAMEL, GrDetail, GrEvent

_json = msgspec.json.Encoder(decimal_format="number")

# Whatever names one of these has to be spelt or put together anew before it is read. Few documents have any such name at all.
_ODD_NAMES = frozenset(name.encode() for name in (*CAMEL, EXTRA))
_SNAKE_NAME = re.compile(rb'"([a-z]+_[a-z_]+)"\s*:')
_CARRIED = f'"{EXTRA}"'.encode()


class GoogleRetailDecoder:
    """Decodes user events. ``tenant`` is the catalogue that they belong to, where it is known."""

    def __init__(self) -> None:
        self._wire = WireDecoder(GrEvent)
        self._lean = PlainDecoder(LeanEvent)

    def decode(self, payload: Payload, tenant: str | None = None) -> Decoded:
        body = payload.body

        def events_of(records: list[GrEvent]) -> list[Event]:
            return [event_of(_mended(record), payload, tenant) for record in records]

        # Where all are lean no member has another spelling, and what is carried lies in an attribute that names it.
        lean = None if _CARRIED in body else self._lean.read(payload)
        if lean is not None:
            try:
                return Decoded([event_of(record, payload, tenant) for record in lean], [], len(body))
            except ValueError:
                pass
        if not _ODD_NAMES.isdisjoint(_SNAKE_NAME.findall(body)):
            events, failures = self._read_anew(payload, events_of)
        else:
            events, failures = self._wire.read_each(payload, events_of)
        return Decoded(events, failures, len(body))

    def _read_anew(
        self, payload: Payload, events_of: Callable[[list[GrEvent]], list[Event]]
    ) -> tuple[list[Event], list[Failure]]:
        """Each record on its own, in the spelling that the structs know."""
        events: list[Event] = []
        failures: list[Failure] = []
        lines = payload.body.split(b"\n") if payload.framing == "lines" else [payload.body]
        for number, line in enumerate(lines):
            try:
                pieces = split_records(line) if line.strip() else []
            except ValueError as error:
                failures.append(Failure(str(error), line, number))
                continue
            for place, piece in enumerate(pieces):
                found, failed = self._wire.read_each(Payload(_respelt(piece)), events_of)
                events += found
                index = number if payload.framing == "lines" else place
                failures += [Failure(failure.reason, piece, index) for failure in failed[:1]]
        return events, failures


def _respelt(text: bytes) -> bytes:
    """The record in lowerCamelCase, with what was carried beside it back in its place; as it is where it is no object."""
    try:
        document = parse(text)
        return _json.encode(_restored(in_camel_case(document))) if type(document) is dict else text
    except (ValueError, RecursionError):
        return text


def _restored(document: Bag) -> Bag:
    attributes = document.get("attributes")
    if type(attributes) is not dict or EXTRA not in attributes:
        return document
    left = dict(cast(Bag, attributes))
    text = carried(EXTRA, left)
    more = None if text is None else parse(text.encode())
    if type(more) is not dict:
        return document
    document = {**document, "attributes": left}
    if not left:
        del document["attributes"]
    more = cast(Bag, more)
    if type(more.get("attributes")) is dict and left:
        more["attributes"] = {name: one for name, one in cast(Bag, more["attributes"]).items() if name not in left}
    return merged(document, more)


def merged(document: Bag, more: Bag) -> Bag:
    """``document`` with ``more`` laid over it, which names a product by its place: ``{"productDetails": {"0": …}}``."""
    details, part = document.get("productDetails"), more.get("productDetails")
    if type(details) is list and type(part) is dict:
        laid = list(cast(list[Json], details))
        for key, member in cast(Bag, part).items():
            place = int(key) if key.isascii() and key.isdigit() else len(laid)
            if place < len(laid) and type(laid[place]) is dict and type(member) is dict:
                laid[place] = overlay(cast(Bag, laid[place]), cast(Bag, member))
        more = {**more, "productDetails": laid}
    return overlay(document, more)


# Names under these are the shop's own.
_FREE = frozenset(("attributes",))


def in_camel_case(value: Json) -> Json:
    """A document, or a part of one, under the names that JSON has. Those of attributes are the shop's own, and stay."""
    if type(value) is list:
        return [in_camel_case(one) for one in cast(list[Json], value)]
    if type(value) is not dict:
        return value
    return {
        CAMEL.get(name, name): member if name in _FREE else in_camel_case(member) for name, member in cast(Bag, value).items()
    }


def _mended(record: GrEvent) -> GrEvent:
    """A single product, as Google's own tutorial writes it, is a list of one."""
    rest = record.rest
    if rest is UNSET or type(rest.get("productDetails")) is not dict:
        return record
    left: Any = {name: value for name, value in rest.items() if name != "productDetails"} or UNSET
    return structs.replace(record, productDetails=[sift(rest["productDetails"], GrDetail)], rest=left)
