"""From an adapter's name, or its inline table, to the adapter."""

from __future__ import annotations

from typing import Any, Literal, cast

from wye import canonical
from wye.config.fill import fill
from wye.errors import Path, Report, nearest
from wye.plugin import AdapterPart, Role
from wye.registry import Registry

Side = Literal["source", "sink"]


def build_adapter(registry: Registry, side: Side, reference: Any, path: Path, report: Report) -> Any:
    """The ``Inbound`` (for a source) or ``Outbound`` (for a sink) that ``reference`` asks for; ``None`` when ``report``
    was told what is wrong with it. No reference means canonical JSON."""
    table = cast(dict[str, Any], reference) if isinstance(reference, dict) else {"type": reference or canonical.NAME}
    name = table.get("type")
    names = registry.names("adapter")
    if name is None:
        report(path, f"'type' is missing; expected one of {', '.join(names)}")
        return None
    part: AdapterPart | None = registry.adapter(name) if isinstance(name, str) else None
    if part is None:
        report(path, f"no adapter {name!r} is installed; {nearest(str(name), names)} (`wye plugins` lists what is)")
        return None
    role: Role[Any] | None = part.source if side == "source" else part.sink
    if role is None:
        report(path, f"adapter {part.name!r} cannot be used by a {side}")
        return None
    options = fill({key: value for key, value in table.items() if key != "type"}, role.config, path, report)
    if options is None:
        return None
    try:
        return role.build(options)
    except ValueError as error:
        report(path, str(error))
        return None
