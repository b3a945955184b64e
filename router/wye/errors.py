"""What can be wrong before events flow, and the exit codes that say so."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

from msgspec import Struct

Path = tuple[str | int, ...]
"""Where something stands in a TOML document: ``("sinks", "partner", "inputs", 0)``."""

Report = Callable[[Path, str], None]
"""Told of each mistake, with its place."""


class Exit(enum.IntEnum):
    """The exit codes of ``wye``; documented in docs/operations.md."""

    OK = 0
    FAULTY = 1
    """The config (or some input of ``translate``) has errors, or a plugin cannot be used; each was printed."""
    USAGE = 2
    """The command line was not understood."""
    NOT_STARTED = 3
    """A part could not start: a port in use, a path that cannot be written."""
    UNFINISHED = 4
    """The grace period ended, or a second signal came, before everything in flight was settled; or input was not read."""
    BROKEN = 70
    """A fault of wye's own or of a plugin: a source broke while it ran."""


class PluginError(Exception):
    """Plugins cannot be used. One line for each, naming the plugin and its distribution."""


class Problem(Struct, frozen=True, order=True):
    """One mistake in a config: where it is, and what to do about it. ``line`` is 0 where it is about a whole file."""

    file: str
    line: int
    table: str
    key: str
    message: str

    @property
    def place(self) -> str:
        """File, line, table and key, as far as there are any: ``wye.toml:12: [sinks.partner] batch.max_events:``."""
        file = f"{self.file}:{self.line}:" if self.line else f"{self.file}:"
        return " ".join(filter(None, (file, f"[{self.table}]{'' if self.key else ':'}" if self.table else "", self._key)))

    @property
    def _key(self) -> str:
        return f"{self.key}:" if self.key else ""

    def __str__(self) -> str:
        return f"{self.place} {self.message}"


class ConfigError(Exception):
    """All mistakes of a config at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
