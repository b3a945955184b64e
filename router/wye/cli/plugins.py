"""``wye plugins``: what is installed, from which distribution, with its options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from msgspec import Struct

from wye.errors import Exit
from wye.plugin import AdapterPart
from wye.registry import Offer

HELP = "list the installed sources, sinks, adapters and transforms, with their options"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", help="show the options of parts with this name only, with their descriptions")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.cli import show
    from wye.registry import load

    offers = [offer for offer in load().offers if arguments.name in (None, offer.part.name)]
    out = show.console(stderr=False)
    if not offers:
        out.print(f"nothing named {arguments.name!r} is installed")
        return Exit.FAULTY
    rows = show.table("kind", "name", "from", "options")
    for offer in offers:
        for kind, config in structs_of(offer):
            rows.add_row(kind, offer.part.name, offer.distribution, ", ".join(_option_names(config)))
    out.print(rows)
    if arguments.name:
        _describe(offers)
    return Exit.OK


def structs_of(offer: Offer) -> Iterator[tuple[str, type[Struct]]]:
    """A part's option structs, with the words for what they configure."""
    part = offer.part
    if not isinstance(part, AdapterPart):
        yield offer.kind, part.config
        return
    if part.source is not None:
        yield "adapter (source)", part.source.config
    if part.sink is not None:
        yield "adapter (sink)", part.sink.config


def _option_names(config: type[Struct]) -> list[str]:
    from wye.config.describe import describe

    return [option.name for option in describe(config)]


def _describe(offers: list[Offer]) -> None:
    from wye.cli import show
    from wye.config.describe import describe

    out = show.console(stderr=False)
    for offer in offers:
        for kind, config in structs_of(offer):
            rows = show.table("option", "type", "default", "")
            for option in describe(config, nested=True):
                rows.add_row(option.name, option.type, option.default, option.description)
            out.print(f"\n{kind} {offer.part.name}")
            out.print(rows)
