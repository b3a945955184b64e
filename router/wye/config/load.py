"""Files to a checked ``Config``: look parts up, fill their options, build them, and check how they hang together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeVar, cast

from msgspec import Struct, structs

from wye.config import graph, spreading
from wye.config.adapters import build_adapter
from wye.config.building import built
from wye.config.files import TABLES, Document
from wye.config.fill import fill
from wye.config.interpolate import is_resolved
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
from wye.config.secrets import Secrets
from wye.errors import ConfigError, Path, Report
from wye.fidelity.formats import format_of
from wye.fidelity.measure import Format
from wye.keep import keeping
from wye.naming import naming
from wye.plugin import Inbound, Outbound, SinkContext, SourceContext
from wye.registry import Kind, Registry
from wye.where import compile_where
from wye.words import closest, found, nearest, secret_values

T = TypeVar("T")
C = TypeVar("C", bound=Struct)


def load_config(
    files: Sequence[str],
    registry: Registry,
    environment: Mapping[str, str] | None = None,
    *,
    worker: int = 0,
    workers: int | None = None,
) -> Config:
    """Read ``files`` as one config, for the process ``worker`` of ``workers`` (as many as ``files`` say, where that is left
    out). Raises ``ConfigError`` with every problem found, in the order of files and lines."""
    secrets = Secrets()
    document = Document(os.environ if environment is None else environment, secrets)
    for file in files:
        document.read(file)
    config = _Loader(registry, document, secrets, worker, workers).config()
    problems = document.problems()
    if problems:
        raise ConfigError(problems)
    return config


def load_root(files: Sequence[str], environment: Mapping[str, str] | None = None) -> RootOptions:
    """What ``files`` say of wye as a whole. Raises ``ConfigError`` when that cannot be understood; mistakes elsewhere, and
    variables that are not set there, do not matter."""
    secrets = Secrets()
    document = Document(os.environ if environment is None else environment, secrets)
    for file in files:
        document.read(file)
    options = _root(document.root, document.report)
    problems = [problem for problem in document.problems() if not problem.table]
    if problems:
        raise ConfigError(problems)
    return options


class _Loader:
    def __init__(
        self, registry: Registry, document: Document, secrets: Secrets, worker: int = 0, workers: int | None = None
    ) -> None:
        self._worker = worker
        self._workers = workers
        self._registry = registry
        self._document = document
        self._report = document.report
        self._secrets = secrets
        self._data_dir = FilePath()

    def config(self) -> Config:
        """The config as far as it could be understood; worthless when there are problems."""
        document = self._document
        root = _root(document.root, self._report)
        self._data_dir = FilePath(root.data_dir)
        workers = self._workers = root.workers if self._workers is None else self._workers
        config = Config(
            self._data_dir,
            root.grace_secs,
            _present(self._source(name, table) for name, table in document.sources.items()),
            _present(self._transform(name, table) for name, table in document.transforms.items()),
            _present(self._sink(name, table) for name, table in document.sinks.items()),
            self._secrets,
            root.dead_letters,
            workers,
            self._worker,
        )
        graph.check(document)
        if workers > 1:
            spreading.check(config, document)
        return config

    # ── what all kinds have ──────────────────────────────────────────────────────────────────────────────────────────────

    def _common(self, table: dict[str, Any], common: type[C], part: Any, path: Path) -> C | None:
        """The options that every part of a kind has. Its type is looked up by ``_part``."""
        own = _names(part.config) if part is not None else []
        meant = [closest(key, [*_names(common), *own]) for key in table if key not in own]
        mine = {key: value for key, value in table.items() if key in _names(common)}
        return fill({**mine, "type": ""}, common, path, self._report, [] if part is None else list(filter(None, meant)))

    def _part(self, kind: Kind, table: dict[str, Any], path: Path) -> Any:
        names = self._registry.names(kind)
        installed = ", ".join(names) or "none"
        at = (*path, "type")
        name = table.get("type")
        if name is None:
            self._report(at, f"missing; expected a type of {kind}: {installed}")
        elif not isinstance(name, str):
            self._report(at, f"expected a type of {kind} ({installed}), found {found(name)}")
        elif is_resolved(name):
            get: Callable[[str], Any] = getattr(self._registry, kind)
            part = get(name)
            if part is None:
                self._report(
                    at,
                    f"no {kind} type {found(name)} is installed; {nearest(name, names, values=True)}"
                    " (is a plugin missing? `wye plugins` lists what is installed)",
                )
            return part
        return None

    def _own(self, table: dict[str, Any], config: type[Struct], common: type[Struct], path: Path) -> Struct | None:
        """A part's own options; a misspelt key may be meant for either side."""
        for value in secret_values(table, config):
            self._secrets.add_option(value)
        own = {key: value for key, value in table.items() if key not in _names(common)}
        strange = [key for key in own if key not in _names(config)]
        for key in strange:
            self._report((*path, key), f"unknown key; {nearest(key, [*_names(common), *_names(config)])}")
        options = fill({key: value for key, value in own.items() if key not in strange}, config, path, self._report)
        return None if strange else options

    def _adapter(self, side: Any, reference: Any, path: Path) -> Any:
        return build_adapter(self._registry, side, reference, path, self._report, self._secrets)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _source(self, name: str, table: dict[str, Any]) -> SourceConfig | None:
        path: Path = ("sources", name)
        part = self._part("source", table, path)
        common = self._common(table, SourceOptions, part, path)
        if part is None:
            return None
        options = self._own(table, part.config, SourceOptions, path)
        if common is None:
            return None
        adapters = self._source_adapters(part.name, part.adapters, common, path)
        if options is None or adapters is None:
            return None
        context = SourceContext(name, str(self._data_dir), adapters)
        source = built(lambda: part.build(options, context), path, self._report)
        if source is None:
            return None
        return SourceConfig(name, part.name, source, adapters, common.dedupe, part.spreads(options))

    def _source_adapters(self, kind: str, takes: str, common: SourceOptions, path: Path) -> list[Inbound] | None:
        references = [(common.adapter, (*path, "adapter"))]
        if common.adapters is not None:
            if takes == "one":
                self._report((*path, "adapters"), f"a source of type {found(kind)} takes one adapter; write adapter = …")
                return None
            if common.adapter is not None:
                self._report((*path, "adapter"), "write either adapter or adapters, not both")
                return None
            references = [(one, (*path, "adapters", index)) for index, one in enumerate(common.adapters)]
        adapters: list[Inbound] = _present(self._adapter("source", one, at) for one, at in references)
        if len(adapters) != len(references):
            return None
        if common.keep_original:
            adapters = [keeping(adapter) for adapter in adapters]
        return adapters if len(adapters) == 1 else [naming(adapter) for adapter in adapters]

    def _sink(self, name: str, table: dict[str, Any]) -> SinkConfig | None:
        path: Path = ("sinks", name)
        part = self._part("sink", table, path)
        common = self._common(table, SinkOptions, part, path)
        where: Any = table.get("where")
        matches = None
        if isinstance(where, dict) and is_resolved(where):
            matches = compile_where(cast(dict[str, Any], where), (*path, "where"), self._report)
        reference = table.get("adapter")
        adapter: Outbound | None = None
        if reference is None or isinstance(reference, str | dict):
            adapter = self._adapter("sink", reference, (*path, "adapter"))
        if part is None:
            return None
        options = self._own(table, part.config, SinkOptions, path)
        if common is None or options is None or adapter is None:
            return None
        context = SinkContext(name, adapter, self._worker, self._workers or 1)
        transport = built(lambda: part.build(options, context), path, self._report)
        if transport is None:
            return None
        common = structs.replace(common, type=part.name)
        readback = format_of(self._registry, adapter.name, adapter)
        self._check_fitting(common, adapter, readback, path)
        return SinkConfig(name, common, transport, adapter.encoder, readback, part.batching, matches)

    def _check_fitting(self, options: SinkOptions, adapter: Outbound, readback: Format | None, path: Path) -> None:
        """What is asked for must not pass in silence where it cannot be done."""
        policies = options.on_loss.values() if isinstance(options.on_loss, dict) else [options.on_loss]
        unread = f"what the adapter {found(adapter.name)} writes cannot be read back, so that no loss can be seen"
        if readback is None and any(policy != "allow" for policy in policies):
            self._report((*path, "on_loss"), unread)
        if options.carry and adapter.bag is None:
            self._report((*path, "carry"), f"the adapter {found(adapter.name)} has no free attributes to carry in")
        elif options.carry and readback is None:
            self._report((*path, "carry"), unread)

    def _transform(self, name: str, table: dict[str, Any]) -> TransformConfig | None:
        path: Path = ("transforms", name)
        part = self._part("transform", table, path)
        common = self._common(table, TransformOptions, part, path)
        if part is None:
            return None
        options = self._own(table, part.config, TransformOptions, path)
        if common is None or options is None:
            return None
        transform = built(lambda: part.build(options), path, self._report)
        return TransformConfig(name, part.name, transform, common.inputs) if transform is not None else None


def _root(table: dict[str, Any], report: Report) -> RootOptions:
    known = _names(RootOptions)
    for key in table:
        if key not in known:
            report((key,), f"unknown key; {nearest(key, [*known, *TABLES])}")
    return fill({key: table[key] for key in known if key in table}, RootOptions, (), report) or RootOptions()


def _names(struct: type[Struct]) -> list[str]:
    return [field.encode_name for field in structs.fields(struct)]


def _present(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]
