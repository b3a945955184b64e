"""``${VAR}``, ``${VAR:-default}`` and ``${file:/run/secrets/x}`` in strings, after the TOML was parsed; and what must not be
printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any, cast

from wye.config.positions import Path

_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_SHORTEST_SECRET = 4
"""Shorter values are not blotted out: every other word of the output would be."""


class Secrets:
    """Values that came from outside the config. ``redact`` blots them out of whatever is printed."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Remember a value, and each line of it."""
        self._values.update(part for part in (value, *value.splitlines()) if len(part) >= _SHORTEST_SECRET)

    def redact(self, text: str) -> str:
        """``text`` with every known secret replaced by ``***``, the longest first."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


class Interpolation:
    """Replaces the references in every string of a document; ``report`` is told of those that cannot be."""

    def __init__(self, environment: Mapping[str, str], secrets: Secrets, report: Callable[[Path, str], None]) -> None:
        self._environment = environment
        self._secrets = secrets
        self._report = report

    def apply(self, value: Any, path: Path = ()) -> Any:
        """``value`` with its strings, at any depth, interpolated. Keys are left alone."""
        if isinstance(value, str):
            return self._text(value, path) if "$" in value else value
        if isinstance(value, dict):
            table = cast(dict[str, Any], value)
            return {key: self.apply(member, (*path, key)) for key, member in table.items()}
        if isinstance(value, list):
            return [self.apply(member, (*path, index)) for index, member in enumerate(cast(list[Any], value))]
        return value

    def _text(self, text: str, path: Path) -> str:
        def replace(match: re.Match[str]) -> str:
            return "$" if match.group() == "$$" else self._resolve(match.group(1), path)

        return _REFERENCE.sub(replace, text)

    def _resolve(self, reference: str, path: Path) -> str:
        if reference.startswith("file:"):
            return self._read(reference.removeprefix("file:"), path)
        name, has_default, default = reference.partition(":-")
        if not _NAME.match(name):
            self._report(
                path, f"${{{reference}}} is no reference; write ${{NAME}}, ${{NAME:-default}}, ${{file:/path}}, or $$ for $"
            )
            return ""
        value = self._environment.get(name)
        if value is None or (has_default and not value):
            if has_default:
                return default
            self._report(path, f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
            return ""
        self._secrets.add(value)
        return value

    def _read(self, file: str, path: Path) -> str:
        try:
            value = FilePath(file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self._report(path, f"cannot read {file}: {reason}")
            return ""
        self._secrets.add(value)
        return value
