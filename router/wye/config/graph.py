"""How the parts of a config hang together: inputs that exist, no cycles, no address or file used twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from wye.errors import Path, Report, nearest

Tables = dict[str, dict[str, Any]]


def check(sources: Tables, transforms: Tables, sinks: Tables, report: Report) -> None:
    """Tell ``report`` of everything that does not hang together."""
    if not sources:
        report(("sources",), "there is no source; add a table [sources.NAME]")
    if not sinks:
        report(("sinks",), "there is no sink; add a table [sinks.NAME]")
    _check_names(sources, transforms, report)
    _check_inputs(sources, transforms, sinks, report)
    _check_cycles(transforms, report)
    _check_unused(sources, transforms, sinks, report)
    _check_addresses({"sources": sources, "sinks": sinks}, report)
    _check_files(sources, sinks, report)


def _inputs(table: dict[str, Any]) -> list[str]:
    inputs = table.get("inputs")
    return [one for one in cast(list[Any], inputs) if isinstance(one, str)] if isinstance(inputs, list) else []


def _check_names(sources: Tables, transforms: Tables, report: Report) -> None:
    for name in transforms:
        if name in sources:
            report(("transforms", name), f"there is a source {name!r} too; inputs could mean either, so rename one")


def _check_inputs(sources: Tables, transforms: Tables, sinks: Tables, report: Report) -> None:
    valid = [*sources, *transforms]
    for kind, tables in (("transforms", transforms), ("sinks", sinks)):
        for name, table in tables.items():
            seen: set[str] = set()
            for index, one in enumerate(_inputs(table)):
                at: Path = (kind, name, "inputs", index)
                if one in sinks and one not in valid:
                    report(at, f"{one!r} is a sink; only sources and transforms give events")
                elif one not in valid:
                    report(at, f"no source or transform {one!r}; {nearest(one, valid)}")
                elif one in seen:
                    report(at, f"{one!r} stands here twice; its events would arrive twice")
                seen.add(one)


def _check_cycles(transforms: Tables, report: Report) -> None:
    done: set[str] = set()
    for start in transforms:
        trail: list[str] = []

        def follow(name: str, trail: list[str] = trail) -> None:
            if name in trail:
                cycle = [*trail[trail.index(name) :], name]
                report(("transforms", name, "inputs"), f"a cycle: {' ← '.join(cycle)}")
                done.update(cycle)
                return
            if name in done or name not in transforms:
                return
            trail.append(name)
            for one in _inputs(transforms[name]):
                follow(one)
            trail.pop()
            done.add(name)

        follow(start)


def _check_unused(sources: Tables, transforms: Tables, sinks: Tables, report: Report) -> None:
    used = {one for table in (*transforms.values(), *sinks.values()) for one in _inputs(table)}
    for kind, tables in (("sources", sources), ("transforms", transforms)):
        for name in tables:
            if name not in used and sinks:
                report((kind, name), f"nothing has {name!r} among its inputs; its events would go nowhere")


def _check_addresses(tables: dict[str, Tables], report: Report) -> None:
    taken: list[tuple[str, str, Path]] = []
    for kind, parts in tables.items():
        for name, table in parts.items():
            address = table.get("address")
            if not isinstance(address, str):
                continue
            host, _, port = address.rpartition(":")
            for other_host, other_port, other in taken:
                if port == other_port != "0" and (host == other_host or _ANY & {host, other_host}):
                    report((kind, name, "address"), f"{address!r} is already used by [{'.'.join(map(str, other))}]")
            taken.append((host, port, (kind, name)))


_ANY = {"", "0.0.0.0", "[::]", "*"}  # noqa: S104  recognised, not bound


def _check_files(sources: Tables, sinks: Tables, report: Report) -> None:
    written: dict[str, str] = {}
    for name, table in sinks.items():
        for path in _paths(table):
            if path in written:
                report(("sinks", name, "path"), f"{path!r} is already written by [sinks.{written[path]}]")
            written.setdefault(path, name)
    for name, table in sources.items():
        for path in _paths(table):
            if path in written:
                report(("sources", name, "path"), f"a cycle: {path!r} is written by [sinks.{written[path]}]")


def _paths(table: dict[str, Any]) -> Iterator[str]:
    path = table.get("path")
    if table.get("type") == "file":
        yield from [path] if isinstance(path, str) else [one for one in cast(list[Any], path or []) if isinstance(one, str)]
