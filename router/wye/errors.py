"""What can be wrong before events flow, and the exit codes that say so."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct


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
