"""Files to a checked ``Config``: parse, interpolate, look parts up, fill their options, and check how they hang together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeVar, cast

import tomli
from msgspec import Struct, structs

from wye.config import graph
from wye.config.adapters import build_adapter
from wye.config.fill import fill
from wye.config.interpolate import Interpolation, Secrets
from wye.config.model import (
    Config,
    RootOptions,
    SinkConfig,
    SinkOptions,
    SourceConfig,
    SourceOptions,
    TransformConfig,
    TransformOptions,
)
from wye.config.positions import find_positions, line_of
from wye.errors import ConfigError, Path, Problem, nearest
from wye.plugin import Inbound, Outbound, SinkContext, SourceContext
from wye.registry import Kind, Registry
from wye.where import compile_where

T = TypeVar("T")

_TABLES = ("sources", "transforms", "sinks")


def load_config(files: Sequence[str], registry: Registry, environment: Mapping[str, str] | None = None) -> Config:
    """Read ``files`` as one config. Raises ``ConfigError`` with every problem found, in the order of files and lines."""
    loader = _Loader(registry, os.environ if environment is None else environment)
    for file in files:
        loader.read(file)
    config = loader.config()
    if loader.problems:
        raise ConfigError(sorted(set(loader.problems)))
    return config


class _Loader:
    def __init__(self, registry: Registry, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._registry = registry
        self._environment = environment
        self._secrets = Secrets()
        self._document: dict[str, dict[str, Any]] = {table: {} for table in _TABLES}
        self._root: dict[str, Any] = {}
        self._data_dir = FilePath()
        self._files: dict[Path, tuple[str, dict[Path, int]]] = {}
        self._last: tuple[str, dict[Path, int]] = ("", {})

    def report(self, path: Path, message: str) -> None:
        """Note a problem where ``path`` stands: ``("sinks", "partner", "batch", "max_events")``."""
        file, positions = self._files.get(path[:2]) or self._files.get(path[:1]) or self._last
        depth = 2 if path[:1] and path[0] in _TABLES else 0
        table = ".".join(str(step) for step in path[:depth])
        key = ".".join(str(step) for step in path[depth:])
        text = self._secrets.redact(message)
        self.problems.append(Problem(file, line_of(positions, path), table, key, text))

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, file: str) -> None:
        """Add one file's tables to the document."""
        self._last = (file, {})
        try:
            text = FilePath(file).read_bytes().decode()
            raw = tomli.loads(text)
        except OSError as error:
            self.problems.append(Problem(file, 0, "", "", f"cannot read it: {error.strerror}"))
            return
        except UnicodeDecodeError as error:
            self.problems.append(Problem(file, 0, "", "", f"not UTF-8 text: {error.reason} at byte {error.start}"))
            return
        except tomli.TOMLDecodeError as error:
            self.problems.append(Problem(file, error.lineno, "", "", f"not valid TOML: {error.msg} (column {error.colno})"))
            return
        self._last = (file, find_positions(text))
        for key, value in Interpolation(self._environment, self._secrets, self.report).apply(raw).items():
            if key not in _TABLES:
                self._claim((key,))
                self._root[key] = value
            elif not isinstance(value, dict):
                self.report((key,), f"expected tables [{key}.NAME], found {value!r}")
            else:
                self._add(key, cast(dict[str, Any], value))

    def _add(self, table: str, entries: dict[str, Any]) -> None:
        for name, entry in entries.items():
            self._claim((table, name))
            if isinstance(entry, dict):
                self._document[table][name] = entry
            else:
                self.report((table, name), f"expected a table [{table}.{name}], found {entry!r}")

    def _claim(self, path: Path) -> None:
        """``path`` belongs to the file being read, unless another has it already."""
        owner = self._files.setdefault(path, self._last)
        if owner is not self._last:
            file, positions = owner
            where = f"{file}:{line_of(positions, path)}"
            self.problems.append(
                Problem(
                    self._last[0], line_of(self._last[1], path), ".".join(map(str, path)), "", f"already defined in {where}"
                )
            )

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def config(self) -> Config:
        """The config as far as it could be understood; worthless when there are problems."""
        known = {table: self._document.get(table, {}) for table in _TABLES}
        unknown = [key for key in self._root if key not in {field.encode_name for field in structs.fields(RootOptions)}]
        for key in unknown:
            names = [*(field.encode_name for field in structs.fields(RootOptions)), *_TABLES]
            self.report((key,), f"unknown key; {nearest(key, names)}")
        root = fill({k: v for k, v in self._root.items() if k not in unknown}, RootOptions, (), self.report) or RootOptions()
        self._data_dir = FilePath(root.data_dir)
        sources = _present(self._source(name, table) for name, table in known["sources"].items())
        transforms = _present(self._transform(name, table) for name, table in known["transforms"].items())
        sinks = _present(self._sink(name, table) for name, table in known["sinks"].items())
        if not self.problems or any(known.values()):
            graph.check(known["sources"], known["transforms"], known["sinks"], self.report)
        return Config(self._data_dir, root.grace_secs, sources, transforms, sinks, self._secrets)

    def _split(
        self, kind: Kind, common: type[Struct], table: dict[str, Any], path: Path
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """A table's part, the options that all of its kind have, and the part's own."""
        shared = {field.encode_name for field in structs.fields(common)}
        mine = {key: value for key, value in table.items() if key in shared}
        own = {key: value for key, value in table.items() if key not in shared}
        return self._part(kind, table.get("type"), path), mine, own

    def _part(self, kind: Kind, name: object, path: Path) -> Any:
        names = self._registry.names(kind)
        if name is None:
            self.report(path, f"'type' is missing; expected one of {', '.join(names)}")
            return None
        get: Callable[[str], Any] = getattr(self._registry, kind)
        part = get(name) if isinstance(name, str) else None
        if part is None:
            self.report(
                (*path, "type"),
                f"no {kind} {name!r} is installed; {nearest(str(name), names)} (a plugin may be missing: see `wye plugins`)",
            )
        return part

    def _own(self, own: dict[str, Any], config: type[Struct], common: type[Struct], path: Path) -> Struct | None:
        """A part's own options; a misspelt key may be meant for either side."""
        names = [field.encode_name for field in (*structs.fields(common), *structs.fields(config))]
        mine = {field.encode_name for field in structs.fields(config)}
        strange = [key for key in own if key not in mine]
        for key in strange:
            self.report((*path, key), f"unknown key; {nearest(key, names)}")
        options = fill({key: value for key, value in own.items() if key in mine}, config, path, self.report)
        return None if strange else options

    def _source(self, name: str, table: dict[str, Any]) -> SourceConfig | None:
        path: Path = ("sources", name)
        part, mine, own = self._split("source", SourceOptions, table, path)
        common = fill({"type": "", **mine}, SourceOptions, path, self.report)
        if part is None:
            return None
        options = self._own(own, part.config, SourceOptions, path)
        if common is None:
            return None
        if part.adapters == "one" and common.adapters is not None:
            self.report((*path, "adapters"), f"a {part.name} source takes one adapter; write adapter = …")
        if common.adapter is not None and common.adapters is not None:
            self.report((*path, "adapter"), "write either adapter or adapters")
        references = (
            [(common.adapter, (*path, "adapter"))]
            if common.adapters is None
            else [(one, (*path, "adapters", index)) for index, one in enumerate(common.adapters)]
        )
        adapters: list[Inbound] = _present(
            build_adapter(self._registry, "source", one, at, self.report) for one, at in references
        )
        if options is None or len(adapters) < len(references):
            return None
        context = SourceContext(name, str(self._data_dir), adapters)
        source = self._built(lambda: part.build(options, context), path)
        return SourceConfig(name, part.name, source) if source is not None else None

    def _built(self, build: Callable[[], T], path: Path) -> T | None:
        try:
            return build()
        except ValueError as error:
            self.report(path, str(error))
            return None

    def _sink(self, name: str, table: dict[str, Any]) -> SinkConfig | None:
        path: Path = ("sinks", name)
        part, mine, own = self._split("sink", SinkOptions, table, path)
        common = fill({"type": "", **mine}, SinkOptions, path, self.report)
        where = None
        if isinstance(table.get("where"), dict):
            where = compile_where(table["where"], (*path, "where"), self.report)
        if part is None:
            return None
        options = self._own(own, part.config, SinkOptions, path)
        adapter: Outbound | None = build_adapter(self._registry, "sink", table.get("adapter"), (*path, "adapter"), self.report)
        if common is None or options is None or adapter is None:
            return None
        transport = self._built(lambda: part.build(options, SinkContext(name, adapter)), path)
        return SinkConfig(name, common, transport, adapter.encoder, part.batching, where) if transport is not None else None

    def _transform(self, name: str, table: dict[str, Any]) -> TransformConfig | None:
        path: Path = ("transforms", name)
        part, mine, own = self._split("transform", TransformOptions, table, path)
        common = fill({"type": "", **mine}, TransformOptions, path, self.report)
        if part is None:
            return None
        options = self._own(own, part.config, TransformOptions, path)
        if common is None or options is None:
            return None
        transform = self._built(lambda: part.build(options), path)
        return TransformConfig(name, transform, common.inputs) if transform is not None else None


def _present(values: Any) -> list[Any]:
    return [value for value in values if value is not None]
