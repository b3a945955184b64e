"""``wye plugins``: what is installed, from which distribution, with its options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wye.errors import Exit

if TYPE_CHECKING:
    from msgspec import Struct

    from wye.registry import Offer

HELP = "list the installed sources, sinks, adapters and transforms, with their options"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", help="show the options of parts with this name only, with their descriptions")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.registry import load

    everything = load().offers
    name: str | None = arguments.name
    offers = [offer for offer in everything if name in (None, offer.part.name)]
    if not offers:
        from wye.words import nearest

        hint = nearest(str(name), sorted({offer.part.name for offer in everything}), values=True)
        print(f'wye: nothing named "{name}" is installed; {hint}', file=sys.stderr)
        return Exit.FAULTY
    if name:
        _describe(offers)
    else:
        _list(offers)
    return Exit.OK


def _list(offers: list[Offer]) -> None:
    from wye.cli import show
    from wye.config.describe import describe

    rows = [
        (kind, offer.part.name, offer.distribution, ", ".join(option.name for option in describe(config)) or "none")
        for offer in offers
        for kind, config in structs_of(offer)
    ]
    show.table(("kind", "name", "from", "options"), rows, out=sys.stdout)


def structs_of(offer: Offer) -> Iterator[tuple[str, type[Struct]]]:
    """A part's option structs, with the words for what they configure."""
    from wye.plugin import AdapterPart

    part = offer.part
    if not isinstance(part, AdapterPart):
        yield offer.kind, part.config
        return
    if part.source is not None:
        yield "adapter (source)", part.source.config
    if part.sink is not None:
        yield "adapter (sink)", part.sink.config


def _describe(offers: list[Offer]) -> None:
    from wye.cli import show
    from wye.config.describe import describe

    first = True
    for offer in offers:
        for kind, config in structs_of(offer):
            if not first:
                print()
            first = False
            show.line(f"from {offer.distribution}", bold=f"{kind} {offer.part.name}", out=sys.stdout)
            rows = [(one.name, one.type, one.default, one.description) for one in describe(config, nested=True)]
            if rows:
                show.table(("option", "type", "default", "description"), rows, out=sys.stdout)
            else:
                print("no options")
