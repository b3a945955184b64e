"""``wye check FILE…``: every mistake of a config at once, and nothing started."""

from __future__ import annotations

import argparse

from wye.errors import Exit

HELP = "check a config; prints every mistake and exits with 1 when there is one"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="TOML files that make up the config")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.config import load_config
    from wye.registry import load
    from wye.words import counted

    config = load_config(arguments.files, load())
    counts = [(len(config.sources), "source"), (len(config.transforms), "transform"), (len(config.sinks), "sink")]
    print("ok: " + ", ".join(counted(count, name) for count, name in counts if count))
    return Exit.OK
