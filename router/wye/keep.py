"""Keeping the original bytes of each event beside it (``keep_original = true``), whatever the adapter."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from wye.event import Event
from wye.message import Decoded, Head, Payload, Received, Reply
from wye.plugin import Accepted, Claim, Decoder, Endpoint, Inbound
from wye.records import split_records


def keeping(inbound: Inbound) -> Inbound:
    """``inbound`` with every event's own record in ``origin.raw``; where records cannot be told apart, the whole message."""
    endpoint: Endpoint | None = None if inbound.endpoint is None else _KeepingEndpoint(inbound.endpoint)
    return structs.replace(inbound, decoder=_KeepingDecoder(inbound.decoder), endpoint=endpoint)


class _KeepingDecoder(Struct, frozen=True):
    decoder: Decoder

    def decode(self, payload: Payload, /) -> Decoded:
        decoded = self.decoder.decode(payload)
        if payload.framing == "message":
            return _kept(decoded, _records(payload.body))
        lines = payload.body.split(b"\n")
        failed = {failure.index for failure in decoded.failures}
        originals = [line for number, line in enumerate(lines) if line.strip() and number not in failed]
        if len(originals) == len(decoded.events) and not any(line.lstrip().startswith(b"[") for line in originals):
            return _with_originals(decoded, originals)
        return self._line_by_line(payload, lines)

    def _line_by_line(self, payload: Payload, lines: Sequence[bytes]) -> Decoded:
        """Some line holds several events, or none: then only each line by itself says whose is whose."""
        events: list[Event] = []
        failures = list(self.decoder.decode(payload).failures)
        for line in lines:
            if line.strip():
                one = self.decoder.decode(structs.replace(payload, body=line, framing="message"))
                events.extend(_kept(one, _records(line)).events)
        return Decoded(events, failures, len(payload.body))


class _KeepingEndpoint(Struct, frozen=True):
    endpoint: Endpoint

    def claim(self, head: Head, /) -> Claim | None:
        return self.endpoint.claim(head)

    def receive(self, request: Received, /) -> Accepted | Reply:
        answer = self.endpoint.receive(request)
        if isinstance(answer, Reply):
            return answer
        return structs.replace(answer, decoded=_kept(answer.decoded, _records(request.body)))

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return self.endpoint.refusal(head, status, words)


def _records(body: bytes) -> list[bytes]:
    try:
        return split_records(body)
    except ValueError:  # compressed, or not JSON at all
        return [body]


def _kept(decoded: Decoded, records: Sequence[bytes]) -> Decoded:
    failed = {failure.index for failure in decoded.failures}
    originals = [record for place, record in enumerate(records) if place not in failed]
    if len(originals) != len(decoded.events):
        originals = [b"\n".join(records)] * len(decoded.events)
    return _with_originals(decoded, originals)


def _with_originals(decoded: Decoded, originals: Sequence[bytes]) -> Decoded:
    events = [
        structs.replace(event, origin=structs.replace(event.origin, raw=original))
        for event, original in zip(decoded.events, originals, strict=True)
    ]
    return structs.replace(decoded, events=events)
