"""``wye spool check | stats | export | salvage``: the files of buffers on disk, without a daemon."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from wye.errors import Exit

if TYPE_CHECKING:
    import sqlite3

    from wye.buffer.offline import Salvaged

HELP = "look into the files of buffers on disk, and save what a damaged one holds"

_PATH_HELP = "a spool file, or a folder of them"


def add_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, words in (
        ("check", "read everything and say what is wrong"),
        ("stats", "say what waits: rows, events, bytes, the oldest, types"),
    ):
        action = actions.add_parser(name, help=words, description=words)
        action.add_argument("path", metavar="PATH", type=Path, help=_PATH_HELP)
        action.set_defaults(run=_check if name == "check" else _stats)
    words = "write the waiting events as canonical JSON, one a line; takes nothing out"
    export = actions.add_parser("export", help=words, description=words)
    export.add_argument("path", metavar="PATH", type=Path, help=_PATH_HELP)
    export.add_argument("file", metavar="FILE", type=Path, nargs="?", help="where to; standard output when left out")
    export.set_defaults(run=_export)
    words = "read what can still be read of a damaged file, row by row"
    salvage = actions.add_parser("salvage", help=words, description=words)
    salvage.add_argument("path", metavar="DAMAGED", type=Path, help="the damaged file")
    salvage.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="where to: a spool (.db), new, or one that no wye uses, behind what it holds; or a new file of JSON lines",
    )
    salvage.set_defaults(run=_salvage)


def main(arguments: argparse.Namespace) -> Exit:
    from wye.database import StoreError

    try:
        return arguments.run(arguments)
    except StoreError as error:
        _say(str(error))
    except OSError as error:
        if error.filename is None:  # it is standard output's
            raise
        _say(f"{error.filename}: {error.strerror}")
    return Exit.FAULTY


def _say(text: str) -> None:
    from wye.words import printable

    print(f"wye: {printable(text)}", file=sys.stderr)


def _files(path: Path) -> Sequence[Path]:
    from wye.database import StoreError

    if not path.exists():
        raise StoreError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.db"))
    if not files:
        raise StoreError(f"{path} has no spool files (*.db)")
    return files


def _note_use(path: Path) -> None:
    from wye.database import in_use

    if in_use(path):
        _say(f"{path} is in use by a running wye: what it holds changes while it is read")


def _check(arguments: argparse.Namespace) -> Exit:
    from wye.buffer import offline
    from wye.cli import show
    from wye.database import StoreError

    code = Exit.OK
    for path in _files(arguments.path):
        _note_use(path)
        try:
            faults = offline.check(path)
        except StoreError as error:
            faults = [str(error)]
        for fault in faults or ["sound"]:
            show.line(fault, bold=f"{path}:", out=sys.stdout)
        code = Exit.FAULTY if faults else code
    return code


def _stats(arguments: argparse.Namespace) -> Exit:
    from wye.buffer import offline
    from wye.cli import show
    from wye.words import counted

    rows: list[tuple[str, ...]] = []
    types: list[tuple[str, str, str]] = []
    for path in _files(arguments.path):
        _note_use(path)
        found = offline.stats(path)
        oldest = "" if found.oldest_ms is None else f"{datetime.fromtimestamp(found.oldest_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        rows.append((path.name, str(found.rows), str(found.events), str(found.bytes), oldest))
        types += [(path.name, name, str(count)) for name, count in found.types.most_common()]
        if found.unsound_rows:
            _say(f"{path}: {counted(found.unsound_rows, 'row')} with a wrong checksum; wye spool check names them")
    show.table(("spool", "rows", "events", "bytes", "oldest"), rows, numbers=True, out=sys.stdout)
    if types:
        show.table(("spool", "type", "events"), types, out=sys.stdout)
    return Exit.OK


def _export(arguments: argparse.Namespace) -> Exit:
    from wye.cli.output import private_file

    if arguments.file is None:
        code = _export_to(arguments.path, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return code
    with private_file(arguments.file, os.O_EXCL) as out:
        return _export_to(arguments.path, out)


def _export_to(path: Path, out: BinaryIO) -> Exit:
    from wye.buffer import offline
    from wye.words import counted

    code = Exit.OK
    for file in _files(path):
        _note_use(file)
        with offline.opened(file) as connection:
            for row in offline.each_row(connection):
                if row.is_sound:
                    out.write(row.payload)
                    continue
                _say(f"{file}: row {row.seq} is left out, {counted(row.count, 'event')}: its checksum is wrong")
                code = Exit.FAULTY
    return code


def _salvage(arguments: argparse.Namespace) -> Exit:
    from wye.buffer.offline import Salvaged
    from wye.words import counted

    found = Salvaged()
    if arguments.file.suffix == ".db":
        _salvage_into_spool(arguments.path, arguments.file, found)
    else:
        from wye.buffer import offline
        from wye.cli.output import private_file

        with private_file(arguments.file, os.O_EXCL) as out:
            for row in offline.salvage(arguments.path, found):
                out.write(row.payload)
    of, last = ("", found.events) if found.expected is None else (f"{found.events} of ", found.expected)
    _say(f"{of}{counted(last, 'event')} saved, in {counted(found.rows, 'row')}, to {arguments.file}")
    for seq in found.unsound:
        _say(f"row {seq} was not saved: its checksum is wrong")
    complete = not found.unsound and found.expected == found.events
    return Exit.OK if complete else Exit.FAULTY


def _salvage_into_spool(damaged: Path, target: Path, found: Salvaged) -> None:
    from msgspec import structs

    from wye.buffer import offline, rows
    from wye.store import Store

    def work(connection: sqlite3.Connection) -> None:
        first = rows.read_totals(connection).last_seq + 1
        saved = enumerate(offline.salvage(damaged, found), start=first)
        rows.insert(connection, (structs.replace(row, seq=seq) for seq, row in saved))

    store = Store(target, rows.SCHEMA, "spool")
    store.open()
    try:
        store.change(work)
    finally:
        store.close()
