"""Addresses and files that two parts of a config would fight for."""

from __future__ import annotations

import fnmatch
import os
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any, cast

from wye.config.files import Tables
from wye.config.interpolate import is_resolved
from wye.errors import Path, Report
from wye.words import found

_EVERY = "every address"


def check(sources: Tables, sinks: Tables, report: Report) -> None:
    """Tell of addresses used twice, of files written twice, and of files that are both read and written."""
    _check_addresses({"sources": sources, "sinks": sinks}, report)
    _check_files(sources, sinks, report)


def _check_addresses(tables: dict[str, Tables], report: Report) -> None:
    taken: list[tuple[set[str], int, Path]] = []
    for kind, parts in tables.items():
        for name, table in parts.items():
            host, colon, port = _text(table.get("address")).rpartition(":")
            if not colon or not (port.isascii() and port.isdigit()) or int(port) == 0:
                continue  # nothing to bind, a mistake told elsewhere, or a port that the system chooses
            hosts = _hosts(host)
            for others, other_port, owner in taken:
                if int(port) == other_port and (hosts & others or _EVERY in hosts | others):
                    report(
                        (kind, name, "address"), f"{found(table['address'])} is already used by [{'.'.join(map(str, owner))}]"
                    )
                    break
            taken.append((hosts, int(port), (kind, name)))


def _hosts(host: str) -> set[str]:
    """What is bound, as far as it can be told without asking the network."""
    name = host.strip("[]").lower()
    if name in ("", "*"):
        return {_EVERY}
    if name == "localhost":
        return {"127.0.0.1", "::1"}
    try:
        address = ip_address(name)
    except ValueError:
        return {name}
    return {_EVERY} if address.is_unspecified else {str(address)}


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


def _text(value: Any) -> str:
    return value if isinstance(value, str) and is_resolved(value) else ""
