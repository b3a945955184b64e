"""The ``filter`` transform: lets through what matches a condition; the rest counts as filtered at every sink behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from wye.event import Event
from wye.options import Options, OptionsError
from wye.plugin import TransformPart, hookimpl
from wye.where import compile_where


class FilterOptions(Options, frozen=True):
    """One condition for several sinks at once; a sink's own `where` does the same for one."""

    where: Annotated[dict[str, Any], Meta(description="Which events go on, by canonical fields. See *Conditions*.")]


class Filter(Struct, frozen=True):
    """Keeps the events that match."""

    matches: Callable[[Event], bool]

    def apply(self, event: Event, /) -> Event | None:
        return event if self.matches(event) else None


def build_filter(options: FilterOptions) -> Filter:
    """Raises ``OptionsError`` with every mistake in the condition."""
    mistakes: list[tuple[tuple[str | int, ...], str]] = []
    matches = compile_where(options.where, ("where",), lambda path, message: mistakes.append((path, message)))
    if mistakes:
        raise OptionsError(mistakes)
    return Filter(matches)


@hookimpl
def wye_transforms() -> list[TransformPart]:
    """The ``filter`` transform."""
    return [TransformPart("filter", FilterOptions, build_filter)]
