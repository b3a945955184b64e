"""Looking into type annotations: what option structs, conditions and wire structs are made of."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta, Struct


def alternatives(annotation: Any) -> list[Any]:
    """What an annotation allows, one by one, free of ``Annotated`` and of ``None``."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for argument in get_args(annotation) for one in alternatives(argument)]
    return [] if annotation is type(None) else [annotation]


def struct_in(annotation: Any) -> type[Struct] | None:
    """The struct that an annotation allows, if it does."""
    return next((one for one in alternatives(annotation) if isinstance(one, type) and issubclass(one, Struct)), None)


def members_of(annotation: Any, *containers: type) -> Any | None:
    """What the members of a list (or whichever ``containers``) are, where an annotation allows one."""
    return next((get_args(one)[0] for one in alternatives(annotation) if get_origin(one) in containers), None)


def values_of(annotation: Any) -> Any | None:
    """What the values of a table with free keys are, where an annotation allows one."""
    return next((get_args(one)[1] for one in alternatives(annotation) if get_origin(one) is dict), None)


def metas(annotation: Any) -> Iterator[Meta]:
    """The constraints and descriptions attached to an annotation, the outermost first."""
    if get_origin(annotation) is Annotated:
        inner, *attached = get_args(annotation)
        yield from (meta for meta in reversed(attached) if isinstance(meta, Meta))  # typing puts the inner ones first
        yield from metas(inner)
