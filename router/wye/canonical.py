"""The adapter that every installation has: canonical events as JSON, one document each.

A source or sink without ``adapter`` speaks it, so what one wye wrote another can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from wye.answer import BUSY, asked_secs
from wye.event import CONTROL, Event, to_json
from wye.message import Decoded, Failure, HttpRequest, HttpResponse, Payload, Shipment, Unfit
from wye.options import Options
from wye.plugin import AdapterPart, Inbound, Limits, Outbound, Role, hookimpl
from wye.records import BAD_JSON, PlainDecoder, in_words, split_records
from wye.verdict import DELIVERED, Verdict, Verdicts

NAME = "canonical"


class CanonicalOptions(Options, frozen=True):
    """The canonical adapter has no options."""


_plain = PlainDecoder(Event)


class CanonicalDecoder(Struct, frozen=True):
    """Reads what ``CanonicalEncoder`` writes: an object a line, or one, several or an array of them in a message."""

    def decode(self, payload: Payload, /) -> Decoded:
        plain = _plain.read(payload)
        if plain is not None:
            return Decoded(plain, (), len(payload.body))
        events: list[Event] = []
        failures: list[Failure] = []
        lines = payload.body.split(b"\n") if payload.framing == "lines" else [payload.body]
        for number, line in enumerate(lines):
            if line.strip():
                _read(line, number if payload.framing == "lines" else None, events, failures)
        return Decoded(events, failures, len(payload.body))


def _read(text: bytes, line: int | None, events: list[Event], failures: list[Failure]) -> None:
    try:
        records = split_records(text)
    except ValueError as error:
        failures.append(Failure(str(error), text, line or 0))
        return
    for place, record in enumerate(records):
        try:
            events.append(_event(record))
        except ValueError as error:
            failures.append(Failure(str(error), record, place if line is None else line))


def _event(text: bytes) -> Event:
    try:
        return _plain.one.decode(text)
    except BAD_JSON as error:
        raise ValueError(in_words(error, text)) from None


class CanonicalEncoder(Struct, frozen=True):
    """One canonical JSON document an event; over HTTP an array of them in a POST. Calls to one vendor are no events. Who
    refuses a request is taken to have taken nothing of it."""

    limits: Limits = Limits(overhead_bytes=2, divisible=True)

    def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
        return [
            Unfit(f"no event, but a call: {event.type}", unmapped=True) if event.type.startswith(CONTROL) else to_json(event)
            for event in events
        ]

    def requests(self, shipment: Shipment, /) -> Iterable[HttpRequest]:
        body = b"[" + b",".join(shipment.documents) + b"]"
        yield HttpRequest(range(len(shipment.documents)), body, headers={"Content-Type": "application/json"})

    def verdicts(self, request: HttpRequest, response: HttpResponse, /) -> Verdicts:
        return by_status(response)


def by_status(response: HttpResponse) -> Verdict:
    """What an HTTP status means where no vendor says otherwise."""
    status = response.status
    reason = f"answered {status}"
    after = asked_secs(response)
    if 200 <= status < 300:
        return DELIVERED
    if status in (401, 403, 404) or 300 <= status < 400:
        return Verdict("hold", reason, None, status)
    if status in BUSY or status >= 500:
        return Verdict("busy", reason, after, status)
    return Verdict("rejected", reason, None, status)


@hookimpl
def wye_adapters() -> list[AdapterPart]:
    """The canonical adapter, both ways."""
    return [
        AdapterPart(
            NAME,
            Role(CanonicalOptions, lambda _: Inbound(CanonicalDecoder())),
            Role(CanonicalOptions, lambda _: Outbound(CanonicalEncoder())),
        )
    ]
