"""The files of a config as one document: parsed, interpolated, merged, and with the place of everything in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, cast

import tomli

from wye.config.interpolate import Interpolation, Unresolved
from wye.config.positions import find_positions, line_of
from wye.config.secrets import Secrets
from wye.errors import Path, Problem
from wye.words import closest, found

_DEEPEST = 64
"""Tables and lists within each other."""

TABLES = ("sources", "transforms", "sinks")

Tables = dict[str, dict[str, Any]]


class _File:
    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.positions = find_positions(text)


class Document:
    """What the files say, and what is wrong with them.

    ``complete`` is false when something could not be read at all: what seems to be missing may be there. ``broken`` are the
    names of parts that were meant to be defined, but were not understood.
    """

    def __init__(self, environment: Mapping[str, str], secrets: Secrets) -> None:
        self.root: dict[str, Any] = {}
        self.sources: Tables = {}
        self.transforms: Tables = {}
        self.sinks: Tables = {}
        self.broken: set[str] = set()
        self.complete = True
        self._secrets = secrets
        self._interpolation = Interpolation(environment, secrets, self.report)
        self._problems: list[tuple[int, Problem]] = []
        self._order: dict[str, int] = {}
        self._owners: dict[Path, _File] = {}
        self._file = _File("")

    def problems(self) -> list[Problem]:
        """All problems, in the order of files and lines, free of secrets."""
        found = dict.fromkeys(sorted(self._problems))
        return [
            Problem(one.file, one.line, one.table, one.key, self._secrets.redact(one.message).replace("\n", " "))
            for _, one in found
        ]

    def report(self, path: Path, message: str) -> None:
        """Note a problem where ``path`` stands: ``("sinks", "partner", "batch", "max_events")``."""
        self._note(self._owners.get(path[:2]) or self._owners.get(path[:1]) or self._file, path, message)

    def _note(self, file: _File, path: Path, message: str) -> None:
        depth = 2 if path[:1] and path[0] in TABLES else 0
        table, key = _dotted(path[:depth]), _dotted(path[depth:])
        self._add_problem(Problem(file.name, line_of(file.positions, path), table, key, message))

    def _add_problem(self, problem: Problem) -> None:
        self._problems.append((self._order.setdefault(problem.file, len(self._order)), problem))

    def read(self, name: str) -> None:
        """Add one file."""
        self._file = _File(name)
        self._order.setdefault(name, len(self._order))
        try:
            text = FilePath(name).read_bytes().decode("utf-8-sig")
            raw = parsed(text)
        except (OSError, ValueError, RecursionError) as error:
            self.complete = False
            self._add_problem(_unreadable(name, error))
            return
        self._file = _File(name, text)
        for key, value in raw.items():
            self._take((key,), value)

    def _take(self, path: Path, value: Any) -> None:
        """A member of the top level, or of one of the tables of parts."""
        if path[0] in TABLES and len(path) == 1:
            if isinstance(value, dict):
                for name, entry in cast(dict[str, Any], value).items():
                    self._take((*path, name), entry)
            else:
                self._note(self._file, path, f"expected tables [{path[0]}.NAME], found {found(value)}")
                self.complete = False
        elif self._is_new(path):
            self._put(path, self._interpolation.apply(value, path))

    def _is_new(self, path: Path) -> bool:
        """``path`` belongs to the file being read, unless another has it already."""
        owner = self._owners.setdefault(path, self._file)
        if owner is not self._file:
            self._note(
                self._file, path, f"already defined in {owner.name}:{line_of(owner.positions, path)}; rename or remove one"
            )
        return owner is self._file

    def _put(self, path: Path, value: Any) -> None:
        if len(path) == 1:
            self.root[str(path[0])] = value
            if isinstance(value, dict) and closest(str(path[0]), TABLES):
                self.broken.update(cast(dict[str, Any], value))
        elif isinstance(value, dict):
            tables: Tables = getattr(self, str(path[0]))
            tables[str(path[1])] = value
        else:
            self.broken.add(str(path[1]))
            if not isinstance(value, Unresolved):
                self.report(path, f"expected a table [{path[0]}.{path[1]}], found {found(value)}")


def parsed(text: str) -> dict[str, Any]:
    """A TOML text. Raises ``TOMLDecodeError``, and ``RecursionError`` for what is nested deeper than whoever goes through it
    can go."""
    table = tomli.loads(text)
    level: list[Any] = [table]
    for _ in range(_DEEPEST):
        level = [member for one in level for member in _members(one)]
        if not level:
            return table
    raise RecursionError("nested too deeply")


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast(dict[str, Any], value).values()
    return cast(list[Any], value) if isinstance(value, list) else ()


def _dotted(path: Path) -> str:
    """``inputs[0]``, ``batch.max_events``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _unreadable(name: str, error: Exception) -> Problem:
    if isinstance(error, OSError):
        return Problem(name, 0, "", "", f"cannot read it: {error.strerror}")
    if isinstance(error, UnicodeDecodeError):
        return Problem(name, 0, "", "", f"not UTF-8 text: {error.reason} at byte {error.start}")
    if isinstance(error, tomli.TOMLDecodeError):
        return Problem(name, error.lineno, "", "", f"not valid TOML: {_toml_words(error)}")
    if isinstance(error, RecursionError):
        return Problem(name, 0, "", "", "nested too deeply")
    return Problem(name, 0, "", "", f"cannot read it: {error}")


_TWICE = re.compile(r"Cannot declare \((.*?),?\) twice")
_HINTS = {
    "Invalid value": "a text needs quotes",
    "Illegal character '\\n'": "is a closing quote missing?",
    "Cannot overwrite a value": "is it there twice? rename or remove one",
}


def _toml_words(error: tomli.TOMLDecodeError) -> str:
    """The parser's words, where they stand, and what is most often behind them."""
    where = f"(column {error.colno})"
    twice = _TWICE.match(error.msg)
    if twice is not None:
        table = ".".join(name.strip("' ") for name in twice[1].split(","))
        return f"[{table}] is there twice {where}; rename or remove one"
    hint = _HINTS.get(error.msg)
    return f"{error.msg} {where}{f'; {hint}' if hint else ''}"
