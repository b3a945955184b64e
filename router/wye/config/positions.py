"""On which line of a TOML text each key stands.

The text has already been accepted by the TOML parser; this walk only follows its structure, so it can be short.
"""

from __future__ import annotations

import re

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
        self._counted_to = 0
        self._line = 1

    def note(self, path: Path, at: int) -> None:
        self._line += self.text.count("\n", self._counted_to, at)
        self._counted_to = at
        self.lines.setdefault(path, self._line)

    def skip(self) -> str:
        """Pass over white space and comments; the next character, or nothing."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def document(self) -> None:
        table: Path = ()
        arrays: dict[Path, int] = {}
        while mark := self.skip():
            if mark == "[":
                table = self.header(arrays)
            else:
                self.pair(table)

    def header(self, arrays: dict[Path, int]) -> Path:
        start = self.at
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        path = self.key()
        self.skip()
        self.at += 2 if several else 1
        if several:
            index = arrays.get(path, -1) + 1
            arrays[path] = index
            path = (*path, index)
        self.note(path, start)
        return path

    def key(self) -> Path:
        parts: list[str] = []
        while True:
            self.skip()
            match = _STRING.match(self.text, self.at) or _BARE_KEY.match(self.text, self.at)
            if match is None:
                return tuple(parts)
            parts.append(match.group().strip("\"'"))
            self.at = match.end()
            if self.skip() != ".":
                return tuple(parts)
            self.at += 1

    def pair(self, table: Path) -> None:
        start = self.at
        key = self.key()
        for length in range(1, len(key) + 1):
            self.note((*table, *key[:length]), start)
        self.skip()
        self.at += 1  # the equals sign
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
            if mark == ",":
                self.at += 1
            elif end == "}":
                self.pair(path)
            else:
                self.note((*path, index), self.at)
                self.value((*path, index))
                index += 1
        self.at += 1


def find_positions(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and array member of a valid TOML text."""
    walk = _Walk(text)
    walk.document()
    return walk.lines


def line_of(positions: dict[Path, int], path: Path) -> int:
    """The line of ``path``, or of the nearest thing around it; 0 when nothing is known."""
    while path:
        if path in positions:
            return positions[path]
        path = path[:-1]
    return 0
