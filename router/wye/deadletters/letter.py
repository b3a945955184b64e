"""One dead letter: as it is written by who gives an event up, and as it is read by who looks at it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

import msgspec
from msgspec import Struct, structs

from wye.event import Event, to_json

LONGEST_REASON = 1000
"""Characters of a reason that are kept."""

_decoder = msgspec.json.Decoder(Event, float_hook=Decimal)


class DeadLetter(Struct, kw_only=True):
    """One event or record that is given up, and why.

    ``stage``: ``decode`` (with ``source``, ``position``, ``original`` and, where the source has several, ``adapter``),
    ``transform`` (with ``source``, ``sink`` and ``through``, the transforms on the way), ``buffer``, ``encode`` or ``send``
    (with ``sink``). ``id`` is the entry that this event already has, because it was retried.
    """

    stage: str
    reason: str
    source: str | None = None
    sink: str | None = None
    adapter: str | None = None
    through: Sequence[str] = ()
    position: str | None = None
    status: int | None = None
    attempts: int | None = None
    event: Event | None = None
    original: bytes | None = None
    id: int | None = None


class Entry(Struct, omit_defaults=True, kw_only=True):
    """One dead letter as it is kept. Times are RFC 3339 in UTC; ``attempts`` are summed over all retries.

    ``original`` are the bytes that came in, as text; ``original_base64`` where they are no UTF-8. ``marked``: it waits to be
    retried.
    """

    id: int
    first_time: str
    last_time: str
    stage: str
    reason: str
    source: str | None = None
    sink: str | None = None
    adapter: str | None = None
    through: Sequence[str] = ()
    position: str | None = None
    status: int | None = None
    attempts: int | None = None
    marked: bool = False
    event: msgspec.Raw | None = None
    original: str | None = None
    original_base64: str | None = None

    @property
    def original_bytes(self) -> bytes | None:
        if self.original is not None:
            return self.original.encode()
        return None if self.original_base64 is None else b64decode(self.original_base64)

    def to_event(self) -> Event | None:
        """The event with its original bytes beside it, if there is one. Raises ``ValueError`` when it cannot be read."""
        if self.event is None:
            return None
        try:
            event = _decoder.decode(self.event)
        except (RecursionError, DecimalException) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None
        raw = self.original_bytes
        return event if raw is None else structs.replace(event, origin=structs.replace(event.origin, raw=raw))


def now_text() -> str:
    """Now, as RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def undecodable(source: str, reason: str, position: str, original: bytes, adapter: str | None = None) -> DeadLetter:
    """The letter for a record that its decoder refused."""
    return DeadLetter(stage="decode", reason=reason, source=source, position=position, original=original, adapter=adapter)


def halves(event: Event) -> tuple[bytes | None, bytes | None]:
    """The event as JSON without its original bytes, and these; what cannot be written as JSON is shown as Python shows it, in
    the place of the bytes."""
    raw = event.origin.raw
    try:
        return to_json(event if raw is None else structs.replace(event, origin=structs.replace(event.origin, raw=None))), raw
    except Exception:  # a plugin put something into an event that is no JSON
        return None, _shown(event).encode()


def _shown(event: Event) -> str:
    try:
        return ascii(event)
    except Exception as error:
        return f"an event that cannot even be shown: {type(error).__name__}"
