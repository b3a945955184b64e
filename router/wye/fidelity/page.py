"""The page docs/fidelity.md: every pair of formats, from the measurement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wye.fidelity.leaves import CLASSES
from wye.fidelity.measure import Kind
from wye.fidelity.pair import Pair, Row

_INTRODUCTION = """\
# Fidelity

What becomes of an event when it is read in one format and written in another. Nothing here is claimed by hand: `wye explain`
takes a generated event of every type, brings it into the source's own format, writes it in the target's, reads that back, and
compares leaf by leaf. `make docs` writes this page; a test fails when it is stale. `wye explain A B` prints one pair with the
values, `--type purchase` one type, `--events FILE` measures your own events too.

- **lost**: the source has it, the target has no place for it.
- **invented**: the target has something that the source did not say (an id derived from the content, required context).
- **coerced**: it comes back changed.
- **no name for**: event types that the target cannot name; they count as filtered.

Leaves are named as in `where`. A leaf that fares differently in different event types is listed with
the types.

"""

_KINDS: tuple[Kind, ...] = ("lost", "invented", "coerced")


def render(pairs: Sequence[Pair]) -> str:
    """The whole page, as Markdown."""
    return _INTRODUCTION + "".join(_matrix(pairs)) + "".join(line for pair in pairs for line in _section(pair))


def _matrix(pairs: Sequence[Pair]) -> Iterator[str]:
    names = list(dict.fromkeys(pair.source for pair in pairs))
    by_names = {(pair.source, pair.target): pair for pair in pairs}
    yield "Leaves kept / lost / invented / coerced, from the row's format into the column's:\n\n"
    yield "| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names) + "\n"
    for source in names:
        cells = [_counts(by_names[source, target]) for target in names]
        yield f"| **{source}** | " + " | ".join(cells) + " |\n"
    yield "\n"


def _counts(pair: Pair) -> str:
    kinds: tuple[Kind, ...] = ("kept", *_KINDS)
    return " / ".join(str(len({row.leaf for row in pair.rows if row.kind == kind})) for kind in kinds)


def _section(pair: Pair) -> Iterator[str]:
    yield f"## {pair.source} → {pair.target}\n\n"
    all_types = list(dict.fromkeys(name for row in pair.rows for name in row.types))
    lines = [line for kind in _KINDS for line in _lines(pair, kind, all_types)]
    yield "| | class | leaves |\n|---|---|---|\n" + "".join(lines) if lines else "Nothing is lost, invented or changed.\n"
    yield "\n"
    if pair.unmapped:
        yield f"No name for: {', '.join(f'`{name}`' for name in pair.unmapped)}.\n\n"
    for name, reason in pair.refused.items():
        yield f"Cannot take `{name}`: {reason}.\n\n"


def _lines(pair: Pair, kind: Kind, all_types: Sequence[str]) -> Iterator[str]:
    for loss_class in CLASSES:
        rows = [row for row in pair.rows if row.kind == kind and row.loss_class == loss_class]
        if rows:
            yield f"| {kind} | {loss_class} | {', '.join(_leaf(row, pair, all_types) for row in rows)} |\n"


def _leaf(row: Row, pair: Pair, all_types: Sequence[str]) -> str:
    """A leaf; with its types where it fares otherwise in another one."""
    fates = {other.kind for other in pair.rows if other.leaf == row.leaf}
    if len(fates) == 1 or len(row.types) == len(all_types):
        return f"`{row.leaf}`"
    return f"`{row.leaf}` (in {', '.join(row.types)})"
