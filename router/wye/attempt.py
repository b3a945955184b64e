"""One attempt at sending a parcel: whatever comes of it is verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import trio

from wye.answer import MOST_ASKED_SECS
from wye.batch import Parcel
from wye.fault import fault
from wye.message import Shipment
from wye.plugin import Transport
from wye.verdict import Verdict, per_event


async def attempt(
    transport: Transport, parcel: Parcel, on_fault: Callable[[str, Exception], None]
) -> Verdict | Sequence[Verdict]:
    """One verdict for all events of ``parcel``, or one for each. A broken connection is nobody's fault; a plugin that raises
    costs its events an attempt, and ``on_fault`` is told."""
    try:
        verdicts = await transport.send(Shipment(parcel.events, parcel.documents))
        return verdicts if isinstance(verdicts, Verdict) else per_event(verdicts, len(parcel.events))
    except Exception as error:
        broken = outage(error)
        if broken is not None:
            return Verdict("busy", broken)
        reason = f"transport raised {fault(error)}"
        on_fault(reason, error)
        return Verdict("retry", reason)


def outage(error: Exception) -> str | None:
    """What broke, when ``error`` is a broken connection, however a plugin's nursery has wrapped it."""
    if isinstance(error, ExceptionGroup):
        inner = [outage(one) for one in cast(ExceptionGroup[Exception], error).exceptions]
        return inner[0] if all(inner) else None
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, trio.BrokenResourceError | trio.TooSlowError):
        return str(error) or type(error).__name__
    return None


def asked_secs(verdicts: Sequence[Verdict]) -> float | None:
    """The longest wait that was asked for; what is no number of seconds was not asked for."""
    asked = [one.after_secs for one in verdicts if one.after_secs is not None and one.after_secs > 0]
    return min(max(asked), MOST_ASKED_SECS) if asked else None
