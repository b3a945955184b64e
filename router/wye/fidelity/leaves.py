"""A canonical event taken apart: each fact that it holds, by name.

The names are those of ``where``: ``user_id``, ``page.url``, ``items.unit_price``, ``attrs.color``. A leaf of the items has one
value for each item, in their order, so that a price that moves to another item is seen.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct, structs

from wye.event import Event
from wye.remember import remembered

Leaf = str

LossClass = Literal["money", "identity", "items", "attributes", "context"]
CLASSES: tuple[LossClass, ...] = ("money", "identity", "items", "attributes", "context")

_MONEY = {"currency", "goods_total", "grand_total", "shipping", "tax", "cost", "items.unit_price", "items.currency"}
_IDENTITY = {"id", "user_id", "visitor_id", "session_id", "order_id", "cart_id", "attribution"}
_BAGS = ("attrs.", "user_attrs.", "extra.")

# What is free in the name of a leaf; longer ones first.
_FREE = ("items.attrs.", "items.extra.", "user_attrs.", "attrs.", "extra.")

# Where an event came from is the config's business, and no fact about what the shopper did.
_NO_LEAVES = {"origin"}

# Fields whose default is what everybody means who says nothing.
_SILENT = {"time_ns_rest", "item_ids_are"}


@remembered(4096)
def class_of(leaf: Leaf) -> LossClass:
    """What kind of fact a leaf is; policies name these."""
    if leaf in _MONEY:
        return "money"
    if leaf in _IDENTITY:
        return "identity"
    if leaf.startswith(_BAGS):
        return "attributes"
    if leaf.startswith("items.") or leaf in ("item_ids_are", "items"):
        return "items"
    return "context"


@remembered(4096)
def place_of(leaf: Leaf) -> str:
    """The leaf without what its sender has called it: ``attrs.*`` for ``attrs.color``."""
    return next((f"{bag}*" for bag in _FREE if leaf.startswith(bag)), leaf)


def leaves(event: Event) -> dict[Leaf, Any]:
    """Every fact that the event holds. What is absent is not there; what lists hold is a tuple."""
    found: dict[Leaf, Any] = {}
    for name, value in _present(event):
        if name == "items":
            found.update(_items(value))
        elif name in ("attrs", "user_attrs", "extra"):
            found.update({f"{name}.{key}": _plain(member) for key, member in value.items()})
        elif isinstance(value, Struct):
            found.update({f"{name}.{inner}": _plain(member) for inner, member in _present(value)})
        elif name not in _NO_LEAVES:
            found[name] = _plain(value)
    return found


def _items(items: tuple[Struct, ...]) -> dict[Leaf, Any]:
    if not items:
        return {"items": ()}
    rows = [dict(_flat(item)) for item in items]
    # A null in an item's bag is not told from its absence.
    names = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    return {f"items.{name}": tuple(row.get(name) for row in rows) for name in names}


def _flat(item: Struct) -> Iterator[tuple[str, Any]]:
    for name, value in _present(item):
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", _plain(member)) for key, member in value.items())  # type: ignore[misc]
        else:
            yield name, _plain(value)


def _present(struct: Struct) -> Iterator[tuple[str, Any]]:
    """The fields that hold something other than their default."""
    for name, default in _fields(type(struct)):
        value = getattr(struct, name)
        if value is None or value == {} or (value == () and name != "items"):
            continue
        if default is not None and value == default:
            continue
        yield name, value


@functools.cache
def _fields(kind: type[Struct]) -> tuple[tuple[str, Any], ...]:
    """The fields that can hold a leaf, and the default of those where it says nothing. To ask msgspec takes its time."""
    return tuple(
        (field.name, field.default if field.name in _SILENT else None)
        for field in structs.fields(kind)
        if field.name not in _NO_LEAVES
    )


def _plain(value: Any) -> Any:
    """Structs as tuples of what they hold, so that values compare and print."""
    if isinstance(value, Struct):
        return {name: _plain(member) for name, member in _present(value)}
    if isinstance(value, list | tuple):
        return tuple(_plain(member) for member in value)  # type: ignore[misc]
    return value
