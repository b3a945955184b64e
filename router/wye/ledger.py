"""The account of every event: ``received = delivered + filtered + dead-lettered + dropped + in flight``, per sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

MOST_NAMES = 200
"""Names (of types, of leaves) that are counted apart. Senders choose them, and must not fill the memory with them."""

LONGEST_NAME = 100
"""Characters of a name that are kept."""

OTHERS = "others"
"""What the names beyond ``MOST_NAMES`` are counted under."""


def name_in(counts: Mapping[str, object], name: str) -> str:
    """What ``name`` is counted under: itself, cut to ``LONGEST_NAME``, or ``OTHERS`` where ``counts`` has enough names."""
    name = name[:LONGEST_NAME]
    return name if name in counts or len(counts) < MOST_NAMES else OTHERS


def count_names(counts: Counter[str], names: Iterable[str]) -> None:
    """Count each of ``names`` once, under what ``name_in`` gives."""
    for name in names:
        counts[name_in(counts, name)] += 1


class TypeLosses(Struct):
    """What a sink's format could not hold of one event type: of ``events`` sent, ``sampled`` were measured in full, and
    ``leaves`` counts in how many of these a leaf was lost, invented or coerced (``"lost items.name"``)."""

    events: int = 0
    sampled: int = 0
    leaves: Counter[str] = field(default_factory=Counter[str])


class SinkAccount(Struct):
    """One sink's counts, in events. ``filtered_types`` says which types a target had no name for, ``losses`` by type what its
    format could not hold."""

    name: str
    received: int = 0
    delivered: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    dropped: int = 0
    in_flight: int = 0
    filtered_types: Counter[str] = field(default_factory=Counter[str])
    losses: dict[str, TypeLosses] = field(default_factory=dict[str, TypeLosses])

    @property
    def balanced(self) -> bool:
        """Whether the equation holds."""
        return self.received == self.delivered + self.filtered + self.dead_lettered + self.dropped + self.in_flight


class SourceAccount(Struct):
    """One source's counts: events that came in, and records that could not be decoded.

    Those records go to the dead letters; ``in_flight`` are the ones not on the disk yet.
    """

    name: str
    received: int = 0
    undecodable: int = 0
    in_flight: int = 0


class Ledger(Struct):
    """All accounts, in the order of the config."""

    sources: Sequence[SourceAccount]
    sinks: Sequence[SinkAccount]

    @property
    def balanced(self) -> bool:
        return all(account.balanced for account in self.sinks)

    @property
    def in_flight(self) -> int:
        """Events that some sink has neither delivered nor settled in another way, and bad records that are not safe yet."""
        return sum(account.in_flight for account in (*self.sources, *self.sinks))


def summed(ledgers: Sequence[Ledger]) -> Ledger:
    """One ledger of several over the same parts."""
    sources = {one.name: SourceAccount(one.name) for ledger in ledgers for one in ledger.sources}
    sinks = {one.name: SinkAccount(one.name) for ledger in ledgers for one in ledger.sinks}
    for ledger in ledgers:
        for source in ledger.sources:
            _add_counts(sources[source.name], source)
        for sink in ledger.sinks:
            total = sinks[sink.name]
            _add_counts(total, sink)
            for name, count in sink.filtered_types.items():
                total.filtered_types[name_in(total.filtered_types, name)] += count
            for name, losses in sink.losses.items():
                _add_losses(total.losses.setdefault(name_in(total.losses, name), TypeLosses()), losses)
    return Ledger(list(sources.values()), list(sinks.values()))


def _add_counts(total: SourceAccount | SinkAccount, one: SourceAccount | SinkAccount) -> None:
    for name in one.__struct_fields__:
        value = getattr(one, name)
        if isinstance(value, int):
            setattr(total, name, getattr(total, name) + value)


def _add_losses(total: TypeLosses, one: TypeLosses) -> None:
    total.events += one.events
    total.sampled += one.sampled
    for leaf, count in one.leaves.items():
        total.leaves[name_in(total.leaves, leaf)] += count
