"""Tables to option structs, with every mistake told rather than the first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from wye.annotations import alternatives, members_of, struct_in
from wye.config.interpolate import is_resolved
from wye.config.positions import Path
from wye.config.words import expected, found, is_secret, kind_of, literals, nearest

Report = Callable[[Path, str], None]

S = TypeVar("S", bound=Struct)

_AT = re.compile(r" - at `.*`$")


def fill(table: dict[str, Any], struct: type[S], path: Path, report: Report) -> S | None:
    """``table`` as a ``struct``; ``None`` when ``report`` was told of something, here or when a variable was not set."""
    wrong = not is_resolved(table)

    def tell(at: Path, message: str) -> None:
        nonlocal wrong
        wrong = True
        report(at, message)

    fields = {field.encode_name: field for field in structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            tell((*path, key), f"unknown key; {nearest(key, fields)}")
        else:
            check(value, fields[key].type, (*path, key), tell)
    for name, field in fields.items():
        if field.required and name not in table:
            tell((*path, name), f"missing; expected {expected(field.type)}")
    if wrong:
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
        members = _values_of(annotation)
        if struct is not None:
            fill(table, struct, path, report)
        elif members is not None:
            for key, member in table.items():
                check(member, members, (*path, key), report)
    elif isinstance(value, list) and (members := members_of(annotation, list, tuple)) is not None:
        for index, member in enumerate(cast(list[Any], value)):
            check(member, members, (*path, index), report)


def _values_of(annotation: Any) -> Any | None:
    return next((get_args(one)[1] for one in alternatives(annotation) if get_origin(one) is dict), None)


def _mismatch(value: Any, annotation: Any) -> str:
    message = f"expected {expected(annotation)}, found {kind_of(value) if is_secret(annotation) else found(value)}"
    choices = [one for one in literals(annotation) if isinstance(one, str)]
    if choices and isinstance(value, str):
        hint = nearest(value, choices, values=True)
        message += f"; {hint}" if hint.startswith("did") else ""
    return message
