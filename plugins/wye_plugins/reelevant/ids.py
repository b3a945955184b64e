"""The label ``ids``: products, references, categories or brands, as the event's name says."""

from __future__ import annotations

import re
from typing import Any, cast

from wye.event import Event, Item, Json
from wye_plugins.reelevant.labels import Labels
from wye_plugins.reelevant.schema import PLACEHOLDERS, SINGLE_ID, WHOLE_NAMES

_SEPARATORS = re.compile(r"[;,|]")


def read_ids(kind: str, bag: Labels, fields: dict[str, Any], odd: Labels) -> None:
    """What an event of type ``kind`` is about. The label is taken out of ``bag``; one that would not be written again as it was
    is kept in ``odd``.

    Categories and brands have canonical fields of their own, so that nobody takes them for products. Several brands are
    items that are brands: there is a field for one.
    """
    label = "id" if "ids" not in bag and kind in SINGLE_ID else "ids"
    if label not in bag:
        return
    value = bag.pop(label)
    ids = _ids(value, split=label == "ids" and kind not in WHOLE_NAMES)
    if ids is None or ids != value or label == "id" or (not ids and kind in WHOLE_NAMES):
        odd[label] = value
    if ids is None:
        return
    if kind == "category_view":
        fields["categories"] = tuple(ids)
    elif kind == "brand_view":
        fields["brand"] = ids[0] if ids else None
        if len(ids) > 1:
            fields["item_ids_are"] = "brand"
            fields["items"] = _items(ids)
    else:
        fields["items"] = _items(ids)


def _items(ids: list[str]) -> tuple[Item, ...]:
    return tuple([Item(id=each) for each in ids])


def _ids(value: Json, *, split: bool) -> list[str] | None:
    """The ids in a text or a list, without placeholders; ``None`` for what is neither."""
    if type(value) is str:
        found: list[Json] = (
            [each.strip() for each in _SEPARATORS.split(value)] if split and _SEPARATORS.search(value) else [value]
        )
    elif type(value) is list:
        found = cast(list[Json], value)
    else:
        return None
    texts = [str(each) if type(each) is int else each for each in found]
    return [each for each in texts if type(each) is str and each not in PLACEHOLDERS and not each.isspace()]


def ids_of(event: Event, *, own: bool) -> list[str] | None:
    """The ids to write for ``event``: ``None`` where there is nothing that they could be. Those of an event from elsewhere are
    without placeholders, so that an event that had only such is left with none."""
    ids = _all_ids(event)
    return ids if own or ids is None else [each for each in ids if each not in PLACEHOLDERS]


def _all_ids(event: Event) -> list[str] | None:
    if event.type == "category_view":
        return list(event.categories) or _items_that_are(event, "category")
    if event.type == "brand_view":
        brands = _items_that_are(event, "brand")
        return brands or (None if event.brand is None else [event.brand])
    return _items_that_are(event, "product", "reference") if event.item_ids_are in ("product", "reference") else None


def _items_that_are(event: Event, *kinds: str) -> list[str] | None:
    if event.items is None or event.item_ids_are not in kinds:
        return None
    return [item.id for item in event.items if item.id is not None]
