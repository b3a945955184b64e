"""``wye run FILE…``: the daemon."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path

from wye.errors import Exit

HELP = "run the daemon until its sources end or it is told to stop"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="TOML files that make up the config")
    command.add_argument("--ledger", metavar="PATH", type=Path, help="write the ledger here as JSON at the end")
    command.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def main(arguments: argparse.Namespace) -> Exit:
    import trio

    from wye.cli import logs, show
    from wye.config import load_config
    from wye.daemon import Daemon
    from wye.plugin import StartError
    from wye.registry import load

    config = load_config(arguments.files, load())
    logs.to_stderr(config.secrets, logging.WARNING if arguments.quiet else logging.INFO)
    daemon = Daemon(config)

    def on_started() -> None:
        # What is here now stays: without this the collector would walk over it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        if not arguments.quiet:
            show.overview(config)

    try:
        code = trio.run(daemon.run, on_started)
    except StartError as error:
        for line in str(error).splitlines():
            print(f"wye: {config.secrets.redact(line)}", file=sys.stderr)
        return Exit.NOT_STARTED
    if not arguments.quiet or code is not Exit.OK:
        show.ledger(daemon.ledger, daemon.dead_letters)
    if arguments.ledger:
        show.write_ledger(arguments.ledger, daemon.ledger)
    return code
