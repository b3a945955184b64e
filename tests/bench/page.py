"""The page: ratios first, then every row's figures, the machine, the versions, the commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.measure import Goal, Result, Row, Spread
from bench.plan import NOT_RUN, ROWS
from bench.record import Record
from bench.rows.files import STEPS, W1

NOTES = Path(__file__).with_name("notes.md")
TABLES = (NOTES.with_name("kept.md"), NOTES.with_name("tried.md"))
"""Written by whoever makes something faster, a row each."""


def page(record: Record) -> str:
    """The whole page as Markdown."""
    rows = [(row, record.results[row.name]) for row in ROWS if row.name in record.results]
    lines = [NOTES.read_text().partition("<!-- ratios -->")[0].rstrip(), "", *_goals(rows), "", *_about(record)]
    for row, result in rows:
        lines += ["", *_row(row, result)]
    end = NOTES.read_text().partition("<!-- ratios -->")[2].strip()
    parts = {table.stem: table.read_text().strip() for table in TABLES}
    parts |= {"steps": "\n".join(_steps(record)), "leaves": "\n".join(_leaves(rows))}
    for name, part in parts.items():
        end = end.replace(f"<!-- {name} -->", part)
    return "\n".join([*lines, "", end, ""])


def _goals(rows: list[tuple[Row, Result]]) -> Iterator[str]:
    yield "| | what | goal | median of the rounds | spread | |"
    yield "|---|---|---|---|---|---|"
    for row, result in rows:
        for goal in row.goals:
            yield f"| [{row.name}](#{_anchor(row)}) | {goal.says} | {goal.wanted} | {_reached(goal, result.reached(goal))} |"
    for name, why in NOT_RUN.items():
        yield f"| {name} | left out: {why} | | | | |"


def _reached(goal: Goal, found: Spread | None) -> str:
    if found is None:
        return "no figure | | "
    median, low, high = (_number(value) for value in (found.median, found.low, found.high))
    return f"**{median}** | {low} – {high} | {'met' if goal.met(found.median) else 'not met'}"


def _about(record: Record) -> Iterator[str]:
    yield f"Machine: {'; '.join(record.machine)}. With: {', '.join(record.versions)}."
    yield ""
    for name, why in record.left_out.items():
        yield f"- Left out: {name} ({why})"


def _steps(record: Record) -> Iterator[str]:
    """What each step from the limit to wye costs, and how much of the limit's speed is left."""
    yield "| | CPU an event, least of the rounds (µs) | more than before | of the limit |"
    yield "|---|---|---|---|"
    result = record.results.get(W1.name)
    found = [result and result.spread(one.name, "cpu_us") for one in STEPS]
    costs = [spread.low for spread in found if spread]
    if len(costs) < len(STEPS):
        return
    for place, step in enumerate(STEPS):
        more = _number(costs[place] - costs[place - 1]) if place else ""
        yield f"| {step.name} | {_number(costs[place])} | {more} | {_number(costs[0] / costs[place])} |"
    *_, asked, adapters, run = costs
    reachable = asked + run - adapters
    yield f"| *worked out: values are asked, within wye run* | {_number(reachable)} | | {_number(costs[0] / reachable)} |"


def _leaves(rows: list[tuple[Row, Result]]) -> Iterator[str]:
    """The time that a goal leaves for an event, in the work of the same class: all that is done for it, in one process."""
    yield "| | goal | events a second of the other | leaves for an event (µs) |"
    yield "|---|---|---|---|"
    for row, result in rows:
        for goal in row.goals:
            base = result.spread(goal.base, "rate") if goal.base is not None and goal.metric == "rate" else None
            if row.name in ("W1", "W2b", "W3b") and base is not None:
                leaves = 1e6 / (goal.bound * base.median)
                yield f"| {row.name} | {goal.says}: {goal.wanted} | {_number(base.median)} | {_number(leaves)} |"


def _title(row: Row) -> str:
    return f"{row.name}: {row.title}"


def _anchor(row: Row) -> str:
    """The anchor that Markdown's readers make of a heading."""
    kept = "".join(one for one in _title(row).lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")


def _row(row: Row, result: Result) -> Iterator[str]:
    yield f"## {_title(row)}"
    yield ""
    yield row.how
    yield ""
    yield "| | " + " | ".join(f"{one.title} ({one.unit})" for one in row.metrics) + " |"
    yield "|---|" + "---|" * len(row.metrics)
    for contender in row.contenders:
        cells = [_cell(result.spread(contender.name, one.name)) for one in row.metrics]
        if any(cells):
            yield f"| {contender.name} | " + " | ".join(cells) + " |"
    yield ""
    for name, why in result.faults.items():
        yield f"- No figure for {name}: {why}"
    times = "once" if result.rounds == 1 else f"{result.rounds} rounds in turns"
    yield f"`{result.command}`, {times}, {result.when}, at {result.commit}; load average {result.load}."


def _cell(found: Spread | None) -> str:
    if found is None:
        return ""
    if found.low == found.high:
        return _number(found.median)
    return f"{_number(found.median)} ({_number(found.low)} – {_number(found.high)})"


def _number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 1000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"
