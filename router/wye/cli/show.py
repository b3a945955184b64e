"""What ``wye run`` shows: one screen at the start, the ledger at the end. Aligned; in colour on a terminal only, and never by
colour alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wye.config.model import Config
from wye.deadletters import DeadLetters
from wye.ledger import Ledger, SinkAccount

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PLAIN_WIDTH = 200


def console(*, stderr: bool = True) -> Console:
    """A console on standard error (or output) that never wraps where nobody looks."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PLAIN_WIDTH, highlight=False, emoji=False, markup=False)


def table(*columns: str, numbers: bool = False) -> Table:
    """A table without lines; with ``numbers``, all columns but the first are flushed right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if numbers and index else "left", overflow="fold")
    return made


def overview(config: Config) -> None:
    """What wye listens on and where events go."""
    out = console()
    rows = table("source", "type", "takes events from")
    for source in config.sources:
        rows.add_row(source.name, source.type, ", ".join(map(config.secrets.redact, source.source.listens)))
    out.print(rows)
    rows = table("sink", "type", "gets events of", "sends to")
    for sink in config.sinks:
        condition = " where …" if sink.where else ""
        inputs = ", ".join(sink.options.inputs) + condition
        rows.add_row(sink.name, sink.options.type, inputs, config.secrets.redact(sink.transport.target))
    out.print(rows)


def ledger(accounts: Ledger, dead_letters: DeadLetters) -> None:
    """received = delivered + filtered + dead-lettered + dropped + in flight, for each sink."""
    out = console()
    rows = table("source", "received", "undecodable", numbers=True)
    for source in accounts.sources:
        rows.add_row(source.name, str(source.received), str(source.undecodable))
    out.print(rows)
    rows = table("sink", "received", "delivered", "filtered", "dead-lettered", "dropped", "in flight", "", numbers=True)
    for sink in accounts.sinks:
        counts = (sink.received, sink.delivered, sink.filtered, sink.dead_lettered, sink.dropped, sink.in_flight)
        rows.add_row(sink.name, *map(str, counts), "" if sink.balanced else "DOES NOT ADD UP")
    out.print(rows)
    for sink in accounts.sinks:
        if sink.filtered_types:
            out.print(f"sink {sink.name} has no name for: {_types(sink)}")
    if dead_letters.count:
        out.print(f"dead letters: {dead_letters.count} in {dead_letters.path}")


def _types(sink: SinkAccount) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sink.filtered_types.most_common())


def write_ledger(path: Path, accounts: Ledger) -> None:
    """The ledger as JSON: ``{"sources": […], "sinks": […]}``, counts in events."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(accounts)) + b"\n")
