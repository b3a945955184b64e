"""The dead letters of all workers as one collection: their numbers differ, so that each names one letter."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from wye.database import connect, in_use
from wye.deadletters import Entry, table
from wye.deadletters.table import SCHEMA, Group, Selection, Totals
from wye.workers.files import of_all

_CHUNK = 1000
"""Entries changed at a time, so that a running wye need not wait."""

Change = Callable[[sqlite3.Connection, Sequence[int]], int]


class LetterFiles:
    """One file or several, open. What comes in an order comes by time over all of them."""

    def __init__(self, files: Sequence[tuple[Path, sqlite3.Connection]]) -> None:
        self._files = files
        path = files[0][0]
        self.folder = path.parent
        self.shown = str(path) if len(files) == 1 else f"{self.folder} ({len(files)} files)"

    @property
    def in_use(self) -> bool:
        """Whether a running wye has them."""
        return any(in_use(path) for path, _ in self._files)

    def entries(self, selection: Selection, *, newest_first: bool = False) -> Iterator[Entry]:
        found = [table.entries(connection, selection, newest_first=newest_first) for _, connection in self._files]
        return heapq.merge(*found, key=lambda entry: entry.first_time, reverse=newest_first)

    def totals(self) -> Totals:
        found = [table.totals(connection) for _, connection in self._files]
        return Totals(*(sum(getattr(one, name) for one in found) for name in Totals.__struct_fields__))

    def groups(self) -> list[Group]:
        """Of all entries, the most frequent first."""
        found: dict[tuple[str | None, str | None, str, str], Group] = {}
        for one in (group for _, connection in self._files for group in table.groups(connection)):
            key = (one.sink, one.source, one.stage, one.reason)
            found[key] = _joined(found[key], one) if key in found else one
        return sorted(found.values(), key=lambda group: group.letters, reverse=True)

    def marked(self) -> int:
        """How many wait to be retried."""
        columns = ("sink", "source")
        return sum(sum(table.destinations(one, column).values()) for _, one in self._files for column in columns)

    def ids(self, selection: Selection) -> list[int]:
        return [number for _, connection in self._files for number in table.ids(connection, selection)]

    def change(self, ids: Sequence[int], change: Change) -> int:
        """In each file, those of ``ids`` that it has. Returns how many these were."""
        count = 0
        for _, connection in self._files:
            for start in range(0, len(ids), _CHUNK):
                connection.execute("BEGIN IMMEDIATE")
                count += change(connection, ids[start : start + _CHUNK])
                connection.execute("COMMIT")
        return count


def _joined(one: Group, other: Group) -> Group:
    letters, size = one.letters + other.letters, one.bytes + other.bytes
    first, last = min(one.first_time, other.first_time), max(one.last_time, other.last_time)
    return Group(one.sink, one.source, one.stage, one.reason, letters, size, first, last)


@contextmanager
def opened(path: Path) -> Generator[LetterFiles]:
    """The files of all workers; ``path`` is the first one's. Raises ``StoreError``."""
    with ExitStack() as stack:
        yield LetterFiles([(one, stack.enter_context(closing(connect(one, SCHEMA)))) for one in of_all(path).values()])
