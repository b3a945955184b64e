"""Two events, leaf by leaf: what has become of each leaf, and how.

Every word that ``wye explain`` has for a leaf is defined here, but for two. ``default`` needs the operator's defaults, and a
value that comes back as another kind of value (``true`` as a text) is ``ambiguous`` only where that text could have been there
itself, which takes more than one event: both are in ``pair``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, DecimalException
from functools import reduce
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from wye.event import Event
from wye.fidelity.leaves import Leaf, class_of, leaves
from wye.money import EXACT, total

Kind = Literal["kept", "lost", "invented", "coerced", "ambiguous", "default"]
"""``lost``: nothing comes back. ``invented``: something comes back that the event does not say. ``coerced``: it comes back
changed, or an identity stands in for another. ``ambiguous``: something comes back that the event says of another leaf, or that
is summed up from others, so that the target cannot tell which of them was meant. ``default``: the operator's word."""

Values = Mapping[Leaf, Any]
_ABSENT: Any = object()


class Difference(Struct, frozen=True):
    """What became of one leaf. ``before`` and ``after`` are its values, ``None`` where there is none; ``how`` says how a value
    is changed."""

    leaf: Leaf
    kind: Kind
    before: Any = None
    after: Any = None
    how: str = ""


def compare(before: Event, after: Event) -> list[Difference]:
    """Every leaf of either, in order of their names. ``extra`` speaks the language of one vendor: what the source's had is lost
    unless it comes back; what the target's has is only a spelling."""
    had, has = leaves(before), leaves(after)
    if before.origin.vendor != after.origin.vendor:
        has = {leaf: value for leaf, value in has.items() if not _is_spelling(leaf)}
    return [_difference(leaf, had, has) for leaf in sorted({*had, *has})]


def _is_spelling(leaf: Leaf) -> bool:
    return leaf.startswith(("extra.", "items.extra."))


def _difference(leaf: Leaf, had: Values, has: Values) -> Difference:
    before, after = had.get(leaf, _ABSENT), has.get(leaf, _ABSENT)
    if _same(before, after):
        return Difference(leaf, "kept", before, after)
    if leaf == "item_ids_are" and after is _ABSENT and "items.id" in has:
        return Difference(leaf, "ambiguous", before, None, "read as ids of products")
    if _is_nothing(before):
        if leaf == "goods_total" and after == _sum_of_lines(has):
            return Difference(leaf, "ambiguous", None, after, "from its lines")
        return _new(leaf, after, had)
    if _is_nothing(after):
        return Difference(leaf, "lost", before, None)
    if _are_lines(before, after):
        return _of_lines(leaf, before, after, had)
    return Difference(leaf, "coerced", before, after, how(before, after))


def _same(before: Any, after: Any) -> bool:
    """Equal, and of one kind: to Python, ``True`` is 1."""
    if type(before) is bool or type(after) is bool:
        return before is after
    if before != after:
        return False
    if isinstance(before, tuple):
        return all(map(_same, cast(tuple[Any, ...], before), after))
    return not isinstance(before, dict) or all(_same(one, after[name]) for name, one in cast(dict[str, Any], before).items())


def _is_nothing(value: Any) -> bool:
    """Whether the leaf is not there; a ``null`` in a bag is."""
    if not isinstance(value, tuple):
        return value is _ABSENT
    return value != () and all(one is None for one in cast(Sequence[Any], value))


# ── what was not there before ────────────────────────────────────────────────────────────────────────────────────────────


def _new(leaf: Leaf, after: Any, had: Values) -> Difference:
    origin = _said_elsewhere(leaf, after, had)
    if origin is None:
        return Difference(leaf, "invented", None, after)
    if class_of(leaf) == "identity":
        return Difference(leaf, "coerced", None, after, f"{origin} stands in")
    return Difference(leaf, "ambiguous", None, after, f"from {origin}")


def _said_elsewhere(leaf: Leaf, after: Any, had: Values) -> str | None:
    """Where the event says this value, or what it is the sum of; ``None`` where it does not say it."""
    if whole := next((name for name, other in had.items() if _says_all(other, after) or _says_all(after, other)), None):
        return whole
    if part := next((name for name, other in had.items() if name != leaf and _says_part(other, after)), None):
        return f"some of {part}"
    values = [one for one in cast(Sequence[Any], after) if one is not None] if isinstance(after, tuple) else [after]
    if not values or any(one != values[0] for one in values) or type(values[0]) not in (int, Decimal, str):
        return None
    value = values[0]
    names = [name for name, other in had.items() if name != leaf and _says(other, value)]
    likely = min(names, key=lambda name: (*_unlike(name, leaf), class_of(name) != class_of(leaf), name), default=None)
    if isinstance(value, str) or (likely is not None and _last(likely) == _last(leaf)):
        return likely
    return next((name for name, amount in _sums(leaf, had) if amount == value), likely)


def _says_all(values: Any, listed: Any) -> bool:
    """Whether these are the values of a list: of the items that have one, or as a text of JSON."""
    if not isinstance(listed, tuple):
        return False
    if isinstance(values, tuple):
        return _same(tuple(one for one in cast(Sequence[Any], values) if one is not None), listed)
    if not (isinstance(values, str) and values.startswith("[")):
        return False
    try:
        return msgspec.json.decode(values) == list(cast(Sequence[Any], listed))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _says_part(values: Any, listed: Any) -> bool:
    """Whether a list is what was left of these values, in their order."""
    if not (isinstance(values, tuple) and isinstance(listed, tuple) and len(cast(Sequence[Any], listed)) > 1):
        return False
    rest = iter(cast(Sequence[Any], values))
    return all(any(_same(one, value) for value in rest) for one in cast(Sequence[Any], listed))


def _unlike(name: Leaf, leaf: Leaf) -> tuple[bool, bool]:
    """``cost`` and ``attrs.cost`` are like each other, ``attrs.x_cost`` somewhat."""
    return _last(name) != _last(leaf), _last(name) not in _last(leaf)


def _last(leaf: Leaf) -> str:
    return leaf.rpartition(".")[2]


def _says(other: Any, value: str | int | Decimal) -> bool:
    if isinstance(other, tuple):
        return any(_says(one, value) for one in cast(Sequence[Any], other))
    if isinstance(value, str) and isinstance(other, str):
        return other == value or value.endswith(f"/{other}")
    return type(other) in (int, Decimal) and (str(other) if isinstance(value, str) else other) == value


def _sums(leaf: Leaf, had: Values) -> Iterator[tuple[str, Decimal]]:
    """The amounts that can be summed up from what the event says, with what they are the sums of."""
    known: dict[str, Decimal] = {name: had[name] for name in ("goods_total", "grand_total") if name != leaf and name in had}
    yield from known.items()
    if (lines := _sum_of_lines(had)) is not None:
        known["its lines"] = lines
        yield "its lines", lines
    for name, amount in known.items():
        if name == "grand_total":
            continue
        parts = [part for part in ("shipping", "tax") if part in had]
        for chosen in ([part] for part in parts) if len(parts) < 2 else (["shipping"], ["tax"], parts):
            try:
                yield " + ".join((name, *chosen)), reduce(EXACT.add, (had[part] for part in chosen), amount)
            except DecimalException:
                continue


def _sum_of_lines(had: Values) -> Decimal | None:
    prices, quantities = had.get("items.unit_price", ()), had.get("items.quantity", ())
    lines = [(price, number) for price, number in zip(prices, quantities, strict=False) if None not in (price, number)]
    try:
        return total(lines) if lines and len(lines) == len(had.get("items.unit_price", ())) else None
    except DecimalException:
        return None


# ── what came back otherwise ─────────────────────────────────────────────────────────────────────────────────────────────


_WORST: tuple[Kind, ...] = ("lost", "coerced", "ambiguous", "invented", "kept")


def _are_lines(before: Any, after: Any) -> bool:
    return isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after) and before != ()  # type: ignore[misc]


def _of_lines(leaf: Leaf, before: Sequence[Any], after: Sequence[Any], had: Values) -> Difference:
    """The worst that became of any of the items' values."""
    if None not in before and sorted(map(repr, before)) == sorted(map(repr, after)):
        return Difference(leaf, "coerced", before, after, "in another order")
    fates = [_of_line(leaf, one, other, had) for one, other in zip(before, after, strict=True)]
    kinds: set[Kind] = {fate.kind for fate in fates}
    kind = min(kinds, key=_WORST.index)
    hows = dict.fromkeys(fate.how for fate in fates if fate.kind == kind and fate.how)
    return Difference(leaf, kind, before, after, ", ".join(hows) or ("of some items" if kind == "lost" else ""))


def _of_line(leaf: Leaf, before: Any, after: Any, had: Values) -> Difference:
    if _same(before, after):
        return Difference(leaf, "kept", before, after)
    if after is None:
        return Difference(leaf, "lost", before)
    return _new(leaf, after, had) if before is None else Difference(leaf, "coerced", before, after, how(before, after))


def how(before: Any, after: Any) -> str:
    """What happened to a value, as far as the two values show it."""
    if isinstance(before, dict) and isinstance(after, dict):
        return _how_members(cast(dict[str, Any], before), cast(dict[str, Any], after))
    if isinstance(before, tuple) and isinstance(after, tuple):
        return _how_list(cast(Sequence[Any], before), cast(Sequence[Any], after))
    if isinstance(before, str) and isinstance(after, str):
        return f"cut at {len(after)} characters" if before.startswith(after) else "changed"
    if _is_number(before) and _is_number(after):
        return _how_number(Decimal(cast(int, before)), Decimal(cast(int, after)))
    return f"{json_kind(before)} as {json_kind(after)}"


_WORDS: dict[type[Any], str] = {
    bool: "a truth value",
    int: "a number",
    Decimal: "a number",
    str: "a text",
    tuple: "a list",
    dict: "an object",
    type(None): "null",
}


def json_kind(value: Any) -> str:
    """What kind of JSON a value is, in words."""
    return _WORDS.get(cast(type[Any], type(value)), "something else")


def _is_number(value: Any) -> bool:
    return type(value) in (int, Decimal)


def _how_members(before: dict[str, Any], after: dict[str, Any]) -> str:
    parts = [f"without {name}" for name in before if name not in after]
    parts += [f"with {name}" for name in after if name not in before]
    parts += [how(one, after[name]) for name, one in before.items() if name in after and not _same(one, after[name])]
    return ", ".join(parts)


def _how_list(before: Sequence[Any], after: Sequence[Any]) -> str:
    if len(after) < len(before) and tuple(before[: len(after)]) == tuple(after):
        return f"the first {len(after)} only" if len(after) > 1 else "the first only"
    return "fewer of them" if len(after) < len(before) else "changed"


def _how_number(before: Decimal, after: Decimal) -> str:
    places = max(-cast(int, after.as_tuple().exponent), 0)
    try:
        near = abs(EXACT.subtract(before, after)) < EXACT.scaleb(Decimal(1), -places)
    except DecimalException:
        near = False
    if not near:
        return "another number"
    return f"to {places} decimals" if places else "to a whole number"
