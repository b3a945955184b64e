"""``wye schema``: the JSON Schema of the config, or its reference in Markdown."""

from __future__ import annotations

import argparse
import sys

import msgspec

from wye.errors import Exit

HELP = "print the JSON Schema of the whole config, plugins included"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--markdown", action="store_true", help="print the configuration reference instead")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.config.reference import reference
    from wye.config.schema import config_schema
    from wye.registry import load

    registry = load()
    if arguments.markdown:
        print(reference(registry), end="")
        return Exit.OK
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(config_schema(registry)), indent=2) + b"\n")
    return Exit.OK
