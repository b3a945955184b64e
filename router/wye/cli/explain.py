"""``wye explain A B``: what a migration between two formats keeps, loses, invents and changes; measured, not claimed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wye.cli.adapters import ADAPTER_HELP, adapter_of
from wye.errors import ConfigError, Exit, Problem

if TYPE_CHECKING:
    from wye.event import Event
    from wye.fidelity.measure import Format
    from wye.fidelity.pair import Pair
    from wye.registry import Registry

HELP = "say what is kept, lost, invented and changed when one format is translated into another"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", nargs="?", metavar="A", help=f"the format that comes in: {ADAPTER_HELP}")
    command.add_argument("target", nargs="?", metavar="B", help="the format that goes out, likewise")
    command.add_argument("--type", dest="only_type", metavar="TYPE", help="only events of this canonical type, as purchase")
    command.add_argument("--events", type=Path, metavar="FILE", help="measure these events of A too (JSON lines)")
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
    source, target = _formats(registry, arguments.source, arguments.target)
    return _explain(source, target, arguments)


def _explain(source: Format, target: Format, arguments: argparse.Namespace) -> Exit:
    from wye.fidelity.pair import explain

    events = () if arguments.events is None else _read(arguments.events, source)
    pair = explain(source, target, arguments.only_type, events)
    if not pair.rows and not pair.unmapped and not pair.refused:
        print(f"wye explain: {source.name} has no events of type {arguments.only_type}", file=sys.stderr)
        return Exit.FAULTY
    if arguments.json:
        print(msgspec.json.encode(pair).decode())
    else:
        _show(pair)
    return Exit.OK


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


def _read(path: Path, source: Format) -> Iterable[Event]:
    from wye.message import Payload

    try:
        decoded = source.inbound.decoder.decode(Payload(path.read_bytes(), "lines"))
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, "", "", f"cannot read it: {error.strerror}")]) from None
    for failure in decoded.failures:
        print(f"line {failure.index + 1}: {failure.reason}", file=sys.stderr)
    return decoded.events


def _show(pair: Pair) -> None:
    from wye.cli import show

    rows = [
        (row.kind, row.leaf, row.loss_class, _value(row.before), _value(row.after), ", ".join(row.types)) for row in pair.rows
    ]
    show.table(("", "leaf", "class", "before", "after", "in types"), rows, out=sys.stdout)
    for title, types in (("no name for", pair.unmapped), ("cannot take", pair.refused)):
        for event_type, reason in types.items():
            show.line(f"{event_type}: {reason}", bold=title, out=sys.stdout)


def _value(value: Any) -> str:
    """One value or, for items, one for each of them; cut where it gets long."""
    if value is None:
        return ""
    text = ", ".join(_value(one) for one in value) if isinstance(value, tuple) else str(value)  # type: ignore[misc]
    return text if len(text) <= 40 else text[:39] + "…"


def _matrix(registry: Registry, *, markdown: bool, as_json: bool) -> Exit:
    from wye.fidelity import page
    from wye.fidelity.formats import all_formats
    from wye.fidelity.pair import explain

    formats = all_formats(registry)
    pairs = [explain(source, target) for source in formats for target in formats]
    if as_json:
        print(msgspec.json.encode(pairs).decode())
    elif markdown:
        print(page.render(pairs), end="")
    else:
        _show_matrix(pairs)
    return Exit.OK


def _show_matrix(pairs: list[Pair]) -> None:
    from wye.cli import show

    kinds = ("kept", "lost", "invented", "coerced")
    rows = [
        (
            f"{pair.source} → {pair.target}",
            *(str(len({row.leaf for row in pair.rows if row.kind == kind})) for kind in kinds),
            str(len(pair.unmapped)),
        )
        for pair in pairs
    ]
    show.table(("leaves", *kinds, "types without a name"), rows, numbers=True, out=sys.stdout)
