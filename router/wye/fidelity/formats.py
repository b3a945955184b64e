"""The formats that can be measured: adapters that wye both reads and writes."""

from __future__ import annotations

from typing import TypeVar

from wye import canonical
from wye.fidelity.measure import Format
from wye.plugin import AdapterPart, Outbound, Role
from wye.registry import Registry

T = TypeVar("T")


def default_format(registry: Registry, name: str) -> Format | None:
    """The adapter with the defaults of its options; ``None`` where it has only one side, or needs options."""
    part = registry.adapter(name)
    outbound = None if part is None else _with_defaults(part.sink)
    return None if outbound is None else format_of(registry, name, outbound)


def format_of(registry: Registry, name: str, outbound: Outbound) -> Format | None:
    """The adapter as a sink has built it, and its other side with defaults; ``None`` where there is no other side to read it
    with."""
    part = registry.adapter(name)
    inbound = None if part is None else _with_defaults(part.source)
    return None if inbound is None else Format(name, outbound, inbound)


def _with_defaults(role: Role[T] | None) -> T | None:
    """``None`` where there is no such side, or it needs options; a fault of the plugin is told where a config uses it."""
    try:
        return None if role is None else role.build(role.config())
    except Exception:
        return None


def all_formats(registry: Registry) -> list[Format]:
    """Every vendor's format that needs no options, by name. The canonical one loses nothing and is left out."""
    names = [offer.part.name for offer in registry.offers if isinstance(offer.part, AdapterPart)]
    formats = [default_format(registry, name) for name in sorted(names) if name != canonical.NAME]
    return [one for one in formats if one is not None]


def name_of(text: str) -> str:
    """The adapter's name in a command-line reference that has already been found valid."""
    import tomli

    return tomli.loads(f"it = {text}")["it"]["type"] if text.lstrip().startswith("{") else text
