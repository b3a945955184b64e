"""Finds the plugins and holds what they offer. Start-up only: afterwards wye calls the objects that the parts have built."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeAlias

import pluggy
from msgspec import Struct

from wye import canonical, hookspecs
from wye.errors import PluginError
from wye.plugin import AdapterPart, SinkPart, SourcePart, TransformPart

GROUP = "wye"

Kind = Literal["source", "sink", "adapter", "transform"]
KINDS: tuple[Kind, ...] = ("source", "sink", "adapter", "transform")

Part: TypeAlias = SourcePart | SinkPart | AdapterPart | TransformPart


class Offer(Struct, frozen=True):
    """One part, and who brought it: the plugin's name and its distribution with version."""

    kind: Kind
    part: Part
    plugin: str
    distribution: str


class Registry:
    """All parts by kind and name.

    Raises ``PluginError`` when a plugin cannot be imported, misspells a hook, returns something else than parts, or claims a
    name that is taken (both owners are named).
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.offers: list[Offer] = []
        self._by_name: dict[tuple[Kind, str], Offer] = {}
        for kind in KINDS:
            for plugin, name in sorted(_named(manager), key=lambda pair: pair[1]):
                self._collect(manager, kind, plugin, name)

    def _collect(self, manager: pluggy.PluginManager, kind: Kind, plugin: object, name: str) -> None:
        hook = getattr(plugin, f"wye_{kind}s", None)
        if hook is None or manager.parse_hookimpl_opts(plugin, f"wye_{kind}s") is None:
            return
        distribution = next((_label(dist) for one, dist in manager.list_plugin_distinfo() if one is plugin), "wye")
        for part in hook():
            if not isinstance(part, _PARTS[kind]):
                raise PluginError(
                    f"plugin {name} ({distribution}): wye_{kind}s gave {part!r}, expected {_PARTS[kind].__name__}"
                )
            offer = Offer(kind, part, name, distribution)
            owner = self._by_name.setdefault((kind, part.name), offer)
            if owner is not offer:
                raise PluginError(
                    f"two plugins offer the {kind} {part.name!r}: {owner.plugin} ({owner.distribution}) and"
                    f" {name} ({distribution}); uninstall one, or rename its {kind}"
                )
            self.offers.append(offer)

    def names(self, kind: Kind) -> list[str]:
        """The names that ``type = "…"`` can take for this kind."""
        return [name for of_kind, name in self._by_name if of_kind == kind]

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


_PARTS: dict[Kind, type[Part]] = {"source": SourcePart, "sink": SinkPart, "adapter": AdapterPart, "transform": TransformPart}


def load(extra: Iterable[tuple[str, object]] = ()) -> Registry:
    """The registry of everything installed, and of ``extra`` plugins given as (name, plugin)."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(canonical, "canonical")
    for point in entry_points(group=GROUP):
        _register(manager, point)
    for name, plugin in extra:
        manager.register(plugin, name)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{error}; the hooks are wye_sources, wye_sinks, wye_adapters and wye_transforms") from None
    return Registry(manager)


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> None:
    label = f"{point.name} = {point.value!r} of {_label(point.dist)}" if point.dist else f"{point.name} = {point.value!r}"
    try:
        plugin = point.load()
        manager.register(plugin, f"{point.value}")
    except Exception as error:
        raise PluginError(f"plugin {label} cannot be loaded: {type(error).__name__}: {error}") from error
    if point.dist is not None:
        # pluggy keeps distributions only for what it has loaded itself, and that would hide which plugin failed.
        manager._plugin_distinfo.append((plugin, pluggy._manager.DistFacade(point.dist)))  # type: ignore


def _named(manager: pluggy.PluginManager) -> list[tuple[object, str]]:
    return [(plugin, name) for name, plugin in manager.list_name_plugin() if plugin is not None]


def _label(dist: Any) -> str:
    return f"{dist.metadata['Name']} {dist.metadata['Version']}"
