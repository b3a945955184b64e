"""What the tests of every vendor's format do: read a body, and write an event."""

from __future__ import annotations

from typing import Any

from samples.payloads import exact
from wye.event import Event
from wye.message import Decoded, Payload, Unfit
from wye.plugin import Decoder, Encoder


def read_body(decoder: Decoder, body: bytes | str, **facts: Any) -> Decoded:
    """What is in a body; ``facts`` are those of its payload."""
    return decoder.decode(Payload(body.encode() if isinstance(body, str) else body, **facts))


def read_one(decoder: Decoder, body: bytes | str, **facts: Any) -> Event:
    """The only event in a body."""
    found = read_body(decoder, body, **facts)
    assert not found.failures, found.failures
    (event,) = found.events
    return event


def write_one(encoder: Encoder, event: Event) -> Any:
    """The document of an event, with exact numbers; or why it has none."""
    (document,) = encoder.encode([event])
    return document if isinstance(document, Unfit) else exact(document)


def spelled(members: dict[str, object]) -> str:
    """A document of members whose values are JSON already."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"
