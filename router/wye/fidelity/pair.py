"""A pair of formats: what becomes of what the source can hold when it is written in the target's format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from wye.event import Event
from wye.fidelity.generate import full_events
from wye.fidelity.leaves import Leaf, LossClass, class_of
from wye.fidelity.measure import Difference, Format, Kind, measure, read_back
from wye.message import Unfit

_ORDER: tuple[Kind, ...] = ("lost", "invented", "coerced", "kept")


class Row(Struct, frozen=True):
    """One leaf of a pair: what becomes of it, in which event types, and an example."""

    leaf: Leaf
    loss_class: LossClass
    kind: Kind
    types: Sequence[str]
    before: Any = None
    after: Any = None


class Pair(Struct, frozen=True):
    """The whole account of one pair. ``unmapped`` are the types the target has no name for, ``refused`` those it cannot take
    for another reason; both with that reason."""

    source: str
    target: str
    rows: Sequence[Row]
    unmapped: dict[str, str]
    refused: dict[str, str]


def explain(source: Format, target: Format, only_type: str | None = None, events: Iterable[Event] = ()) -> Pair:
    """Measure the pair on a generated event of every type, and on ``events`` besides.

    The generated ones go through the source's own format first, so that nothing is asked of the target that the source cannot
    say.
    """
    made = [event for full in full_events() if isinstance(event := read_back(full, source), Event)]
    rows: dict[tuple[Leaf, Kind], list[tuple[str, Difference]]] = {}
    unmapped: dict[str, str] = {}
    refused: dict[str, str] = {}
    for event in (*made, *events):
        if only_type is not None and event.type != only_type:
            continue
        outcome = measure(event, target)
        if isinstance(outcome, Unfit):
            (unmapped if outcome.unmapped else refused)[event.type] = outcome.reason
            continue
        for one in outcome:
            rows.setdefault((one.leaf, one.kind), []).append((event.type, one))
    ordered = sorted(rows.items(), key=lambda entry: (_ORDER.index(entry[0][1]), entry[0][0]))
    return Pair(source.name, target.name, [_row(*key, found) for key, found in ordered], unmapped, refused)


def _row(leaf: Leaf, kind: Kind, found: list[tuple[str, Difference]]) -> Row:
    example = found[0][1]
    return Row(leaf, class_of(leaf), kind, list(dict.fromkeys(name for name, _ in found)), example.before, example.after)
