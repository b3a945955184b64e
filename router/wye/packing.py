"""Events to documents, whatever a plugin's encoder does: one that fails on a batch costs only the events it fails on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from wye.event import Event
from wye.fault import fault
from wye.message import Unfit
from wye.plugin import Encoder


def documents_of(encoder: Encoder, events: Sequence[Event]) -> Sequence[bytes | Unfit]:
    """One document for each event, or why there is none."""
    try:
        documents = encoder.encode(events)
        if len(documents) == len(events):
            return documents
        reason = f"encoder gave {len(documents)} documents for {len(events)} events"
    except Exception as error:
        reason = f"encoder raised {fault(error)}"
    if len(events) == 1:
        return [Unfit(reason)]
    return [documents_of(encoder, [event])[0] for event in events]


def all_fit(documents: Sequence[bytes | Unfit], most: float) -> bool:
    """Whether each is one that a request with room for ``most`` bytes can carry, which nearly all batches are."""
    return set(map(type, documents)) == {bytes} and max(map(len, cast(Sequence[bytes], documents))) <= most


def why_unfit(document: object, most: float) -> str:
    """What is wrong with what an encoder gave, where a request has room for ``most`` bytes."""
    if isinstance(document, Unfit):
        return document.reason
    if isinstance(document, bytes):
        return f"too large: {len(document)} bytes, where a request has room for {most:.0f}"
    return f"encoder gave {type(document).__name__}, expected bytes or Unfit"
