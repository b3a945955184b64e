"""What a sink's vendor said about an event: delivered, try again, refused, or hold until the operator has mended something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, structs


class Verdict(Struct, frozen=True):
    """The fate of one event after one attempt.

    ``kind``:

    - ``delivered``: the vendor has it.
    - ``retry``: try again, counted against the event's attempts.
    - ``busy``: the sink as a whole cannot take it now (no connection, 429, 503); try again, at nobody's cost.
    - ``hold``: the operator's fault (a key, an address); nothing is dropped, it is tried until mended, and said loudly.
    - ``rejected``: the vendor will never take this event; it goes to the dead letters.

    ``after_secs`` is the wait that the vendor asked for. ``status`` is the vendor's own code where there was one.

    ``of`` is the number of events that one answer was about, where it does not say which of them is meant: the events of one
    request then share this very object. ``faulty`` is how many of them were refused, where the vendor says at least that.
    """

    kind: Literal["delivered", "retry", "busy", "hold", "rejected"]
    reason: str = ""
    after_secs: float | None = None
    status: int | None = None
    of: int = 1
    faulty: int | None = None


DELIVERED = Verdict("delivered")

Verdicts: TypeAlias = Verdict | Sequence[Verdict]
"""One verdict for all events of a shipment, or one for each, in their order."""


def _of_all(verdict: Verdict, count: int) -> Verdict:
    return verdict if verdict.of == count or verdict is DELIVERED else structs.replace(verdict, of=count)


def per_event(verdicts: Verdicts, count: int) -> Sequence[Verdict]:
    """One verdict for each of ``count`` events. Raises ``ValueError`` when a plugin gave another number of them, or
    something else."""
    if isinstance(verdicts, Verdict):
        return [_of_all(verdicts, count)] * count
    if len(verdicts) != count:
        raise ValueError(f"{len(verdicts)} verdicts for {count} events")
    for verdict in verdicts:
        if type(verdict) is not Verdict:
            raise ValueError(f"expected verdicts, found {type(verdict).__name__}")
    return verdicts
