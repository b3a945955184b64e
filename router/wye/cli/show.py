"""What ``wye`` shows to people: aligned, in colour on a terminal only, and never by colour alone.

Where nobody looks (a file, a pipe) it is plain text, one line for each thing, as long as it needs to be.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from wye.config.model import Config
    from wye.errors import Problem
    from wye.ledger import Ledger, SinkAccount

Rows = Sequence[Sequence[str]]

_SHOWN = 8
"""Types and leaves named in a line of the ledger; all that were counted are in its JSON."""


@contextmanager
def _to_whoever_reads() -> Generator[None]:
    """For what a daemon says: that its terminal is closed, or its reader gone, changes nothing of what it does."""
    with suppress(OSError):
        yield


def table(columns: Sequence[str], rows: Rows, *, numbers: bool = False, out: TextIO | None = None) -> None:
    """Rows under headings; with ``numbers``, all columns but the first are flushed right. ``out`` is standard error where
    nothing is said."""
    stream: TextIO = out or sys.stderr
    if stream.isatty():
        _terminal_table(columns, rows, numbers, stream)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = [
            cell.rjust(width) if numbers and index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip(), file=stream)


def _terminal_table(columns: Sequence[str], rows: Rows, numbers: bool, out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        right = numbers and index > 0
        made.add_column(column, justify="right" if right else "left", style="" if index else "cyan", overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    Console(file=out).print(made)


def line(text: str, *, bold: str = "", out: TextIO | None = None) -> None:
    """One line; ``bold`` is how it begins, and stands out on a terminal."""
    from wye.words import printable

    stream: TextIO = out or sys.stderr
    whole = printable(f"{bold} {text}" if bold and text else bold or text)
    if not (bold and stream.isatty()):
        print(whole, file=stream)
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=stream, soft_wrap=True).print(Text.assemble((bold, "bold cyan"), whole.removeprefix(bold)))


def problems(found: Sequence[Problem]) -> None:
    """Each mistake on a line, and how many there are."""
    from wye.words import counted

    for problem in found:
        line(problem.message, bold=problem.place)
    line(f"wye: {counted(len(found), 'mistake')}")


@_to_whoever_reads()
def overview(config: Config) -> None:
    """What wye listens on and where events go."""
    from wye.words import found

    redact = config.secrets.redact
    table(
        ("source", "type", "takes events from"),
        [(one.name, one.type, ", ".join(map(redact, one.source.listens))) for one in config.sources],
    )
    if config.transforms:
        table(
            ("transform", "type", "gets events of"),
            [(one.name, one.type, ", ".join(one.inputs)) for one in config.transforms],
        )
    rows: list[tuple[str, ...]] = []
    for sink in config.sinks:
        only = f" where {redact(found(sink.options.where))}" if sink.options.where else ""
        rows.append((sink.name, sink.options.type, ", ".join(sink.options.inputs) + only, redact(sink.transport.target)))
    table(("sink", "type", "gets events of", "sends to"), rows)
    line(f"stop with Ctrl-C or SIGTERM; what is in flight has {config.grace_secs:g} s then", bold="wye runs:")


@_to_whoever_reads()
def ledger(accounts: Ledger, letters: int, path: Path) -> None:
    """received = delivered + filtered + dead-lettered + dropped + in flight, for each sink; and so many dead ``letters`` in
    ``path``."""
    table(
        ("source", "received", "undecodable"),
        [(source.name, str(source.received), str(source.undecodable)) for source in accounts.sources],
        numbers=True,
    )
    rows: list[tuple[str, ...]] = []
    for sink in accounts.sinks:
        counts = (sink.received, sink.delivered, sink.filtered, sink.dead_lettered, sink.dropped, sink.in_flight)
        rows.append((sink.name, *map(str, counts)))
    table(("sink", "received", "delivered", "filtered", "dead-lettered", "dropped", "in flight"), rows, numbers=True)
    for sink in accounts.sinks:
        if not sink.balanced:
            line("its counts do not add up; this is a fault of wye", bold=f"sink {sink.name}:")
        if sink.filtered_types:
            types = [f"{name} ({count})" for name, count in sink.filtered_types.most_common()]
            line(f"its format has no name for {_some(types)}", bold=f"sink {sink.name}:")
        if sink.losses:
            _losses(sink)
    if letters:
        line(f"{letters} in {path}", bold="dead letters:")


def _losses(sink: SinkAccount) -> None:
    """What its format could not hold, by kind and leaf, over all types; with how often that was found."""
    from wye.words import counted

    leaves = sum((losses.leaves for losses in sink.losses.values()), Counter[str]())
    sampled = sum(losses.sampled for losses in sink.losses.values())
    for kind in ("lost", "invented", "coerced", "ambiguous"):
        names = [leaf.removeprefix(f"{kind} ") for leaf, _ in leaves.most_common() if leaf.startswith(f"{kind} ")]
        if names:
            line(f"{kind} {_some(names)} ({counted(sampled, 'event')} measured)", bold=f"sink {sink.name}:")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def write_ledger(path: Path, accounts: Ledger) -> None:
    """The ledger as JSON: ``{"sources": […], "sinks": […]}``, counts in events."""
    import msgspec

    path.write_bytes(msgspec.json.format(msgspec.json.encode(accounts)) + b"\n")
