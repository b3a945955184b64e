"""The formats that can be measured: adapters that wye both reads and writes."""

from __future__ import annotations

from wye import canonical
from wye.fidelity.measure import Format
from wye.plugin import AdapterPart, Outbound
from wye.registry import Registry


def default_format(registry: Registry, name: str) -> Format | None:
    """The adapter with the defaults of its options; ``None`` where it has only one side, or needs options."""
    part = registry.adapter(name)
    if part is None or part.source is None or part.sink is None:
        return None
    try:
        return Format(name, part.sink.build(part.sink.config()), part.source.build(part.source.config()))
    except (TypeError, ValueError):  # a required option
        return None


def format_of(registry: Registry, name: str, outbound: Outbound) -> Format | None:
    """The adapter as a sink has built it, and its other side with defaults; ``None`` where there is no other side to read it
    with."""
    default = default_format(registry, name)
    return None if default is None else Format(name, outbound, default.inbound)


def all_formats(registry: Registry) -> list[Format]:
    """Every vendor's format that needs no options, by name. The canonical one loses nothing and is left out."""
    names = [offer.part.name for offer in registry.offers if isinstance(offer.part, AdapterPart)]
    formats = [default_format(registry, name) for name in sorted(names) if name != canonical.NAME]
    return [one for one in formats if one is not None]


def name_of(text: str) -> str:
    """The adapter's name in a command-line reference that has already been found valid."""
    import tomli

    return tomli.loads(f"it = {text}")["it"]["type"] if text.lstrip().startswith("{") else text
