"""The oracle: what was sent, what was acknowledged, what arrived where, and what lies in the dead letters."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from faults import events

DECODE = "decode"
"""Where events lie that nobody could decode."""

_MOST = 255


class SinkView(Struct):
    """What one sink got. ``arrived`` and ``dead`` count by number, up to 255."""

    name: str
    form: str
    ordered: bool = False
    arrived: bytearray = field(default_factory=bytearray)
    dead: bytearray = field(default_factory=bytearray)
    total: int = 0
    times: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """When ``total`` had come to how much, by the monotonic clock."""
    duplicates: int = 0
    bound: int = 0
    """Duplicates there could have been, beside what was sent again and what is ``unanswered``."""
    unanswered: int = 0
    """Events that the vendor has processed without saying so, or whose answer could not be used."""
    reordered: int = 0
    last: dict[str, int] = field(default_factory=dict[str, int])

    def since(self, moment: float) -> int:
        """Events that have come since ``moment``."""
        before = max((total for at, total in self.times if at < moment), default=0)
        return self.total - before


class World:
    """``faults`` are the sentences about everything that must not be."""

    def __init__(self, sinks: Sequence[SinkView]) -> None:
        self.sinks = {sink.name: sink for sink in sinks}
        self.undecodable = SinkView(DECODE, "")
        self._all = (*sinks, self.undecodable)
        self.kinds = bytearray()
        self.clients = bytearray()
        self.acked = bytearray()
        self.resent = 0
        self.faults: list[str] = []

    # ── what clients do ──────────────────────────────────────────────────────────────────────────────────────────────────

    def allocate(self, kinds: bytes, client: int) -> range:
        """Numbers for new events of a client."""
        start, count = len(self.kinds), len(kinds)
        self.kinds += kinds
        self.clients += bytes([client]) * count
        self.acked += bytes(count)
        for sink in self._all:
            sink.arrived += bytes(count)
            sink.dead += bytes(count)
        return range(start, start + count)

    def acknowledge(self, numbers: range) -> None:
        self.acked[numbers.start : numbers.stop] = b"\1" * len(numbers)

    @property
    def acknowledged(self) -> int:
        return sum(self.acked)

    # ── what sinks get ───────────────────────────────────────────────────────────────────────────────────────────────────

    def arrive(self, sink: SinkView, documents: Iterable[tuple[int | None, bytes]]) -> None:
        for number, document in documents:
            if number is None or number >= len(self.kinds) or self.kinds[number] == events.BROKEN:
                self.faults.append(f"{sink.name} got an event that nobody sent: {document[:200]!r}")
                continue
            client = self.clients[number]
            if not events.same(document, number, self.kinds[number], client, sink.form):
                self.faults.append(f"{sink.name} got event {number} changed: {document[:400]!r}")
            if sink.arrived[number]:
                sink.duplicates += 1
            elif sink.ordered:
                self._note_order(sink, number, events.key_of(number, client))
            sink.arrived[number] = min(_MOST, sink.arrived[number] + 1)
            sink.total += 1
        sink.times.append((time.monotonic(), sink.total))

    def _note_order(self, sink: SinkView, number: int, key: str) -> None:
        if number < sink.last.get(key, -1):
            sink.reordered += 1
            self.faults.append(f"{sink.name} got event {number} of {key} after event {sink.last[key]}")
        sink.last[key] = max(number, sink.last.get(key, -1))

    def bury(self, sink: str | None, number: int | None, what: str, reason: str) -> None:
        """An event lies in the dead letters: a sink's, or one that could not be decoded."""
        view = self.undecodable if sink is None else self.sinks.get(sink)
        if view is None or number is None or number >= len(self.kinds):
            self.faults.append(f"a dead letter of {sink} that nobody sent: {what[:200]}")
            return
        if not reason:
            self.faults.append(f"a dead letter without a reason: event {number} of {sink}")
        view.dead[number] = min(_MOST, view.dead[number] + 1)

    def unbury(self) -> None:
        """Before the dead letters are read anew."""
        for sink in self._all:
            sink.dead = bytearray(len(self.kinds))

    # ── what is owed ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def lost(self, sinks: Iterable[str] | None = None) -> list[tuple[str, int]]:
        """Acknowledged, and neither arrived nor dead-lettered, by sink."""
        names = [*self.sinks, DECODE] if sinks is None else list(sinks)
        lost: list[tuple[str, int]] = []
        for name in names:
            view = self.undecodable if name == DECODE else self.sinks[name]
            settled = bytes(a or b for a, b in zip(view.arrived, view.dead, strict=True))
            for number, (owed, there) in enumerate(zip(self.acked, settled, strict=True)):
                if owed and not there and (self.kinds[number] == events.BROKEN) == (name == DECODE):
                    lost.append((name, number))
        return lost
