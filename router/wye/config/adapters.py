"""From an adapter's name, or its inline table, to the adapter."""

from __future__ import annotations

from typing import Any, Literal, cast

from msgspec import structs

from wye import canonical
from wye.config.building import built
from wye.config.fill import fill
from wye.config.interpolate import is_resolved
from wye.config.secrets import Secrets
from wye.errors import Path, Report
from wye.plugin import AdapterPart, Inbound, Outbound, Role
from wye.registry import Registry
from wye.words import found, nearest, secret_values

Side = Literal["source", "sink"]


def build_adapter(registry: Registry, side: Side, reference: Any, path: Path, report: Report, secrets: Secrets) -> Any:
    """The ``Inbound`` (for a source) or ``Outbound`` (for a sink) that ``reference`` asks for; ``None`` when ``report``
    was told what is wrong with it. No reference means canonical JSON. ``secrets`` learns what its options hold."""
    table = cast(dict[str, Any], reference) if isinstance(reference, dict) else {"type": reference or canonical.NAME}
    at = (*path, "type") if isinstance(reference, dict) else path
    role = _role(registry, side, table.get("type"), at, report)
    if role is None:
        return None
    own = {key: value for key, value in table.items() if key != "type"}
    for value in secret_values(own, role.config):
        secrets.add_option(value)
    options = fill(own, role.config, path, report)
    adapter: Inbound | Outbound | None = None if options is None else built(lambda: role.build(options), path, report)
    return None if adapter is None else structs.replace(adapter, name=table["type"])


def _role(registry: Registry, side: Side, name: Any, path: Path, report: Report) -> Role[Any] | None:
    names = [name for name in registry.names("adapter") if _side(registry.adapter(name), side)]
    if name is None:
        report(path, f"missing; expected an adapter for a {side}: {', '.join(names)}")
    elif not isinstance(name, str):
        report(path, f"expected an adapter's name ({', '.join(names)}), found {found(name)}")
    elif is_resolved(name):
        part = registry.adapter(name)
        if part is None:
            report(
                path,
                f"no adapter {found(name)} is installed; {nearest(name, names, values=True)}"
                " (is a plugin missing? `wye plugins` lists what is installed)",
            )
        elif (role := _side(part, side)) is not None:
            return role
        else:
            report(path, f"the adapter {found(name)} cannot be used by a {side}; expected one of {', '.join(names)}")
    return None


def _side(part: AdapterPart | None, side: Side) -> Role[Any] | None:
    return None if part is None else part.source if side == "source" else part.sink
