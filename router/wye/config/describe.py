"""Option structs in words: for ``wye plugins`` and for the configuration reference. The same annotations make the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from wye.annotations import metas, struct_in
from wye.words import spell, type_words


class Option(Struct, frozen=True):
    """One option: its dotted name, its type and default as TOML would have them, what it is for."""

    name: str
    type: str
    default: str
    description: str


def describe(config: type[Struct], *, nested: bool = False, prefix: str = "") -> Iterator[Option]:
    """The options of a struct, in order; with ``nested`` those of its tables too, by dotted name."""
    for field in structs.fields(config):
        inner = struct_in(field.type)
        yield Option(prefix + field.encode_name, type_words(field.type), _default(field), _description(field.type))
        if nested and inner is not None:
            yield from describe(inner, nested=True, prefix=f"{prefix}{field.encode_name}.")


def _default(field: structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()  # type: ignore[misc]
    if value is None or isinstance(value, Struct):
        return ""
    return spell(value)


def _description(annotation: Any) -> str:
    return next((meta.description for meta in metas(annotation) if meta.description), "")
