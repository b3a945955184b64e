"""``wye run FILE…``: the daemon."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wye.errors import Exit

if TYPE_CHECKING:
    from wye.config import Config
    from wye.daemon import Daemon

HELP = "run the daemon until its sources end or it is told to stop"

log = logging.getLogger("wye.cli")


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="TOML files that make up the config")
    command.add_argument("--ledger", metavar="PATH", type=Path, help="write the ledger here as JSON at the end")
    command.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.cli import logs, show
    from wye.config import load_config
    from wye.daemon import Daemon
    from wye.registry import load

    config = load_config(arguments.files, load())
    logs.to_stderr(config.secrets, logging.WARNING if arguments.quiet else logging.INFO)
    if arguments.ledger and not _writable(arguments.ledger):
        return Exit.NOT_STARTED
    daemon = Daemon(config)
    code = _run(daemon, config, quiet=arguments.quiet)
    if code is Exit.NOT_STARTED:
        return code
    if not arguments.quiet or code is not Exit.OK:
        show.ledger(daemon.ledger, daemon.dead_letters)
    if arguments.ledger:
        show.write_ledger(arguments.ledger, daemon.ledger)
    return code


def _run(daemon: Daemon, config: Config, *, quiet: bool) -> Exit:
    import trio

    from wye.cli import show
    from wye.plugin import StartError

    def on_started() -> None:
        # What is here now stays: without this the collector would walk over it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        if not quiet:
            show.overview(config)

    try:
        return trio.run(daemon.run, on_started)
    except StartError as error:
        for line in str(error).splitlines():
            print(f"wye: {config.secrets.redact(line)}", file=sys.stderr)
        return Exit.NOT_STARTED
    except Exception:  # logged, and not left to the interpreter, which would print secrets
        log.exception("broken by a fault of its own or of a plugin")
        return Exit.BROKEN


def _writable(path: Path) -> bool:
    """Better to learn it now than after the run."""
    try:
        with path.open("ab"):
            return True
    except OSError as error:
        print(f"wye: cannot write the ledger to {path}: {error.strerror}", file=sys.stderr)
        return False
