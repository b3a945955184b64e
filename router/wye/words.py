"""Values as TOML spells them, and annotations as a person would say them; for messages and for the reference."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from msgspec import Meta, Struct, structs

from wye.annotations import members_of, metas, struct_in, values_of

_LONGEST = 60
"""Longer values are not shown in full. A string is never cut, for what remained of a secret could not be recognised."""

CUT = "…"
"""Stands where a text of others was cut off: a secret that was cut, too, is recognised by it (``Secrets.redact``)."""


def cut(text: str, most: int) -> str:
    """At most ``most`` characters of a text."""
    return text if len(text) <= most else text[: most - 1] + CUT


def spell(value: Any) -> str:
    """A value as it would stand in a TOML file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        members = cast(dict[str, Any], value).items()
        return "{ " + ", ".join(f"{key} = {spell(member)}" for key, member in members) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(spell, cast(Iterable[Any], value))) + "]"
    return str(value)


_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """``text`` without control characters but line feeds and tabs: what others sent must not move a terminal's cursor."""
    return text.translate(_UNPRINTABLE)


def found(value: Any) -> str:
    """A value in a message: spelled out where that is short, otherwise only what it is."""
    text = spell(value)
    return text if len(text) <= _LONGEST else kind_of(value)


def kind_of(value: Any) -> str:
    """What a value is, without giving it away."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return f"a string of {len(value)} characters"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return "a number" if isinstance(value, int | float) else "a date or time"


def counted(count: int, name: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def closest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that was probably meant, if there is one."""
    lower = {one.lower(): one for one in valid}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    begun = [one for one in lower if len(name) > 2 and one.startswith(name.lower())]
    return lower[(close or begun)[0]] if close or begun else None


def nearest(name: str, valid: Iterable[str], *, values: bool = False) -> str:
    """A hint that ends an error: the valid name that was probably meant, or all of them. ``values`` are quoted, keys are
    not."""
    names = list(dict.fromkeys(valid))
    show = spell if values else str
    close = closest(name, names)
    if close is not None:
        return f"did you mean {show(close)}?"
    return f"expected {'one of ' * (len(names) > 1)}{', '.join(map(show, names))}" if names else "none is known here"


# ── what an annotation asks for ──────────────────────────────────────────────────────────────────────────────────────────


def expected(annotation: Any) -> str:
    """What an annotation asks for, for a person: ``an integer >= 1``."""
    choices = literals(annotation)
    if choices:
        return "one of " + ", ".join(map(spell, choices)) if len(choices) > 1 else spell(choices[0])
    return " or ".join(dict.fromkeys(_one(kind, limits) for kind, limits in _kinds(annotation)))


def type_words(annotation: Any) -> str:
    """``expected`` for a column: no articles."""
    words = (_one(kind, limits).removeprefix("a ").removeprefix("an ") for kind, limits in _kinds(annotation))
    return " or ".join(dict.fromkeys(words)).replace("true or false", "boolean")


def literals(annotation: Any) -> list[Any]:
    """The values to choose from, where an annotation is a choice and nothing else."""
    kinds = [kind for kind, _ in _kinds(annotation)]
    return [one for kind in kinds for one in get_args(kind)] if all(get_origin(kind) is Literal for kind in kinds) else []


def _kinds(annotation: Any, outer: tuple[Meta, ...] = ()) -> Iterator[tuple[Any, tuple[Meta, ...]]]:
    if get_origin(annotation) is Annotated:
        yield from _kinds(get_args(annotation)[0], (*outer, *metas(annotation)))
    elif get_origin(annotation) in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _kinds(one, outer)
    elif annotation is not type(None):
        yield annotation, outer


_WORDS: dict[Any, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    Decimal: "a number",
    bool: "true or false",
    Any: "anything",
}


_NOT_EMPTY = " that is not empty"
"""Left out of what is said of the members of a list: there it would seem to be the list."""


def _one(kind: Any, limits: tuple[Meta, ...]) -> str:
    members = _members(kind)
    if get_origin(kind) is Literal:
        return " or ".join(map(spell, get_args(kind)))
    if get_origin(kind) in (list, tuple):
        words = f"a list{_of(members)}"
    elif get_origin(kind) is dict or kind is dict or (isinstance(kind, type) and issubclass(kind, Struct)):
        words = f"a table{_of(members)}"
    else:
        words = _WORDS.get(kind, "a value")
    return words + "".join(_limits(kind, limits))


def _of(members: Any) -> str:
    if members is None or members is Any:
        return ""
    choices = literals(members)
    if choices:
        return " of " + " or ".join(map(spell, choices))
    plurals = {"a string": "strings", "an integer": "integers", "a number": "numbers", "a table": "tables", "a list": "lists"}
    words = (word.removesuffix(_NOT_EMPTY) for word in expected(members).split(" or "))
    return " of " + " or ".join(plurals.get(word, word) for word in words)


def _members(kind: Any) -> Any:
    return get_args(kind)[1] if get_origin(kind) is dict else members_of(kind, list, tuple)


def _limits(kind: Any, limits: tuple[Meta, ...]) -> Iterator[str]:
    bounds = [
        f" {sign} {bound}"
        for sign, name in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt"))
        for bound in dict.fromkeys(getattr(limit, name) for limit in limits)
        if bound is not None
    ]
    yield " and".join(bounds)
    for limit in limits:
        if limit.multiple_of is not None:
            yield f" that is a multiple of {limit.multiple_of}"
        if limit.min_length is not None:
            yield _NOT_EMPTY if limit.min_length == 1 else f" of length >= {limit.min_length}"
        if limit.max_length is not None:
            yield f" of length <= {limit.max_length}"
        if limit.pattern is not None and kind is str:
            yield f" that matches {limit.pattern}"


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_secret(annotation: Any) -> bool:
    """Whether values of an annotation, or some value inside of one, must not be shown."""
    if any((meta.extra_json_schema or {}).get("x-secret") for meta in metas(annotation)):
        return True
    return any(is_secret(one) for one in get_args(annotation) if not isinstance(one, str | Meta))


def secret_values(value: Any, annotation: Any) -> Iterator[str]:
    """The strings in ``value`` that an annotation calls secret, at any depth, whether or not they are valid."""
    struct = struct_in(annotation)
    if isinstance(value, dict):
        fields = {one.encode_name: one.type for one in structs.fields(struct)} if struct else {}
        others = None if struct else values_of(annotation) or annotation
        for key, member in cast(dict[str, Any], value).items():
            yield from secret_values(member, fields.get(key, others))
    elif isinstance(value, list):
        members = members_of(annotation, list, tuple) or annotation
        for member in cast(list[Any], value):
            yield from secret_values(member, members)
    elif isinstance(value, str) and is_secret(annotation):
        yield value
