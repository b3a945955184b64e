"""The ``wye`` command. One command, one module; this one only chooses."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
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
    _prepare_streams()
    arguments = argparse.Namespace(command="")
    try:
        try:
            parser().parse_args(argv, arguments)
            return int(arguments.main(arguments))
        finally:
            sys.stdout.flush()
    except ConfigError as error:
        from wye.cli import show

        show.problems(error.problems)
        return Exit.FAULTY
    except PluginError as error:
        for line in str(error).splitlines():
            print(f"wye: {line}", file=sys.stderr)
        return Exit.FAULTY
    except BrokenPipeError:  # whoever read has had enough
        _drop_output()
        return Exit.OK
    except OSError as error:
        if error.filename is not None or arguments.command == "run":  # which prints nothing there
            raise
        _drop_output()
        print(f"wye: cannot write standard output: {error.strerror}", file=sys.stderr)
        return Exit.FAULTY
    except KeyboardInterrupt:
        return 130


def _prepare_streams() -> None:
    """What a terminal has no character for, and names that are not UTF-8, are shown as escapes. A stream that is closed stays
    so, but its number is taken: the next file that is opened would get what is meant for the stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 0 else os.O_RDONLY)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    # Without it, what is printed there would go to standard output.
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is still buffered must not be written when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
