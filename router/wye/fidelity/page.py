"""The page docs/fidelity.md: every pair of formats, from the measurement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wye.fidelity.compare import Kind
from wye.fidelity.leaves import CLASSES
from wye.fidelity.pair import COUNTED, ORDER, Pair, Refusal, Row, counts, lines_of, types_with

_INTRODUCTION = """\
# Fidelity

What becomes of an event when it is read in one format and written in another. Nothing here is claimed by hand: `wye explain`
takes generated events of every type (with every fact, without each of them, with values at the edges), brings them into the
source's own format, adds documents of that vendor's with what no other format can say, writes all in the target's, reads that
back, and compares leaf by leaf. `make docs` writes this page; a test fails when it is stale, and another when any generated
event fares otherwise than is said here. `extra.*` is what the canonical event keeps for one vendor alone. The reasons are the
vendors' rules, as the adapters state them: in brackets is whose word a rule is, as on the vendor's page. A reason without
brackets is only what was seen. `wye explain A B` prints one pair with the values.

| option | |
|---|---|
| `--type purchase` | only events of one type |
| `--events FILE` | your own events of A too, as JSON lines |
| `--default currency=EUR` | with a default of the sink's `defaults`; also `channel_type` |
| `--json` | as JSON |
| `--matrix` | all pairs in short; with `--markdown` this page |

What can become of a leaf:

- **kept**: it comes back equal.
- **lost**: nothing comes back.
- **coerced**: it comes back changed (how is said), or another identity stands in for one that is not there.
- **ambiguous**: who reads the target cannot tell what was meant. Either a value comes back in a leaf that did not have it: one
  that the event says of another leaf, or that is summed up from others (a page's address as its id, the goods' total as a grand
  total, ids of categories as ids of products). Or it comes back as a value of another kind which others say themselves (`true`
  as the text `"true"`). Both are found by comparing events, not claimed.
- **invented**: something comes back that the event does not say at all (an id derived from the content, required context).
- **default**: the operator's word, from the sink's `defaults`; only where some are given.

"Sometimes" means that in one event type it depends on the value, or on what else the event says: the leaf is kept in some
events and not in others. **No name for** are event types that the target cannot name; they count as filtered. **Refused** are
events that the target does not take at all; they are dead-lettered with that reason. Leaves are named as in `where`. A leaf
that fares otherwise in other event types is listed with its types.

"""

_CHANGES: tuple[Kind, ...] = tuple(kind for kind in ORDER if kind != "kept")


def render(pairs: Sequence[Pair]) -> str:
    """The whole page, as Markdown."""
    return _INTRODUCTION + "".join(_matrix(pairs)) + "".join(line for pair in pairs for line in _section(pair))


def _matrix(pairs: Sequence[Pair]) -> Iterator[str]:
    names = list(dict.fromkeys(pair.source for pair in pairs))
    by_names = {(pair.source, pair.target): pair for pair in pairs}
    yield f"Leaves {' / '.join(COUNTED)}, from the row's format into the column's:\n\n"
    yield "| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names) + "\n"
    for source in names:
        cells = [" / ".join(map(str, counts(by_names[source, target]))) for target in names]
        yield f"| **{source}** | " + " | ".join(cells) + " |\n"
    yield "\n"


def _section(pair: Pair) -> Iterator[str]:
    yield f"## {pair.source} → {pair.target}\n\n"
    lines = [line for kind in _CHANGES for line in _lines(pair, kind)]
    yield "| | class | leaves | why |\n|---|---|---|---|\n" + "".join(lines) if lines else "All of it comes back as it was.\n"
    yield "\n"
    if pair.unmapped:
        named = (f"`{name}`" + (" (some)" if name in pair.measured else "") for name in pair.unmapped)
        yield f"No name for: {', '.join(named)}.\n\n"
    if pair.refused:
        yield "Refused:\n\n"
        for refusal in pair.refused:
            yield f"- {refusal.reason} ({_which(refusal, _names(refusal.types))})\n"
        yield "\n"


def _which(refusal: Refusal, names: str) -> str:
    return f"{names}, of which none is taken" if refusal.always else f"some {names}"


def _names(types: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in types)


def _lines(pair: Pair, kind: Kind) -> Iterator[str]:
    """A line for each reason and class, with the leaves that fare so because of it."""
    for line in lines_of(pair, kind):
        for loss_class in CLASSES:
            leaves = ", ".join(_leaf(row, pair) for row in line.rows if row.loss_class == loss_class)
            if leaves:
                yield f"| {kind} | {loss_class} | {leaves} | {_cell(line.reason, line.source)} |\n"


def _cell(reason: str, source: str) -> str:
    return (f"{reason} [{source}]" if source else reason).replace("|", "\\|")


def _leaf(row: Row, pair: Pair) -> str:
    """A leaf; how it is changed, whether it always is, and in which types, where it fares otherwise in others."""
    notes = list(row.how)
    if row.sometimes:
        notes.append("sometimes")
    if set(row.types) != types_with(row.leaf, pair):
        notes.append(f"in {', '.join(row.types)}")
    return f"`{row.leaf}`" + (f" ({'; '.join(notes)})" if notes else "")
