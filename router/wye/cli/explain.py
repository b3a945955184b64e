"""``wye explain A B``: what a migration between two formats keeps, loses, invents and changes; measured, not claimed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import msgspec

from wye.cli.adapters import ADAPTER_HELP, adapter_of
from wye.errors import ConfigError, Exit, Problem

if TYPE_CHECKING:
    from wye.fidelity.measure import Format
    from wye.fidelity.pair import Line, Pair, Row
    from wye.message import Decoded
    from wye.registry import Registry

HELP = (
    "say what is kept, lost, invented, changed, or can no longer be told apart (ambiguous), and why, when one format is "
    "translated into another"
)

_WIDTH = 100


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", nargs="?", metavar="A", help=f"the format that comes in: {ADAPTER_HELP}")
    command.add_argument("target", nargs="?", metavar="B", help="the format that goes out, likewise")
    command.add_argument("--type", dest="only_type", metavar="TYPE", help="only events of this canonical type, as purchase")
    command.add_argument("--events", type=Path, metavar="FILE", help="measure these events of A too (JSON lines)")
    command.add_argument(
        "--default",
        action="append",
        default=[],
        dest="defaults",
        metavar="NAME=VALUE",
        help="a default of the sink's `defaults`, such as currency=EUR or channel_type=SITE; may be repeated",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--matrix", action="store_true", help="all pairs of installed vendors, in short")
    command.add_argument("--markdown", action="store_true", help="with --matrix: print the page docs/fidelity.md")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.registry import load

    registry = load()
    if arguments.matrix:
        return _matrix(registry, markdown=arguments.markdown, as_json=arguments.json)
    if arguments.source is None or arguments.target is None:
        print("wye explain: name two formats, A and B, or ask for --matrix", file=sys.stderr)
        return Exit.USAGE
    defaults = _defaults(arguments.defaults)
    source, target = _formats(registry, arguments.source, arguments.target)
    return _explain(source, target, defaults, arguments)


def _explain(source: Format, target: Format, defaults: Mapping[str, str], arguments: argparse.Namespace) -> Exit:
    from wye.cli import show
    from wye.fidelity.pair import explain
    from wye.where import type_fault

    fault = None if arguments.only_type is None else type_fault(arguments.only_type)
    if fault is not None:
        raise ConfigError([Problem("--type", 0, "", "", fault)])
    decoded = _read(arguments.events, source)
    for failure in decoded.failures:
        show.line(failure.reason, bold=f"line {failure.index + 1}:")
    pair = explain(source, target, arguments.only_type, decoded.events, defaults)
    if not pair.rows and not pair.unmapped and not pair.refused:
        show.line(f"wye explain: {source.name} has no events of type {arguments.only_type}")
        return Exit.FAULTY
    if arguments.json:
        print(msgspec.json.encode(pair).decode())
    else:
        _show(pair)
    return Exit.FAULTY if decoded.failures else Exit.OK


def _defaults(given: Sequence[str]) -> dict[str, str]:
    """The defaults by canonical leaf, checked as those of a config are."""
    from wye.config.model import DefaultsOptions

    table: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError([Problem("--default", 0, "", "", f'found "{text}"; expected NAME=VALUE, such as currency=EUR')])
        table[name] = value
    try:
        return msgspec.convert(table, DefaultsOptions).by_leaf()
    except msgspec.ValidationError as error:
        raise ConfigError([Problem("--default", 0, "", "", str(error))]) from None


def _formats(registry: Registry, source: str, target: str) -> tuple[Format, Format]:
    from wye.config.secrets import Secrets
    from wye.fidelity.formats import name_of

    secrets, problems = Secrets(), list[Problem]()
    built: list[Format] = []
    for option, text, side in (("A", source, "source"), ("B", target, "sink")):
        chosen = adapter_of(registry, side, option, text, secrets, problems)
        if not problems:
            built.append(_format(registry, name_of(text), side, chosen))
    if problems:
        raise ConfigError(problems)
    return built[0], built[1]


def _format(registry: Registry, name: str, side: Any, chosen: Any) -> Format:
    """The side that was asked for as it was asked for, the other one with its defaults."""
    from wye.fidelity.formats import default_format
    from wye.fidelity.measure import Format

    default = default_format(registry, name)
    if default is None:
        raise ConfigError(
            [Problem(name, 0, "", "", "this adapter is not both read and written; both are needed to measure it")]
        )
    inbound, outbound = (chosen, default.outbound) if side == "source" else (default.inbound, chosen)
    return Format(name, outbound, inbound)


def _read(path: Path | None, source: Format) -> Decoded:
    from wye.lines import LineChunk
    from wye.message import Decoded

    if path is None:
        return Decoded(())
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, "", "", f"cannot read it: {error.strerror}")]) from None
    return LineChunk(text, 1, 0, len(text), text.count(b"\n")).decode(source.inbound.decoder, 0)


# ── one pair ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(pair: Pair) -> None:
    from wye.cli import show
    from wye.fidelity.pair import ORDER, lines_of
    from wye.words import counted

    measured = sum(pair.measured.values())
    show.line(
        f"{counted(measured, 'event')} of {counted(len(pair.measured), 'type')} measured",
        bold=f"{pair.source} → {pair.target}:",
        out=sys.stdout,
    )
    for kind in ORDER:
        for line in lines_of(pair, kind):
            _show_line(line, pair)
    if pair.unmapped:
        _paragraph("no name for", ", ".join(f"{name} (some)" if name in pair.measured else name for name in pair.unmapped))
    for refusal in pair.refused:
        types = ", ".join(refusal.types)
        _paragraph(
            "refused", f"{refusal.reason}; " + (f"{types}, of which none is taken" if refusal.always else f"some {types}")
        )


def _show_line(line: Line, pair: Pair) -> None:
    """The reason, and under it the leaves; of what is kept, which needs no reason, only their names."""
    if line.kind == "kept":
        _paragraph("kept", ", ".join(f"{row.leaf} (sometimes)" if row.sometimes else row.leaf for row in line.rows))
        return
    from wye.words import printable

    _paragraph(line.kind, f"{line.reason} [{line.source}]" if line.source else line.reason)
    widest = min(max(len(row.leaf) for row in line.rows), 28)
    for row in line.rows:
        notes = _notes(row, pair)
        text = printable(f"  {row.leaf:{widest}}  {_example(row)}" + (f"  ({notes})" if notes else ""))
        print("\n".join(wrap(text.rstrip(), _WIDTH, subsequent_indent=" " * (widest + 4), drop_whitespace=True)))


def _paragraph(title: str, text: str) -> None:
    from wye.cli import show

    first, *others = wrap(f"{title}: {text}", _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    show.line(first.removeprefix(f"{title}:").strip(), bold=f"{title}:", out=sys.stdout)
    for other in others:
        show.line(other, out=sys.stdout)


def _notes(row: Row, pair: Pair) -> str:
    from wye.fidelity.pair import types_with

    notes = list(row.how)
    if row.sometimes:
        notes.append("sometimes")
    if set(row.types) != types_with(row.leaf, pair):
        notes.append(f"in {', '.join(row.types)}")
    return "; ".join(notes)


def _example(row: Row) -> str:
    before, after = _value(row.before), _value(row.after)
    return f"{before or 'nothing'} → {after}" if after else before


def _value(value: Any) -> str:
    """One value or, for items, one for each of them; cut where it gets long."""
    from wye.words import cut

    if value is None:
        return ""
    text = ", ".join(_value(one) or "–" for one in value) if isinstance(value, tuple) else str(value)  # type: ignore[misc]
    return cut(text, 24)


# ── all pairs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _matrix(registry: Registry, *, markdown: bool, as_json: bool) -> Exit:
    from wye.fidelity import page
    from wye.fidelity.formats import all_formats
    from wye.fidelity.pair import explain_all

    pairs = explain_all(all_formats(registry))
    if as_json:
        print(msgspec.json.encode(pairs).decode())
    elif markdown:
        print(page.render(pairs), end="")
    else:
        _show_matrix(pairs)
    return Exit.OK


def _show_matrix(pairs: list[Pair]) -> None:
    from wye.cli import show
    from wye.fidelity.pair import COUNTED, counts

    rows = [(f"{pair.source} → {pair.target}", *map(str, counts(pair)), str(len(pair.unmapped))) for pair in pairs]
    show.table(("leaves", *COUNTED, "types without a name"), rows, numbers=True, out=sys.stdout)
