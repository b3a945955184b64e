"""Addresses and files that two parts of a config would fight for, or that lead in a circle."""

from __future__ import annotations

import fnmatch
import os
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any, cast
from urllib.parse import urlsplit

from wye.config.files import Tables
from wye.config.interpolate import is_resolved
from wye.errors import Path, Report
from wye.net import host_and_port
from wye.words import found

_EVERY = "every address"
_LOCALHOST = {"127.0.0.1", "::1"}

Place = tuple[set[str], int]
"""Hosts, which are names or addresses, and a port."""


def check(sources: Tables, sinks: Tables, report: Report) -> None:
    """Tell of addresses used twice, of files written twice, and of events that would come back to where they were sent from."""
    _check_addresses({"sources": sources, "sinks": sinks}, report)
    _check_files(sources, sinks, report)
    _check_circles(sources, sinks, report)


def _check_addresses(tables: dict[str, Tables], report: Report) -> None:
    taken: list[tuple[set[str], int, Path]] = []
    for kind, parts in tables.items():
        for name, table in parts.items():
            bound = _bound(table)
            if bound is None:
                continue
            hosts, port = bound
            for others, other_port, owner in taken:
                if port == other_port and (hosts & others or _EVERY in hosts | others):
                    report(
                        (kind, name, "address"), f"{found(table['address'])} is already used by [{'.'.join(map(str, owner))}]"
                    )
                    break
            taken.append((hosts, port, (kind, name)))


def _bound(table: dict[str, Any]) -> Place | None:
    """Where a part listens. ``None`` where there is nothing to bind, a mistake told elsewhere, or a port that the system
    chooses."""
    host, colon, port = _text(table.get("address")).rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) == 0:
        return None
    return _hosts(host), int(port)


def _hosts(host: str) -> set[str]:
    """What is bound, as far as it can be told without asking the network."""
    name = host.strip("[]").lower()
    if name in ("", "*"):
        return {_EVERY}
    if name == "localhost":
        return _LOCALHOST
    try:
        address = ip_address(name)
    except ValueError:
        return {name}
    return {_EVERY} if address.is_unspecified else {str(address)}


def _check_circles(sources: Tables, sinks: Tables, report: Report) -> None:
    """Of each sink whose events come back to it, with nothing on the way that could stop one: no transform, no ``where``."""
    leads = {name: [one for one, table in sources.items() if _leads(sink, table)] for name, sink in sinks.items()}
    gets = {name: [] if "where" in sink else _inputs(sink) for name, sink in sinks.items()}
    for name, sink in sinks.items():
        reached = dict.fromkeys(leads[name])
        for source in (left := [*reached]):
            left += [one for other in sinks if source in gets[other] for one in leads[other] if one not in reached]
            reached.update(dict.fromkeys(left))
        for source in [one for one in gets[name] if one in reached][:1]:
            key = "url" if "url" in sink else "address"
            words = f"it leads back to [sources.{source}], whose events this sink gets; they would go round in a circle"
            report(("sinks", name, key), words)


def _leads(sink: dict[str, Any], source: dict[str, Any]) -> bool:
    """Whether what ``sink`` sends comes to ``source``: one of them connects to the other, on this machine for sure, in a format
    that it reads. A source with ``dedupe`` takes nothing twice."""
    if sink.get("type") != source.get("type") or "dedupe" in source or not _formats(sink) & _formats(source):
        return False
    return any(_meets(_called(one), _bound(other)) for one, other in ((sink, source), (source, sink)))


def _formats(table: dict[str, Any]) -> set[str]:
    """The adapters that a part names; an empty name where it names none."""
    named: Any = table.get("adapters", [table.get("adapter", "")])
    members = cast(list[Any], named) if isinstance(named, list) else []
    return {_text(cast(dict[str, Any], one).get("type") if isinstance(one, dict) else one) for one in members}


def _called(table: dict[str, Any]) -> Place | None:
    """Whom a part connects to; ``None`` where that is nobody, or a mistake told elsewhere."""
    try:
        host, port = host_and_port(urlsplit(_text(table.get("url"))))
    except (ValueError, KeyError):
        return None
    return (_hosts(host), port) if host and "proxy" not in table else None


def _meets(called: Place | None, bound: Place | None) -> bool:
    if called is None or bound is None or called[1] != bound[1]:
        return False
    return bool(called[0] & bound[0]) or (_EVERY in bound[0] and called[0] <= _LOCALHOST)


def _check_files(sources: Tables, sinks: Tables, report: Report) -> None:
    written: dict[str, str] = {}
    for name, table in sinks.items():
        for path in _paths(table):
            owner = written.setdefault(os.path.normpath(path), name)
            if owner != name:
                report(("sinks", name, "path"), f"{found(path)} is already written by [sinks.{owner}]")
    for name, table in sources.items():
        for path in _paths(table):
            for file, owner in written.items():
                if _reads(_parts(path), _parts(file)):
                    report(
                        ("sources", name, "path"),
                        f"{found(path)} is written by [sinks.{owner}]; its events would go round in a circle",
                    )


def _parts(path: str) -> tuple[str, ...]:
    return PurePath(os.path.normpath(path)).parts


def _reads(pattern: tuple[str, ...], file: tuple[str, ...]) -> bool:
    """Whether a glob pattern matches a path, both cut into names; ``**`` stands for any number of folders."""
    if not pattern or not file:
        return not pattern and not file
    if pattern[0] == "**":
        return any(_reads(pattern[1:], file[skipped:]) for skipped in range(len(file)))
    return fnmatch.fnmatchcase(file[0], pattern[0]) and _reads(pattern[1:], file[1:])


def _paths(table: dict[str, Any]) -> list[str]:
    if table.get("type") != "file":
        return []
    path = table.get("path")
    members = cast(list[Any], path) if isinstance(path, list) else [path]
    return [one for one in map(_text, members) if one]


def _inputs(table: dict[str, Any]) -> list[str]:
    inputs = table.get("inputs")
    return [_text(one) for one in cast(list[Any], inputs)] if isinstance(inputs, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) and is_resolved(value) else ""
