"""``wye translate --from A --to B [FILE]``: one format into another, line by line."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, BinaryIO

from wye.errors import ConfigError, Exit, Problem
from wye.message import Payload, Unfit
from wye.plugin import Decoder, Encoder

HELP = "translate JSON lines from one adapter's format into another's"


def add_arguments(command: argparse.ArgumentParser) -> None:
    adapter = 'an adapter\'s name, or its inline table as in a config: \'{ type = "clickstream", app_id = "shop" }\''
    command.add_argument("--from", dest="origin", required=True, metavar="ADAPTER", help=f"what comes in: {adapter}")
    command.add_argument("--to", dest="target", required=True, metavar="ADAPTER", help="what goes out, likewise")
    command.add_argument("file", nargs="?", metavar="FILE", help="JSON lines; standard input when left out")


def main(arguments: argparse.Namespace) -> Exit:
    from wye.registry import load

    registry = load()
    decoder = _adapter(registry, "source", "--from", arguments.origin).decoder
    encoder = _adapter(registry, "sink", "--to", arguments.target).encoder
    if arguments.file is None:
        return _translate(decoder, encoder, sys.stdin.buffer)
    try:
        with open(arguments.file, "rb") as file:  # noqa: PTH123
            return _translate(decoder, encoder, file)
    except OSError as error:
        print(f"wye: cannot read {arguments.file}: {error.strerror}", file=sys.stderr)
        return Exit.FAULTY


def _adapter(registry: Any, side: Any, option: str, text: str) -> Any:
    import tomli

    from wye.config.adapters import build_adapter

    problems: list[Problem] = []
    try:
        reference = tomli.loads(f"it = {text}")["it"] if text.lstrip().startswith("{") else text
    except tomli.TOMLDecodeError as error:
        raise ConfigError([Problem(option, 0, "", "", f"not a TOML inline table: {error.msg}")]) from None
    built = build_adapter(
        registry,
        side,
        reference,
        (),
        lambda path, message: problems.append(Problem(option, 0, "", ".".join(map(str, path)), message)),
    )
    if problems:
        raise ConfigError(problems)
    return built


def _translate(decoder: Decoder, encoder: Encoder, lines: BinaryIO) -> Exit:
    """Each line on its own, so that a bad one is named by its number and costs only itself."""
    bad = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        decoded = decoder.decode(Payload(line.rstrip(b"\r\n"), "lines", time.time_ns() // 1_000_000))
        reasons = [failure.reason for failure in decoded.failures]
        for document in encoder.encode(decoded.events):
            if not isinstance(document, Unfit):
                sys.stdout.buffer.write(document + b"\n")
            elif document.unmapped:
                print(f"line {number}: left out: {document.reason}", file=sys.stderr)
            else:
                reasons.append(document.reason)
        for reason in reasons:
            bad = True
            print(f"line {number}: {reason}", file=sys.stderr)
    sys.stdout.buffer.flush()
    return Exit.FAULTY if bad else Exit.OK
