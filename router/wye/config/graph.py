"""How the parts of a config hang together: inputs that exist, no cycles, no event that goes nowhere."""

from __future__ import annotations

from typing import Any, cast

from wye.config import places
from wye.config.files import Document, Tables
from wye.config.interpolate import is_resolved
from wye.errors import Path, Report
from wye.words import found, nearest


def check(document: Document) -> None:
    """Report everything that does not hang together, but nothing that only follows from another mistake."""
    sources, transforms, sinks, report = document.sources, document.transforms, document.sinks, document.report
    if document.complete and not document.broken:
        if not sources:
            report(("sources",), "there is no source; add a table [sources.NAME]")
        if not sinks:
            report(("sinks",), "there is no sink; add a table [sinks.NAME]")
    _check_names(sources, transforms, report)
    if _inputs_exist(document) and sinks:
        _check_unused(sources, transforms, sinks, report)
    _check_cycles(transforms, report)
    places.check(sources, sinks, report)


def _inputs(table: dict[str, Any]) -> list[tuple[int, str]]:
    """The inputs that can be understood, with their places in the list; a name that stands alone counts as a list of one."""
    inputs = table.get("inputs")
    members = cast(list[Any], inputs) if isinstance(inputs, list) else [inputs]
    return [(index, one) for index, one in enumerate(members) if isinstance(one, str) and is_resolved(one)]


def _check_names(sources: Tables, transforms: Tables, report: Report) -> None:
    for name in transforms:
        if name in sources:
            report(("transforms", name), f"there is a source {found(name)} too; inputs could mean either, so rename one")


def _inputs_exist(document: Document) -> bool:
    """Report inputs that are none; true when all could be understood."""
    fine = document.complete and not document.broken
    for kind, tables in (("transforms", document.transforms), ("sinks", document.sinks)):
        for name, table in tables.items():
            inputs = table.get("inputs")
            fine = fine and isinstance(inputs, list) and is_resolved(cast(Any, inputs)) and bool(cast(list[Any], inputs))
            seen: set[str] = set()
            for index, one in _inputs(table):
                fault = _fault(one, seen, document)
                seen.add(one)
                if fault:
                    at: Path = (kind, name, "inputs", index) if isinstance(inputs, list) else (kind, name, "inputs")
                    document.report(at, fault)
                    fine = False
    return fine


def _fault(one: str, seen: set[str], document: Document) -> str | None:
    valid = [*document.sources, *document.transforms]
    if one in seen:
        return f"{found(one)} stands here twice; its events would arrive twice"
    if one in valid or one in document.broken:
        return None
    if one in document.sinks:
        return f"{found(one)} is a sink; only sources and transforms give events"
    if not document.complete:
        return None
    return f"there is no source or transform {found(one)}; {nearest(one, valid, values=True)}"


def _check_cycles(transforms: Tables, report: Report) -> None:
    """Each cycle once, by walking up the inputs."""
    done: set[str] = set()
    for start in transforms:
        trail: list[tuple[str, list[str]]] = []
        _enter(start, transforms, trail, done)
        while trail:
            name, left = trail[-1]
            if not left:
                trail.pop()
                done.add(name)
                continue
            above = left.pop(0)
            names = [one for one, _ in trail]
            if above in names:
                cycle = [*names[names.index(above) :], above]
                report(("transforms", above, "inputs"), f"a cycle: {' ← '.join(cycle)}; take one out")
            else:
                _enter(above, transforms, trail, done)


def _enter(name: str, transforms: Tables, trail: list[tuple[str, list[str]]], done: set[str]) -> None:
    if name in transforms and name not in done:
        trail.append((name, [one for _, one in _inputs(transforms[name])]))


def _check_unused(sources: Tables, transforms: Tables, sinks: Tables, report: Report) -> None:
    used = {one for table in (*transforms.values(), *sinks.values()) for _, one in _inputs(table)}
    for kind, tables in (("sources", sources), ("transforms", transforms)):
        for name in tables:
            if name not in used:
                report((kind, name), f"nothing has {found(name)} among its inputs; its events would go nowhere")
