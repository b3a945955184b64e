"""Tables to option structs, with every mistake told rather than the first."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct, structs

from wye.annotations import members_of, struct_in, values_of
from wye.config.interpolate import is_resolved
from wye.errors import Path, Report
from wye.words import closest, expected, found, is_secret, kind_of, literals, nearest

S = TypeVar("S", bound=Struct)

_AT = re.compile(r" - at `.*`$")


def fill(table: dict[str, Any], struct: type[S], path: Path, report: Report, meant: Collection[str] = ()) -> S | None:
    """``table`` as a ``struct``; ``None`` when ``report`` was told of something, here or when a variable was not set.

    A key that is missing is not told of when it is among ``meant``, or when an unknown key was meant to be it.
    """
    wrong = not is_resolved(table)

    def tell(at: Path, message: str) -> None:
        nonlocal wrong
        wrong = True
        report(at, message)

    fields = {field.encode_name: field for field in structs.fields(struct)}
    strange = [key for key in table if key not in fields]
    for key, value in table.items():
        if key in fields:
            check(value, fields[key].type, (*path, key), tell)
        else:
            tell((*path, key), f"unknown key; {nearest(key, fields)}")
    guessed = {*meant, *(closest(key, fields) for key in strange)}
    missing = [name for name, field in fields.items() if field.required and name not in table]
    for name in missing:
        if name not in guessed:
            tell((*path, name), f"missing; expected {expected(fields[name].type)}")
    if wrong or missing:
        return None
    try:
        return msgspec.convert(table, struct)
    except ValueError as error:  # a rule of the struct's own
        report(path, _AT.sub("", str(error)))
        return None


def check(value: Any, annotation: Any, path: Path, report: Report) -> None:
    """Tell what is wrong with ``value`` as an ``annotation``, at any depth."""
    if not is_resolved(value) and isinstance(value, str):
        return
    wrong = False

    def tell(at: Path, message: str) -> None:
        nonlocal wrong
        wrong = True
        report(at, message)

    _check_members(value, annotation, path, tell)
    if wrong or not is_resolved(value) or (struct_in(annotation) is not None and isinstance(value, dict)):
        return
    try:
        msgspec.convert(value, annotation)
    except ValueError:
        report(path, _mismatch(value, annotation))


def _check_members(value: Any, annotation: Any, path: Path, report: Report) -> None:
    if isinstance(value, dict):
        table = cast(dict[str, Any], value)
        struct = struct_in(annotation)
        members = values_of(annotation)
        if struct is not None:
            fill(table, struct, path, report)
        elif members is not None:
            for key, member in table.items():
                check(member, members, (*path, key), report)
    elif isinstance(value, list) and (members := members_of(annotation, list, tuple)) is not None:
        for index, member in enumerate(cast(list[Any], value)):
            check(member, members, (*path, index), report)


def _mismatch(value: Any, annotation: Any) -> str:
    message = f"expected {expected(annotation)}, found {kind_of(value) if is_secret(annotation) else found(value)}"
    choices = [one for one in literals(annotation) if isinstance(one, str)]
    if choices and isinstance(value, str):
        hint = nearest(value, choices, values=True)
        message += f"; {hint}" if hint.startswith("did") else ""
    return message
