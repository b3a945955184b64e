"""The whole plugin surface: four hooks, each called once at start-up."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from wye.plugin import AdapterPart, SinkPart, SourcePart, TransformPart

hookspec = pluggy.HookspecMarker("wye")


@hookspec
def wye_sources() -> Iterable[SourcePart]:  # type: ignore[empty-body]
    """The kinds of source that this plugin adds (``type = "…"`` in ``[sources.NAME]``)."""


@hookspec
def wye_sinks() -> Iterable[SinkPart]:  # type: ignore[empty-body]
    """The kinds of sink that this plugin adds."""


@hookspec
def wye_adapters() -> Iterable[AdapterPart]:  # type: ignore[empty-body]
    """The vendor formats that this plugin adds."""


@hookspec
def wye_transforms() -> Iterable[TransformPart]:  # type: ignore[empty-body]
    """The transforms that this plugin adds."""
