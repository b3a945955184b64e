"""``wye run FILE…``: the daemon, or the parent of several."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wye.cli import profiling
from wye.errors import ConfigError, Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wye.config import Config
    from wye.config.model import RootOptions
    from wye.daemon import Daemon
    from wye.ledger import Ledger
    from wye.workers.channel import ToParent

HELP = "run the daemon until its sources end or it is told to stop"

log = logging.getLogger("wye.cli")


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help="TOML files that make up the config")
    command.add_argument("--ledger", metavar="PATH", type=Path, help="write the ledger here as JSON at the end")
    command.add_argument(
        "--profile",
        metavar="FILE",
        type=profiling.target,
        help="write here where the CPU time went: .html, .json (speedscope) or .txt; needs pip install 'wye[profile]'",
    )
    command.add_argument("--quiet", action="store_true", help="print warnings and errors only")
    command.add_argument("--workers", type=_count, metavar="N", help="so many processes, whatever the config says")
    # What a parent tells a worker.
    command.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    command.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    command.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("--ended", action="append", default=[], help=argparse.SUPPRESS)


def _count(text: str) -> int:
    """Raises ``ArgumentTypeError`` for what is no number of workers."""
    from wye.config.model import MOST_WORKERS

    if not (text.isdecimal() and 1 <= int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST_WORKERS}, found {text}")
    return int(text)


def main(arguments: argparse.Namespace) -> Exit:
    if arguments.worker is not None:
        return _work(arguments)
    root = _root(arguments)
    if root is not None and root.workers > 1:
        if arguments.profile:
            print(f"wye: --profile looks at one process, and there would be {root.workers}: add --workers 1", file=sys.stderr)
            return Exit.USAGE
        from wye.cli import parent

        return parent.main(arguments, root)
    return _run_alone(arguments)


@profiling.where_asked
def _run_alone(arguments: argparse.Namespace) -> Exit:
    from wye.plugin import StartError
    from wye.workers.files import hold_if_shared

    config = _load(arguments)
    if arguments.ledger and not writable(arguments.ledger):
        return Exit.NOT_STARTED
    try:
        hold_if_shared(config.data_dir)
    except StartError as error:
        say_all(error, config.secrets.redact)
        return Exit.NOT_STARTED
    daemon, code = _run(config, quiet=arguments.quiet)
    if daemon is None:
        return code
    return account(arguments, code, daemon.ledger, daemon.dead_letters.count, daemon.dead_letters.path)


def account(arguments: argparse.Namespace, code: Exit, accounts: Ledger, letters: int, path: Path) -> Exit:
    """Give the account of a run that ended with ``code``, where it is asked for; returns the code to exit with."""
    from wye.cli import show

    if arguments.ledger:
        try:
            show.write_ledger(arguments.ledger, accounts)
        except OSError as error:
            _say_unwritten(arguments.ledger, error)
            code = code or Exit.FAULTY
    if not arguments.quiet or code is not Exit.OK:
        show.ledger(accounts, letters, path)
    return code


def _root(arguments: argparse.Namespace) -> RootOptions | None:
    """What concerns all workers; ``None`` where that cannot be told: who loads all of it says every mistake at once."""
    from msgspec import structs

    from wye.config.load import load_root

    try:
        root = load_root(arguments.files)
    except ConfigError:
        return None
    return root if arguments.workers is None else structs.replace(root, workers=arguments.workers)


def _work(arguments: argparse.Namespace) -> Exit:
    """One of several workers, deaf to signals: its parent says when to stop."""
    from wye.workers.lifeline import end_with_parent

    end_with_parent(arguments.channel)
    from wye.net import share_addresses
    from wye.workers.channel import ToParent

    share_addresses(first=arguments.first)
    channel = ToParent(arguments.channel)
    daemon, code = _run(_load(arguments), quiet=arguments.quiet or not arguments.first, channel=channel, ended=arguments.ended)
    if daemon is not None:
        channel.report_last(daemon)
    return code


def _load(arguments: argparse.Namespace) -> Config:
    """Raises ``ConfigError``."""
    from wye.cli import logs
    from wye.config import load_config
    from wye.registry import load

    worker: int | None = arguments.worker
    config = load_config(arguments.files, load(), worker=worker or 0, workers=arguments.workers)
    who = "" if worker is None else f"worker {worker}: "
    logs.to_stderr(config.secrets, logging.WARNING if arguments.quiet else logging.INFO, who)
    return config


def _run(
    config: Config, *, quiet: bool, channel: ToParent | None = None, ended: Sequence[str] = ()
) -> tuple[Daemon | None, Exit]:
    """The daemon, from its start to its end, and the exit code; ``None`` where it did not come to start."""
    from functools import partial

    import trio

    from wye.cli import show
    from wye.daemon import Daemon
    from wye.plugin import StartError
    from wye.stopping import signals

    daemon = Daemon(config, ended)

    def on_started() -> None:
        # What is here now stays: without this the collector would walk over it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        if not quiet:
            show.overview(config)
        if channel is not None:
            channel.note_started(daemon)

    try:
        return daemon, trio.run(daemon.run, on_started, partial(channel.stops, daemon) if channel is not None else signals)
    except StartError as error:
        say_all(error, config.secrets.redact, "" if channel is None else f"worker {config.worker}: ")
        return None, Exit.NOT_STARTED
    except Exception:  # logged, and not left to the interpreter, which would print secrets
        log.exception("broken by a fault of its own or of a plugin")
        return daemon, Exit.BROKEN


def say_all(error: Exception, redact: Callable[[str], str] = str, who: str = "") -> None:
    """Each of its lines, on standard error."""
    for line in str(error).splitlines():
        print(f"wye: {who}{redact(line)}", file=sys.stderr)


def writable(path: Path) -> bool:
    """Better to learn it now than after the run."""
    try:
        with path.open("ab"):
            return True
    except OSError as error:
        _say_unwritten(path, error)
        return False


def _say_unwritten(path: Path, error: OSError) -> None:
    print(f"wye: cannot write the ledger to {path}: {error.strerror}", file=sys.stderr)
