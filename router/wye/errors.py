"""What can be wrong before events flow, and the exit codes that say so."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

Path = tuple[str | int, ...]
"""Where something stands in a TOML document: ``("sinks", "partner", "inputs", 0)``."""

Report = Callable[[Path, str], None]
"""Told of each mistake, with its place."""


class Exit(enum.IntEnum):
    """The exit codes of ``wye``; documented in docs/operations.md."""

    OK = 0
    FAULTY = 1
    """The config (or some input of ``translate``) has errors; each was printed."""
    USAGE = 2
    """The command line was not understood."""
    NOT_STARTED = 3
    """A part could not start: a port in use, a path that cannot be written."""
    UNFINISHED = 4
    """The grace period ended, or a second signal came, with events still in flight."""
    BROKEN = 70
    """A fault of wye's own."""


class PluginError(Exception):
    """A plugin cannot be used. The message names the plugin and its distribution."""


class Problem(Struct, frozen=True, order=True):
    """One mistake in a config: where it is, and what to do about it."""

    file: str
    line: int
    table: str
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        table = f"[{self.table}] " if self.table else ""
        key = f"{self.key}: " if self.key else ""
        return f"{place}{table}{key}{self.message}"


class ConfigError(Exception):
    """All mistakes of a config at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint that ends an error: the valid name that was probably meant, or all of them."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {', '.join(names)}" if names else "none is known here"
