"""The ``wye`` command. One command, one module; this one only chooses."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

from wye.errors import ConfigError, Exit, PluginError

COMMANDS = ("run", "check", "plugins", "translate", "schema")


def parser() -> argparse.ArgumentParser:
    """The whole command line; each command's module adds its own."""
    top = argparse.ArgumentParser(prog="wye", description="Route events between vendors' formats.")
    top.add_argument("--version", action="version", version=f"wye {version('wye')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"wye.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (``wye.errors.Exit``)."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.main(arguments))
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return Exit.FAULTY
    except PluginError as error:
        print(f"wye: {error}", file=sys.stderr)
        return Exit.FAULTY
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.OK
    except KeyboardInterrupt:
        return 130
