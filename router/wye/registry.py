"""Finds the plugins and holds what they offer. Start-up only: afterwards wye calls the objects that the parts have built."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias, cast

import msgspec
import pluggy
from msgspec import Struct, structs

from wye import canonical, hookspecs
from wye.errors import PluginError
from wye.fault import fault
from wye.plugin import AdapterPart, SinkPart, SourcePart, TransformPart

GROUP = "wye"

Kind = Literal["source", "sink", "adapter", "transform"]
KINDS: tuple[Kind, ...] = ("source", "sink", "adapter", "transform")
HOOKS = tuple(f"wye_{kind}s" for kind in KINDS)

Part: TypeAlias = SourcePart | SinkPart | AdapterPart | TransformPart

_PARTS: dict[Kind, type[Part]] = {"source": SourcePart, "sink": SinkPart, "adapter": AdapterPart, "transform": TransformPart}


class Offer(Struct, frozen=True):
    """One part, and who brought it: the plugin's name and its distribution with version."""

    kind: Kind
    part: Part
    plugin: str
    distribution: str


class Registry:
    """All parts by kind and name.

    ``distributions`` says by plugin name which distribution it is of. Raises ``PluginError`` when a hook fails, gives something
    else than parts, or claims a name that is taken (both owners are named).
    """

    def __init__(self, manager: pluggy.PluginManager, distributions: Mapping[str, str] | None = None) -> None:
        self.offers: list[Offer] = []
        self._by_name: dict[tuple[Kind, str], Offer] = {}
        plugins = sorted((name, plugin) for name, plugin in manager.list_name_plugin() if plugin is not None)
        for kind in KINDS:
            for name, plugin in plugins:
                if manager.parse_hookimpl_opts(plugin, f"wye_{kind}s") is not None:
                    self._collect(kind, plugin, name, (distributions or {}).get(name, "wye"))
        self.offers.sort(key=lambda offer: (KINDS.index(offer.kind), offer.part.name))

    def _collect(self, kind: Kind, plugin: Any, name: str, distribution: str) -> None:
        who = f"plugin {name} ({distribution})"
        for part in _call(getattr(plugin, f"wye_{kind}s"), f"{who}: wye_{kind}s"):
            _check_part(part, kind, who)
            offer = Offer(kind, part, name, distribution)
            owner = self._by_name.setdefault((kind, part.name), offer)
            if owner is not offer:
                raise PluginError(
                    f'two plugins offer the {kind} "{part.name}": {owner.plugin} ({owner.distribution}) and'
                    f" {name} ({distribution}); uninstall one, or rename its {kind}"
                )
            self.offers.append(offer)

    def names(self, kind: Kind) -> list[str]:
        """The names that ``type = "…"`` can take for this kind."""
        return sorted(name for of_kind, name in self._by_name if of_kind == kind)

    def source(self, name: str) -> SourcePart | None:
        return self._get("source", name)

    def sink(self, name: str) -> SinkPart | None:
        return self._get("sink", name)

    def adapter(self, name: str) -> AdapterPart | None:
        return self._get("adapter", name)

    def transform(self, name: str) -> TransformPart | None:
        return self._get("transform", name)

    def _get(self, kind: Kind, name: str) -> Any:
        offer = self._by_name.get((kind, name))
        return offer.part if offer else None


def _call(hook: Callable[[], object], who: str) -> list[Any]:
    try:
        parts = hook()
    except Exception as error:
        raise PluginError(f"{who} raised {fault(error)}") from error
    if isinstance(parts, str | bytes) or not isinstance(parts, Iterable):
        raise PluginError(f"{who} gave {parts!r}, expected a list of parts")
    return list(cast(Iterable[Any], parts))


def _check_part(part: Any, kind: Kind, who: str) -> None:
    if not isinstance(part, _PARTS[kind]):
        raise PluginError(f"{who}: wye_{kind}s gave {part!r}, expected a {_PARTS[kind].__name__}")
    roles = [part.source, part.sink] if isinstance(part, AdapterPart) else [part]
    if not any(roles):
        raise PluginError(f'{who}: the adapter "{part.name}" has neither a source nor a sink role')
    for role in filter(None, roles):
        config: Any = role.config
        if not (isinstance(config, type) and issubclass(config, Struct)):
            raise PluginError(f'{who}: the options of the {kind} "{part.name}" are {config!r}, expected a msgspec struct class')
        try:
            msgspec.convert({}, config)
        except msgspec.ValidationError:
            pass  # something is required
        except Exception as error:  # a type that nothing could fit, or a fault of its __post_init__
            what = str(error) if isinstance(error, TypeError) else fault(error)
            raise PluginError(f'{who}: the options of the {kind} "{part.name}" cannot be used: {what}') from None
        taken = _common(kind) & {field.encode_name for field in structs.fields(config)}
        if taken:
            raise PluginError(
                f'{who}: the {kind} "{part.name}" has the option {min(taken)}, which every {kind} has already; rename it'
            )


def _common(kind: Kind) -> set[str]:
    from wye.config.model import SinkOptions, SourceOptions, TransformOptions

    common: dict[Kind, type[Struct]] = {"source": SourceOptions, "sink": SinkOptions, "transform": TransformOptions}
    return {field.encode_name for field in structs.fields(common[kind])} if kind in common else {"type"}


def load(extra: Iterable[tuple[str, object]] = (), points: Iterable[EntryPoint] | None = None) -> Registry:
    """The registry of everything installed, and of ``extra`` plugins given as (name, plugin).

    ``points`` stands in for the entry points of what is installed. Raises ``PluginError`` with a line for each plugin that
    cannot be imported, misspells a hook, or forgets to mark one.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(canonical, "canonical")
    distributions: dict[str, str] = {}
    faults: list[str] = []
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
        try:
            _add(manager, distributions, point.value, point.load(), _label(point.dist))
        except Exception as error:
            what = str(error) if isinstance(error, PluginError) else f"cannot be loaded: {fault(error)}"
            faults.append(f'plugin {point.name} = "{point.value}" ({_label(point.dist)}) {what}')
    for name, plugin in extra:
        try:
            _add(manager, distributions, name, plugin, "wye")
        except PluginError as error:
            faults.append(f"plugin {name} {error}")
    if faults:
        raise PluginError("\n".join(faults))
    return Registry(manager, distributions)


def _add(manager: pluggy.PluginManager, distributions: dict[str, str], name: str, plugin: object, distribution: str) -> None:
    """Raises ``PluginError`` with the end of a sentence that begins with the plugin."""
    if manager.has_plugin(name):
        raise PluginError(f"is there twice: {distributions.get(name, 'wye')} brings it too; uninstall one")
    _check_hooks(manager, plugin)
    manager.register(plugin, name)
    distributions[name] = distribution


def _check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """pluggy passes over what is not marked, and over what it does not know until asked."""
    found = 0
    for name in dir(plugin):
        if not name.startswith("wye_") or not inspect.isroutine(getattr(plugin, name, None)):
            continue
        if name not in HOOKS:
            raise PluginError(f"has a hook {name}, which wye does not know; the hooks are {', '.join(HOOKS)}")
        if manager.parse_hookimpl_opts(plugin, name) is None:
            raise PluginError(f"does not mark {name}; put @hookimpl (of wye.plugin) before it")
        found += 1
    if not found:
        raise PluginError(f"offers nothing; it needs at least one of the hooks {', '.join(HOOKS)}")


def _label(dist: Any) -> str:
    return f"{dist.metadata['Name']} {dist.metadata['Version']}" if dist is not None else "of no distribution"
