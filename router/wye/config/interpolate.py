"""``${VAR}``, ``${VAR:-default}`` and ``${file:/run/secrets/x}`` in strings, after the TOML was parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any, cast

from wye.config.secrets import Secrets
from wye.errors import Path

_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)(\}?)|\$(?=[A-Za-z_])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FORMS = "write ${NAME}, ${NAME:-default}, ${file:/path}, or $$ for a dollar sign"


class Unresolved(str):
    """A string with a reference that could not be replaced; that was told, and nothing more can be said about the string."""

    __slots__ = ()


def is_resolved(value: Any) -> bool:
    """Whether every reference in ``value``, at any depth, was replaced."""
    if isinstance(value, dict):
        return all(map(is_resolved, cast(dict[str, Any], value).values()))
    if isinstance(value, list):
        return all(map(is_resolved, cast(list[Any], value)))
    return not isinstance(value, Unresolved)


class Interpolation:
    """Replaces the references in every string of a document; ``report`` is told of those that cannot be."""

    def __init__(self, environment: Mapping[str, str], secrets: Secrets, report: Callable[[Path, str], None]) -> None:
        self._environment = environment
        self._secrets = secrets
        self._report = report

    def apply(self, value: Any, path: Path = ()) -> Any:
        """``value`` with its strings, at any depth, interpolated. Keys are left alone, and so is what a reference gives."""
        if isinstance(value, str):
            return self._text(value, path) if "$" in value else value
        if isinstance(value, dict):
            table = cast(dict[str, Any], value)
            return {key: self.apply(member, (*path, key)) for key, member in table.items()}
        if isinstance(value, list):
            return [self.apply(member, (*path, index)) for index, member in enumerate(cast(list[Any], value))]
        return value

    def _text(self, text: str, path: Path) -> str:
        failed = False

        def replace(match: re.Match[str]) -> str:
            nonlocal failed
            if match.group() == "$$":
                return "$"
            try:
                return self._resolve(match)
            except ValueError as error:
                failed = True
                self._report(path, str(error))
                return ""

        result = _REFERENCE.sub(replace, text)
        return Unresolved(result) if failed else result

    def _resolve(self, match: re.Match[str]) -> str:
        """Raises ``ValueError`` with what is wrong."""
        if match.group() == "$":  # what follows is not shown, for it may be a password's end
            raise ValueError(f"a name stands after $ without braces; {_FORMS}")
        reference, closing = match.groups()
        if not closing:
            raise ValueError(f"a closing brace is missing after ${{; {_FORMS}")
        if reference.startswith("file:"):
            return self._read(reference.removeprefix("file:"))
        name, has_default, default = reference.partition(":-")
        if not _NAME.match(name):
            raise ValueError(f"${{{reference}}} is no reference; {_FORMS}")
        value = self._environment.get(name)
        if value is None or (has_default and not value):
            if has_default:
                return default
            raise ValueError(f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        self._secrets.add_variable(value)
        return value

    def _read(self, file: str) -> str:
        try:
            value = FilePath(file).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"cannot read the file {file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"the file {file} is not UTF-8 text") from None
        except ValueError:
            raise ValueError(f"{file!r} is no path") from None
        self._secrets.add(value)
        return value
