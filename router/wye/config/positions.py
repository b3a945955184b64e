"""On which line of a TOML text each key stands.

The text has already been accepted by the TOML parser; this walk only follows its structure, so it can be short. Should it lose
its way nevertheless, it stops, and what it has not seen has no line.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping

import tomli

from wye.errors import Path

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]+")


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.implied: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}
        self._counted_to = 0
        self._line = 1

    def note(self, path: Path, at: int) -> None:
        """``path`` stands at the character ``at``, and so does, for want of a line of its own, what it is in."""
        self._line += self.text.count("\n", self._counted_to, at)
        self._counted_to = max(at, self._counted_to)
        self.lines.setdefault(path, self._line)
        for length in range(1, len(path)):
            self.implied.setdefault(path[:length], self._line)

    def skip(self) -> str:
        """Pass over white space and comments; the next character, or nothing."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def document(self) -> None:
        table: Path = ()
        while mark := self.skip():
            before = self.at
            if mark == "[":
                table = self.header()
            else:
                self.pair(table)
            if self.at == before:
                return

    def header(self) -> Path:
        start = self.at
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        *parents, name = self.key() or ("",)
        path = (*self._within(parents), name)
        self.skip()
        self.at += 2 if several else 1
        if several:
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path = (*path, self._arrays[path])
        elif path in self._arrays:
            path = (*path, self._arrays[path])
        self.note(path, start)
        return path

    def _within(self, names: list[str]) -> Path:
        """Tables by name; a name that is an array of tables means the last of them."""
        path: Path = ()
        for name in names:
            path = (*path, name)
            if path in self._arrays:
                path = (*path, self._arrays[path])
        return path

    def key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self.skip()
            match = _STRING.match(self.text, self.at) or _BARE_KEY.match(self.text, self.at)
            if match is None:
                return tuple(parts)
            parts.append(_unquoted(match.group()))
            self.at = match.end()
            if self.skip() != ".":
                return tuple(parts)
            self.at += 1

    def pair(self, table: Path) -> None:
        start = self.at
        key = self.key()
        self.note((*table, *key), start)
        if self.skip() == "=":
            self.at += 1
            self.value((*table, *key))

    def value(self, path: Path) -> None:
        mark = self.skip()
        if mark == "[":
            self.members(path, "]")
        elif mark == "{":
            self.members(path, "}")
        else:
            match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def members(self, path: Path, end: str) -> None:
        self.at += 1
        index = 0
        while (mark := self.skip()) and mark != end:
            before = self.at
            if mark == ",":
                self.at += 1
            elif end == "}":
                self.pair(path)
            else:
                self.note((*path, index), self.at)
                self.value((*path, index))
                index += 1
            if self.at == before:
                return
        self.at += 1


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    if "\\" not in key or key[0] == "'":
        return key[1:-1]
    try:
        return str(next(iter(tomli.loads(f"{key} = 0"))))
    except ValueError:
        return key[1:-1]


def find_positions(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and array member of a valid TOML text. Whatever the text, it returns."""
    walk = _Walk(text)
    with contextlib.suppress(RecursionError):  # nested deeper than any config
        walk.document()
    return {**walk.implied, **walk.lines}


def line_of(positions: Mapping[Path, int], path: Path) -> int:
    """The line of ``path``, or of the nearest thing around it; 0 when nothing is known."""
    while path:
        if path in positions:
            return positions[path]
        path = path[:-1]
    return 0
