"""Tables to option structs, with every mistake told rather than the first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from wye.annotations import alternatives, struct_in
from wye.config.positions import Path

Report = Callable[[Path, str], None]

S = TypeVar("S", bound=Struct)

_AT = re.compile(r" - at `\$(.*)`$")


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint that ends an error: the valid name that was probably meant, or all of them."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {', '.join(names)}" if names else "none is known here"


def fill(table: dict[str, Any], struct: type[S], path: Path, report: Report) -> S | None:
    """``table`` as a ``struct``; ``None`` when ``report`` was told of something."""
    found = False

    def tell(at: Path, message: str) -> None:
        nonlocal found
        found = True
        report(at, message)

    fields = {field.encode_name: field for field in structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            tell((*path, key), f"unknown key; {nearest(key, fields)}")
        else:
            check(value, fields[key].type, (*path, key), tell)
    for name, field in fields.items():
        if field.required and name not in table:
            tell(path, f"{name!r} is missing; it must be {_expected(field.type)}")
    if found:
        return None
    try:
        return msgspec.convert(table, struct)
    except ValueError as error:  # a rule of the struct's own
        report(path, _clean(str(error)))
        return None


def check(value: Any, annotation: Any, path: Path, report: Report) -> None:
    """Tell what is wrong with ``value`` as an ``annotation``, at any depth."""
    nested = struct_in(annotation)
    if nested is not None and isinstance(value, dict):
        fill(cast(dict[str, Any], value), nested, path, report)
        return
    choices = _choices(annotation)
    if choices and isinstance(value, str) and value not in choices:
        report(path, f"{value!r} is not valid; {nearest(value, choices)}")
        return
    try:
        msgspec.convert(value, annotation)
    except ValueError as error:
        at = _AT.search(str(error))
        inner = tuple(re.findall(r"\w+", at.group(1))) if at else ()
        message = _clean(_AT.sub("", str(error)))
        report((*path, *(int(step) if step.isdigit() else step for step in inner)), message)


def _clean(message: str) -> str:
    """msgspec's words in ours: TOML knows tables and strings."""
    message = _AT.sub("", message)
    for theirs, ours in (
        ("`object`", "a table"),
        ("`array`", "a list"),
        ("`str`", "a string"),
        ("`bool`", "true or false"),
        ("`int`", "an integer"),
        ("`float`", "a number"),
        ("`decimal`", "a number"),
        (" | null", ""),
    ):
        message = message.replace(theirs, ours)
    message = re.sub(r"`(\w+)( \| (\w+))*`", lambda match: match.group().strip("`").replace(" | ", " or "), message)
    message = message.replace(", got ", ", found ")
    return message[:1].lower() + message[1:]


def _choices(annotation: Any) -> list[str]:
    members = alternatives(annotation)
    if not members or not all(get_origin(one) is Literal for one in members):
        return []
    return [value for one in members for value in get_args(one)]


_WORDS: dict[Any, str] = {str: "a string", int: "an integer", float: "a number", bool: "true or false", Decimal: "a number"}


def _expected(annotation: Any) -> str:
    """What an annotation asks for, for a person."""
    choices = _choices(annotation)
    if choices:
        return "one of " + ", ".join(choices)
    words = [_WORDS.get(one) or ("a list" if get_origin(one) is list else "a table") for one in alternatives(annotation)]
    return " or ".join(dict.fromkeys(words))
