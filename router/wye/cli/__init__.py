"""The ``wye`` command. One command, one module; this one only chooses."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from wye.errors import ConfigError, Exit, PluginError

COMMANDS = ("run", "check", "plugins", "translate", "explain", "dead-letters", "spool", "schema")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(f"wye {version('wye')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The whole command line; each command's module adds its own."""
    top = argparse.ArgumentParser(prog="wye", description="Route events between vendors' formats.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"wye.cli.{name.replace('-', '')}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (``wye.errors.Exit``)."""
    arguments = parser().parse_args(argv)
    try:
        code = int(arguments.main(arguments))
        sys.stdout.flush()
        return code
    except ConfigError as error:
        from wye.cli import show

        show.problems(error.problems)
        return Exit.FAULTY
    except PluginError as error:
        for line in str(error).splitlines():
            print(f"wye: {line}", file=sys.stderr)
        return Exit.FAULTY
    except BrokenPipeError:
        # Whoever read has had enough. What is still buffered must not be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130
