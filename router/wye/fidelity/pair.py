"""A pair of formats: what becomes of what the source can hold when it is written in the target's format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from wye.event import Event, to_json
from wye.fidelity.compare import Difference, Kind, json_kind
from wye.fidelity.generate import ALL_TYPES
from wye.fidelity.leaves import Leaf, LossClass, class_of, place_of
from wye.fidelity.measure import Format, measure, read_back
from wye.fidelity.reasons import Reason, reason_of
from wye.fidelity.variants import variants
from wye.fitting import with_defaults
from wye.message import Payload, Unfit

_NUMBER = re.compile(r"(?<=\[)\d+(?=\])|-?\d{10,}")

_RECEIVED_MS = 1_700_000_000_000
"""When the adapters' own documents arrive, which matters to those without a time."""

ORDER: tuple[Kind, ...] = ("lost", "coerced", "ambiguous", "invented", "default", "kept")
COUNTED: tuple[Kind, ...] = ("kept", "lost", "coerced", "ambiguous", "invented")


class Row(Struct, frozen=True):
    """What becomes of one leaf, and why: in which event types, and an example.

    ``sometimes``: in one of these types at least, it also fares otherwise, as its value or the rest of the event has it.
    ``how`` are the ways in which its value is changed. ``source`` is where the reason is from, empty where it is wye's own.
    """

    leaf: Leaf
    loss_class: LossClass
    kind: Kind
    types: Sequence[str]
    sometimes: bool
    before: Any
    after: Any
    how: Sequence[str]
    reason: str
    source: str = ""


class Line(Struct, frozen=True):
    """Rows that fare alike for one reason, to be read by people."""

    kind: Kind
    reason: str
    source: str
    rows: Sequence[Row]


class Refusal(Struct, frozen=True):
    """Why the target does not take some event. ``always``: in these types it takes none of those that were measured."""

    reason: str
    types: Sequence[str]
    always: bool


class Pair(Struct, frozen=True):
    """The whole account of one pair. ``unmapped`` are the types the target has no name for, with that reason; ``measured`` is
    how many events of each type went through."""

    source: str
    target: str
    measured: Mapping[str, int]
    rows: Sequence[Row]
    unmapped: Mapping[str, str]
    refused: Sequence[Refusal]


def explain(
    source: Format,
    target: Format,
    only_type: str | None = None,
    events: Iterable[Event] = (),
    defaults: Mapping[str, str] | None = None,
) -> Pair:
    """Measure the pair on generated events of every type, and on ``events`` besides. ``defaults`` are the operator's.

    The generated ones go through the source's own format first, so that nothing is asked of the target that the source cannot
    say.
    """
    said = (*events, *said_by(source, only_type))
    return _explain(source, target, [one for one in said if only_type in (None, one.type)], defaults or {})


def explain_all(formats: Sequence[Format]) -> list[Pair]:
    """Every pair of ``formats``, also of one with itself, by source. What a source can say is worked out once."""
    pairs: list[Pair] = []
    for source in formats:
        said = list(said_by(source))
        pairs += [_explain(source, target, said, {}) for target in formats]
    return pairs


def _explain(source: Format, target: Format, events: Iterable[Event], defaults: Mapping[str, str]) -> Pair:
    found = _Findings()
    for event in events:
        found.add(event, _measured(event, target, defaults))
    return Pair(source.name, target.name, found.events, _rows(found, source, target), found.unmapped, _refusals(found))


def said_by(source: Format, only_type: str | None = None) -> Iterator[Event]:
    """The generated events as the source's format has them; what comes out the same is there once. And those that its adapter
    knows of."""
    seen: set[bytes] = set()
    for event_type in ALL_TYPES if only_type is None else (only_type,):
        for variant in variants(event_type):
            event = read_back(variant, source)
            if isinstance(event, Event) and (text := to_json(event)) not in seen:
                seen.add(text)
                yield event
    for document in source.outbound.documents:
        events = source.inbound.decoder.decode(Payload(document, received_ms=_RECEIVED_MS)).events
        yield from (event for event in events if only_type in (None, event.type))


def _measured(event: Event, target: Format, defaults: Mapping[str, str]) -> list[Difference] | Unfit:
    given = with_defaults(event, defaults)
    outcome = measure(given, target)
    if given is event or isinstance(outcome, Unfit):
        return outcome
    said = [one for one in outcome if one.leaf not in defaults or getattr(event, one.leaf) is not None]
    return said + [
        structs.replace(one, kind="default", before=None) for one in outcome if one.kind == "kept" and one not in said
    ]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def counts(pair: Pair) -> list[int]:
    """How many leaves there are of each of the ``COUNTED`` kinds; a bag of free attributes is one. Kept are those of which
    nothing else is said."""
    found = {kind: {place_of(row.leaf) for row in pair.rows if row.kind == kind} for kind in ORDER}
    changed = {place for kind, places in found.items() if kind != "kept" for place in places}
    return [len(found[kind] - (changed if kind == "kept" else set())) for kind in COUNTED]


def lines_of(pair: Pair, kind: Kind) -> list[Line]:
    """The rows of a kind, put together by their reasons; the leaves of a bag in one where all of them fare alike."""
    by_reason: dict[tuple[str, str], list[Row]] = {}
    uniform = _uniform(pair)
    for row in pair.rows:
        if row.kind != kind:
            continue
        place = place_of(row.leaf)
        rows = by_reason.setdefault((row.reason, row.source), [])
        if place not in uniform:
            rows.append(row)
        elif all(other.leaf != place for other in rows):
            rows.append(structs.replace(row, leaf=place))
    return [Line(kind, *key, rows) for key, rows in by_reason.items()]


def _uniform(pair: Pair) -> set[str]:
    """The bags of which all leaves have the same fate for the same reason."""
    fates: dict[str, set[tuple[Kind, str, bool]]] = {}
    for row in pair.rows:
        if place_of(row.leaf) != row.leaf:
            fates.setdefault(place_of(row.leaf), set()).add((row.kind, row.reason, row.sometimes))
    return {place for place, found in fates.items() if len(found) == 1}


def types_with(leaf: Leaf, pair: Pair) -> set[str]:
    """The event types in which the leaf, or any leaf of the bag, has been measured."""
    return {name for row in pair.rows if leaf in (row.leaf, place_of(row.leaf)) for name in row.types}


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Findings:
    """What was found, still event by event."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.unmapped: dict[str, str] = {}
        self.refused: dict[str, set[str]] = {}
        self.differences: dict[tuple[Leaf, str], list[Difference]] = {}
        self._images: dict[tuple[str, str, str], set[str]] = {}

    def add(self, event: Event, outcome: list[Difference] | Unfit) -> None:
        if isinstance(outcome, Unfit):
            if outcome.unmapped:
                self.unmapped[event.type] = outcome.reason
            else:
                self.refused.setdefault(_NUMBER.sub("n", outcome.reason), set()).add(event.type)
            return
        self.events[event.type] += 1
        for one in outcome:
            self.differences.setdefault((one.leaf, event.type), []).append(one)
            if one.kind in ("kept", "coerced") and place_of(one.leaf) != one.leaf:
                self._images.setdefault(self._image(one, event.type), set()).add(_kind_of(one.before))

    def fate(self, one: Difference, event_type: str) -> Kind:
        """Its kind; ``ambiguous`` where a value of another kind comes back as the same."""
        if one.kind == "coerced" and len(self._images.get(self._image(one, event_type), ())) > 1:
            return "ambiguous"
        return one.kind

    @staticmethod
    def _image(one: Difference, event_type: str) -> tuple[str, str, str]:
        return place_of(one.leaf), event_type, repr(one.after)

    def fares_otherwise(self, leaf: Leaf, event_type: str, kind: Kind) -> bool:
        """Whether the leaf fares otherwise in an event that says it as well, or does not say it either."""
        all_of_it = self.differences[leaf, event_type]
        these = [one for one in all_of_it if self.fate(one, event_type) == kind]
        saying = sum(map(_was_there, all_of_it))
        silent = self.events[event_type] - saying
        saying_so = sum(map(_was_there, these))
        return 0 < saying_so < saying or 0 < len(these) - saying_so < silent


def _was_there(one: Difference) -> bool:
    return one.kind in ("kept", "lost") or one.before is not None


def _kind_of(value: Any) -> str:
    return json_kind(value["value"] if isinstance(value, dict) and "value" in value else value)


def _rows(found: _Findings, source: Format, target: Format) -> list[Row]:
    groups: dict[tuple[Kind, Leaf, Reason], dict[str, list[Difference]]] = {}
    for (leaf, event_type), differences in found.differences.items():
        reasons: dict[Kind, Reason] = {}
        for one in differences:
            kind = found.fate(one, event_type)
            reason = reasons.get(kind) or reason_of(leaf, kind, event_type, source.name, target)
            reasons[kind] = reason
            groups.setdefault((kind, leaf, reason), {}).setdefault(event_type, []).append(one)
    rows = [_row(key, by_type, found) for key, by_type in groups.items()]
    return sorted(rows, key=lambda row: (ORDER.index(row.kind), row.leaf, row.reason))


def _row(key: tuple[Kind, Leaf, Reason], by_type: dict[str, list[Difference]], found: _Findings) -> Row:
    kind, leaf, reason = key
    everything = [one for differences in by_type.values() for one in differences]
    example = everything[0]
    hows = sorted({one.how for one in everything if one.how})
    types = sorted(by_type, key=_place_of_type)
    sometimes = any(found.fares_otherwise(leaf, event_type, kind) for event_type in types)
    return Row(leaf, class_of(leaf), kind, types, sometimes, example.before, example.after, hows, reason.text, reason.source)


def _place_of_type(event_type: str) -> tuple[int, str]:
    return (ALL_TYPES.index(event_type) if event_type in ALL_TYPES else len(ALL_TYPES), event_type)


def _refusals(found: _Findings) -> list[Refusal]:
    return [
        Refusal(reason, sorted(types, key=_place_of_type), not any(found.events[event_type] for event_type in types))
        for reason, types in sorted(found.refused.items())
    ]
