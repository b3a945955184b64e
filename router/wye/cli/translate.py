"""``wye translate --from A --to B [FILE]``: one format into another, document by document."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, TextIO

from wye.cli.adapters import ADAPTER_HELP, adapter_of
from wye.errors import ConfigError, Exit, Problem

if TYPE_CHECKING:
    from wye.config.secrets import Secrets
    from wye.message import Payload
    from wye.plugin import Decoder, Encoder, Outbound
    from wye.registry import Registry

HELP = "translate JSON from one adapter's format into another's"


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="origin", required=True, metavar="ADAPTER", help=f"what comes in: {ADAPTER_HELP}")
    command.add_argument("--to", dest="target", required=True, metavar="ADAPTER", help="what goes out, likewise")
    command.add_argument("--carry", action="store_true", help="carry what has no place in the target among its attributes")
    command.add_argument(
        "file", nargs="?", metavar="FILE", help="JSON, one document a line or any over several; standard input when left out"
    )


def main(arguments: argparse.Namespace) -> Exit:
    from wye.config.secrets import Secrets
    from wye.registry import load

    registry, secrets, problems = load(), Secrets(), list[Problem]()
    inbound = adapter_of(registry, "source", "--from", arguments.origin, secrets, problems)
    outbound = adapter_of(registry, "sink", "--to", arguments.target, secrets, problems)
    if problems:
        raise ConfigError(problems)
    encoder = _carrying(registry, arguments.target, outbound) if arguments.carry else outbound.encoder
    name = arguments.file or "standard input"
    try:
        with _input(arguments.file) as file:
            return _translate(inbound.decoder, encoder, _read_as(name, _payloads(file)), secrets)
    except OSError as error:
        if error.filename is None:  # it is standard output's
            raise
        print(f"wye: cannot read {name}: {error.strerror}", file=sys.stderr)
        return Exit.FAULTY


def _input(name: str | None) -> AbstractContextManager[BinaryIO]:
    """The file, or standard input. Raises ``OSError`` with its name."""
    if name is not None:
        return open(name, "rb")  # noqa: PTH123
    stdin: TextIO | None = sys.stdin
    if stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard input")
    return nullcontext(stdin.buffer)


def _read_as(name: str, read: Iterator[tuple[str, Payload]]) -> Iterator[tuple[str, Payload]]:
    """What is ``read``. Raises ``OSError`` with ``name``, which tells it from one of standard output."""
    try:
        yield from read
    except OSError as error:
        error.filename = name
        raise


def _carrying(registry: Registry, target: str, outbound: Outbound) -> Encoder:
    """The encoder, carrying what has no place in its format."""
    from wye.fidelity.formats import format_of, name_of
    from wye.fitting import Fitting, FittingEncoder

    if outbound.bag is None:
        raise ConfigError([Problem("--carry", 0, "", "", f"{name_of(target)} has no free attributes to carry in")])
    readback = format_of(registry, name_of(target), outbound)
    return FittingEncoder("translate", outbound.encoder, Fitting(carry=True), readback, {})


def _translate(decoder: Decoder, encoder: Encoder, payloads: Iterable[tuple[str, Payload]], secrets: Secrets) -> Exit:
    """Each line, or document that is spread over lines, on its own, so that a bad one is named by its number and costs only
    itself."""
    from wye.words import printable

    code = Exit.OK
    for name, payload in payloads:
        for reason, bad in _translate_one(decoder, encoder, payload):
            code = Exit.FAULTY if bad else code
            print(f"{name}: {printable(secrets.redact(reason))}", file=sys.stderr)
    sys.stdout.buffer.flush()
    return code


def _payloads(file: BinaryIO) -> Iterator[tuple[str, Payload]]:
    """What there is to translate, and what to call it. Lines are taken as they come. Only where the first one breaks off within
    a document is all the rest read, and cut into documents, if that is what it is."""
    from wye.message import Payload
    from wye.records import split_records

    start, first = next(((number, line) for number, line in enumerate(file, start=1) if line.strip()), (1, b""))
    lines: Iterable[bytes] = chain((first,), file)
    if _breaks_off(first):
        text = first + file.read()
        lines = io.BytesIO(text)
        with suppress(ValueError):
            for place, record in enumerate(split_records(text), start=1):
                yield f"document {place}", Payload(record, "message", time.time_ns() // 1_000_000)
            return
    for number, line in enumerate(lines, start=start):
        if line.strip():
            yield f"line {number}", Payload(line.rstrip(b"\r\n"), "lines", time.time_ns() // 1_000_000)


def _breaks_off(line: bytes) -> bool:
    """Whether a JSON document begins on the line and does not end on it."""
    import msgspec

    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        return False
    return False


def _translate_one(decoder: Decoder, encoder: Encoder, payload: Payload) -> list[tuple[str, bool]]:
    """Write the documents; returns why there are fewer than there could be, and whether that is a fault. Where there is more
    than one event in it, each is named by its id."""
    from wye.carry import unpacked
    from wye.fault import fault
    from wye.message import Unfit
    from wye.words import spell

    try:
        decoded = decoder.decode(payload)
        events = unpacked(decoded.events)
        documents = list(zip(events, encoder.encode(events), strict=True))
    except Exception as error:  # a plugin's fault costs what it was made on
        return [(f"a fault in the adapter: {fault(error)}", True)]
    reasons = [(failure.reason, True) for failure in decoded.failures]
    for event, document in documents:
        if not isinstance(document, Unfit):
            sys.stdout.buffer.write(document + b"\n")
            continue
        which = f"event {spell(event.id)}: " if len(events) > 1 else ""
        reasons.append((f"{which}{'left out: ' if document.unmapped else ''}{document.reason}", not document.unmapped))
    return reasons
