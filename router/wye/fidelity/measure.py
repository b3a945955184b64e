"""One event through one format and back, and what has become of each of its leaves."""

from __future__ import annotations

import functools
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from wye.carry import carries, unpack
from wye.event import Event
from wye.fidelity.compare import Difference, compare
from wye.message import Head, HttpRequest, Payload, Received, Shipment, Unfit
from wye.plugin import Accepted, Encoder, Inbound, Outbound, RequestEncoder


class Format(Struct, frozen=True):
    """A vendor's format from both sides: how wye writes it, and how wye reads what it wrote."""

    name: str
    outbound: Outbound
    inbound: Inbound


def measure(event: Event, target: Format, document: bytes | None = None) -> list[Difference] | Unfit:
    """Every leaf of ``event`` and of what comes back from ``target``, in order of their names; or why nothing comes back.

    ``document`` is what was written for the event, where that is already known."""
    back = read_back(event, target, document)
    if isinstance(back, Event) and carries(back):
        event, back = (unpack(event) if carries(event) else event), unpack(back)
    return back if isinstance(back, Unfit) else compare(event, back)


def read_back(event: Event, target: Format, document: bytes | Unfit | None = None) -> Event | Unfit:
    """``decode(encode(event))``. Over HTTP requests where the vendor has them: some facts travel in headers."""
    if document is None:
        (document,) = target.outbound.encoder.encode([event])
    if isinstance(document, Unfit):
        return document
    encoder, endpoint = target.outbound.encoder, target.inbound.endpoint
    if endpoint is not None and _writes_requests(type(encoder)):
        for request in cast(RequestEncoder, encoder).requests(Shipment([event], [document])):
            received = _received(request)
            claim = endpoint.claim(received.head)
            answer = None if claim is None or claim.reply is not None else endpoint.receive(received)
            if isinstance(answer, Accepted) and answer.decoded.events:
                return answer.decoded.events[0]
    return read_document(event, document, target)


@functools.cache
def _writes_requests(kind: type[Encoder]) -> bool:
    """Whether it is a ``RequestEncoder``. Asked of the kind: to hold an object against a protocol takes longer than to read one
    event."""
    return all(callable(getattr(kind, method, None)) for method in ("requests", "verdicts"))


def read_document(event: Event, document: bytes, target: Format) -> Event | Unfit:
    """``decode(document)``: what is left where no header comes along, as in a file."""
    decoded = target.inbound.decoder.decode(Payload(document, received_ms=event.time_ms))
    if not decoded.events:
        reason = decoded.failures[0].reason if decoded.failures else "nothing"
        return Unfit(f"{target.name} does not read back what it wrote: {reason}")
    return decoded.events[0]


def _received(request: HttpRequest) -> Received:
    parts = urlsplit(request.path)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **request.query}
    return Received(Head(request.method, parts.path or "/collect", query, headers), request.body, 0)
