"""What a sink's vendor said about an event: delivered, try again, refused, or hold until the operator has mended something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct


class Verdict(Struct, frozen=True):
    """The fate of one event after one attempt.

    ``kind``:

    - ``delivered``: the vendor has it.
    - ``retry``: try again, counted against the event's attempts.
    - ``busy``: the sink as a whole cannot take it now (no connection, 429, 503); try again, at nobody's cost.
    - ``hold``: the operator's fault (a key, an address); nothing is dropped, it is tried until mended, and said loudly.
    - ``rejected``: the vendor will never take this event; it goes to the dead letters.

    ``after_secs`` is the wait that the vendor asked for. ``status`` is the vendor's own code where there was one.
    """

    kind: Literal["delivered", "retry", "busy", "hold", "rejected"]
    reason: str = ""
    after_secs: float | None = None
    status: int | None = None


DELIVERED = Verdict("delivered")

Verdicts: TypeAlias = Verdict | Sequence[Verdict]
"""One verdict for all events of a shipment, or one for each, in their order."""


def per_event(verdicts: Verdicts, count: int) -> Sequence[Verdict]:
    """One verdict for each of ``count`` events. Raises ``ValueError`` when a plugin gave another number of them, or
    something else."""
    if isinstance(verdicts, Verdict):
        return [verdicts] * count
    if len(verdicts) != count:
        raise ValueError(f"{len(verdicts)} verdicts for {count} events")
    for verdict in verdicts:
        if type(verdict) is not Verdict:
            raise ValueError(f"expected verdicts, found {type(verdict).__name__}")
    return verdicts
