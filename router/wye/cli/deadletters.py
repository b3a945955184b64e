"""``wye dead-letters``: what was given up, seen, exported, retried and dropped, whether wye runs or not."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wye.errors import ConfigError, Exit, Problem

if TYPE_CHECKING:
    from wye.cli.letterfiles import LetterFiles
    from wye.deadletters import Entry
    from wye.deadletters.table import Selection

    Action = Callable[[LetterFiles, argparse.Namespace], Exit]

HELP = "look at what was given up; retry it, export it or drop it"

STAGES = ("decode", "transform", "buffer", "encode", "send")

_SHOWN = 20
"""Entries, or reasons, shown where nobody asks for more."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = _action(actions, "list", _list, "the newest first, one a line")
    listed.add_argument("--limit", type=int, default=_SHOWN, metavar="N", help=f"at most so many; {_SHOWN} when left out")
    _json_option(listed)
    shown = _action(actions, "show", _show, "one of them in full", selecting=False)
    shown.add_argument("ids", nargs=1, type=int, metavar="ID", help="its number")
    _json_option(shown)
    _json_option(_action(actions, "stats", _stats, "how many, how large, and of which reasons", selecting=False))
    exported = _action(actions, "export", _export, "as JSON, one a line, the oldest first; takes nothing out")
    exported.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where to; standard output when left out")
    retried = _action(actions, "retry", _retry, "send them their normal way again; who is delivered goes out of the file")
    retried.add_argument("ids", nargs="*", type=int, metavar="ID", help="these")
    retried.add_argument("--all", action="store_true", help="all of them")
    retried.add_argument("--dry-run", action="store_true", help="only say which ones that would be")
    dropped = _action(actions, "drop", _drop, "throw them away, for good")
    dropped.add_argument("ids", nargs="*", type=int, metavar="ID", help="these")
    dropped.add_argument("--all", action="store_true", help="all of them")


def _action(actions: Any, name: str, run: Action, words: str, *, selecting: bool = True) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=words, description=words)
    action.set_defaults(run=run)
    action.add_argument(
        "-c", "--config", action="append", default=[], metavar="FILE", help="the config, which says the data_dir"
    )
    action.add_argument("--data-dir", type=Path, metavar="DIR", help="the data_dir itself; wye-data when neither is given")
    if selecting:
        action.add_argument("--sink", metavar="NAME", help="only those of this sink")
        action.add_argument("--source", metavar="NAME", help="only those of this source")
        action.add_argument("--stage", choices=STAGES, help="only those that failed there")
        action.add_argument("--where", metavar="TABLE", help="only events like this, as in a sink: '{ type = \"purchase\" }'")
    return action


def _json_option(action: argparse.ArgumentParser) -> None:
    action.add_argument("--json", action="store_true", help="print JSON")


def main(arguments: argparse.Namespace) -> Exit:
    import sqlite3

    from wye.database import StoreError

    path = _path(arguments)
    try:
        if not _ready(path):
            _say(f"no dead letters at {path}; name the config (-c FILE) or its data_dir (--data-dir DIR)")
            return Exit.FAULTY
        from wye.cli.letterfiles import opened

        with opened(path) as files:
            return arguments.run(files, arguments)
    except StoreError as error:
        _say(str(error))
    except sqlite3.Error as error:
        _say(f"{path}: {error}")
    except OSError as error:
        if error.filename is None:  # it is standard output's
            raise
        _say(f"{error.filename}: {error.strerror}")
    return Exit.FAULTY


def _path(arguments: argparse.Namespace) -> Path:
    from wye.config.load import load_root
    from wye.deadletters import NAME

    if arguments.data_dir is not None:
        return arguments.data_dir / NAME
    return Path(load_root(arguments.config).data_dir) / NAME


def _ready(path: Path) -> bool:
    """Whether there is a file, of any worker's. What an older wye left is taken over first, unless a running one does that."""
    from wye.database import in_use
    from wye.deadletters import legacy
    from wye.deadletters.table import SCHEMA
    from wye.store import Store
    from wye.workers.files import of_all

    if path.with_name(legacy.NAME).is_file() and not in_use(path):
        store = Store(path, SCHEMA, "dead letters")
        store.open()
        try:
            legacy.take_over(path)
        finally:
            store.close()
    return bool(of_all(path))


# ── look ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _list(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    selection = _selection(arguments)
    found = list(islice(files.entries(selection, newest_first=True), max(arguments.limit, 0)))
    if arguments.json:
        print(_json(found))
        return Exit.OK
    _print(found)
    total = files.totals().letters
    more = "" if len(found) == total or not selection.everything else "; --limit shows more, export all"
    print(f"{len(found)} of {total} in {files.shown}{more}")
    return Exit.OK


def _show(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    entry = next(files.entries(_selection(arguments)), None)
    if entry is None:
        _say(f"no dead letter {arguments.ids[0]} in {files.shown}; wye dead-letters list shows their numbers")
        return Exit.FAULTY
    if arguments.json:
        print(_json(entry))
        return Exit.OK
    import msgspec

    from wye.words import printable

    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        if name == "event" and value is not None:
            print(f"event\n{printable(msgspec.json.format(bytes(value).decode(), indent=2))}")
        elif value not in (None, (), False):
            print(printable(f"{name:<16}{', '.join(value) if name == 'through' else value}"))
    return Exit.OK


def _stats(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    import msgspec

    from wye.words import counted

    totals, groups, marked = files.totals(), files.groups(), files.marked()
    if arguments.json:
        print(_json({**msgspec.structs.asdict(totals), "marked": marked, "groups": groups}))
        return Exit.OK
    rows = [
        (str(one.letters), str(one.bytes), one.sink or one.source or "", one.stage, one.last_time, _line(one.reason))
        for one in groups[:_SHOWN]
    ]
    _table(("letters", "bytes", "of", "stage", "last", "reason"), rows)
    if len(groups) > _SHOWN:
        print(f"and {len(groups) - _SHOWN} more reasons; --json has all")
    size = f"{counted(totals.letters, 'letter')} of {counted(totals.bytes, 'byte')}"
    print(f"{size} in {files.shown}; {marked} marked to be retried; {totals.dropped} dropped because it was full")
    return Exit.OK


def _export(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    from wye.cli.output import private_file

    lines = (f"{_json(entry)}\n".encode() for entry in files.entries(_selection(arguments)))
    if arguments.file is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(lines)
        return Exit.OK
    count = 0
    with private_file(arguments.file, os.O_TRUNC) as file:
        for line in lines:
            file.write(line)
            count += 1
    print(f"{count} written to {arguments.file}")
    return Exit.OK


# ── change ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _retry(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    from wye.deadletters import table

    ids = _chosen(files, arguments)
    if ids is None:
        return Exit.USAGE
    if arguments.dry_run:
        _print(list(islice(files.entries(table.Selection(ids=ids)), _SHOWN)) if ids else [])
        print(f"{len(ids)} would be retried" + (f"; the first {_SHOWN} are shown" if len(ids) > _SHOWN else ""))
        return Exit.OK
    count = files.change(ids, table.mark)
    if files.in_use:
        print(f"{count} marked; wye is running and retries them now")
    else:
        print(f"{count} marked; no wye is running on {files.folder}: they are retried when it starts")
    return Exit.OK


def _drop(files: LetterFiles, arguments: argparse.Namespace) -> Exit:
    from wye.deadletters import table

    ids = _chosen(files, arguments)
    if ids is None:
        return Exit.USAGE
    count = files.change(ids, table.remove)
    print(f"{count} dropped; {files.totals().letters} left in {files.shown}")
    return Exit.OK


def _chosen(files: LetterFiles, arguments: argparse.Namespace) -> list[int] | None:
    """The entries meant, where it was said which."""
    selection = _selection(arguments)
    if selection.everything is not arguments.all:
        _say("say which: numbers, --sink, --source, --stage or --where; or all of them with --all alone")
        return None
    return files.ids(selection)


def _selection(arguments: argparse.Namespace) -> Selection:
    from wye.deadletters.table import Selection

    given = vars(arguments)
    return Selection(
        given.get("ids") or (), given.get("sink"), given.get("source"), given.get("stage"), where=_where(given.get("where"))
    )


def _where(text: str | None) -> Any:
    """The condition that ``--where`` is. Raises ``ConfigError``."""
    if text is None:
        return None
    from wye.cli.adapters import inline_table
    from wye.where import compile_where

    problems: list[Problem] = []
    table = inline_table("--where", text, problems)
    if table is not None:
        where = compile_where(
            table, (), lambda path, message: problems.append(Problem("--where", 0, "", ".".join(map(str, path)), message))
        )
        if not problems:
            return where
    raise ConfigError(problems)


# ── print ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print(found: Sequence[Entry]) -> None:
    columns = ("id", "last", "stage", "of", "status", "attempts", "reason")
    _table(columns, list(_rows(found)))


def _rows(found: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    for one in found:
        status, attempts = ("" if number is None else str(number) for number in (one.status, one.attempts))
        marked = "marked; " if one.marked else ""
        yield str(one.id), one.last_time, one.stage, one.sink or one.source or "", status, attempts, marked + _line(one.reason)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from wye.cli import show
    from wye.words import printable

    if rows:
        show.table(columns, [tuple(map(printable, row)) for row in rows], out=sys.stdout)


def _line(text: str) -> str:
    return " ".join(text.split())


_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def _json(value: Any) -> str:
    """One line, in which nothing moves a terminal's cursor."""
    import msgspec

    return msgspec.json.encode(value).decode().translate(_CONTROLS)


def _say(text: str) -> None:
    from wye.words import printable

    print(f"wye: {printable(text)}", file=sys.stderr)
