"""``wye run`` with several workers: the parent's side of the command line."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import trio

from wye.cli import logs
from wye.cli.run import account, say_all, writable
from wye.config.model import RootOptions
from wye.config.secrets import Secrets
from wye.deadletters.table import NAME
from wye.errors import Exit
from wye.plugin import StartError
from wye.workers.files import hold
from wye.workers.supervisor import Supervisor


def main(arguments: argparse.Namespace, root: RootOptions) -> Exit:
    """Start the workers, and show what they have come to when all have ended."""
    logs.to_stderr(Secrets(), logging.WARNING if arguments.quiet else logging.INFO)
    if arguments.ledger and not writable(arguments.ledger):
        return Exit.NOT_STARTED
    data_dir = Path(root.data_dir)
    try:
        held = hold(data_dir)
    except StartError as error:
        say_all(error)
        return Exit.NOT_STARTED
    own = [*(["--quiet"] if arguments.quiet else []), *arguments.files]
    parent = Supervisor(own, root.workers, root.grace_secs, held)
    code = trio.run(parent.run)
    if not parent.started:
        return code
    return account(arguments, code, parent.ledger, parent.letters, data_dir / NAME)
