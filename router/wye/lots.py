"""A shipment sorted by what the events of a request have in common, and cut within a vendor's limits: for encoders whose
requests hold several events, but not any of them together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from wye.batcher import cuts
from wye.event import Event
from wye.message import Shipment
from wye.plugin import Limits

K = TypeVar("K", bound=Hashable)


def lots(shipment: Shipment, common: Callable[[Event], K], limits: Limits) -> Iterator[tuple[K, list[int]]]:
    """For each request what its events have in ``common``, and which of the shipment they are, in their order."""
    indices: dict[K, list[int]] = {}
    for index, event in enumerate(shipment.events):
        indices.setdefault(common(event), []).append(index)
    for key, found in indices.items():
        for start, end in cuts([shipment.documents[index] for index in found], limits):
            yield key, found[start:end]
