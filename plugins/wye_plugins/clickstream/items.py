"""The items of a document, field by field.

A value that the field cannot give back as it was is set aside in the item's ``extra``: a number as a text, an empty name, a
``null``. What has no field stays what it is, an attribute of the item.
"""

from __future__ import annotations

from typing import cast

from msgspec import UNSET

from wye.event import Item, Json
from wye.values import amount, text
from wye.wire import BAGS
from wye_plugins.clickstream.schema import ITEM_ALIASES, CsEvent
from wye_plugins.clickstream.slots import bear

_DEPTH = 2
"""How deep a member of an item lies in the array of items."""


def items_of(record: CsEvent, extra: dict[str, Json]) -> tuple[Item, ...] | None:
    """The items; of an array that has something else in it too, those that are items. Takes the documents apart. Raises
    ``ValueError`` where one is nested too deeply."""
    documents = record.items
    if documents is not None:
        return (_item(documents[0]),) if len(documents) == 1 else tuple([_item(member) for member in documents])
    members = extra.get("items") if extra else None
    if not isinstance(members, list):
        return None
    return tuple([_item(dict(cast(dict[str, Json], m))) for m in cast(list[Json], members) if isinstance(m, dict)])


def _item(member: dict[str, Json]) -> Item:
    """Written out field by field: a loop over a table of fields takes twice as long."""
    odd: dict[str, Json] = {}
    other_id = other_name = None
    if "item_id" in member or "item_name" in member:
        other_id, other_name = [_by_alias(member, name, alias, odd) for name, alias in ITEM_ALIASES]
    take = member.pop
    if type(item_id := take("id", UNSET)) is not str or not item_id:
        item_id = None if item_id is UNSET else _id(item_id, odd)
    if type(name := take("name", UNSET)) is not str or not name:
        name = None if name is UNSET else _none("name", name, odd)
    brand = _text(member, "brand", odd) if "brand" in member else None
    if type(category := take("category", UNSET)) is not str or not category:
        category = None if category is UNSET else _none("category", category, odd)
    currency = _text(member, "currency", odd) if "currency" in member else None
    group_id = _text(member, "group_id", odd) if "group_id" in member else None
    seller_id = _text(member, "seller_id", odd) if "seller_id" in member else None
    if (unit_price := amount(price := take("price", UNSET))) is None or type(price) is str:
        _none("price", price, odd)
    if (quantity := amount(count := take("quantity", UNSET))) is None or type(count) is str:
        _none("quantity", count, odd)
    for value in member.values():
        if type(value) in BAGS:
            bear(value, _DEPTH)
    return Item(
        id=item_id or other_id,
        quantity=quantity,
        unit_price=unit_price,
        currency=currency,
        name=name or other_name,
        brand=brand,
        category=category,
        group_id=group_id,
        seller_id=seller_id,
        attrs=member,
        extra=odd,
    )


def _text(member: dict[str, Json], name: str, odd: dict[str, Json]) -> str | None:
    """What few items have is looked for before it is taken."""
    value = member.pop(name)
    return value if type(value) is str and value else _none(name, value, odd)


def _none(name: str, value: Json, odd: dict[str, Json]) -> None:
    """Sets aside what is in the place of a field's value, if there is anything."""
    if value is not UNSET:
        bear(value, _DEPTH)
        odd[name] = value


def _id(value: Json, odd: dict[str, Json]) -> str | None:
    """A number is an id too, which is written as it was."""
    _none("id", value, odd)
    return str(value) if type(value) is int else None


def _by_alias(member: dict[str, Json], name: str, alias: str, odd: dict[str, Json]) -> str | None:
    """What stands under the member's other name, which is noted; so is the member itself, where it has both."""
    if alias not in member:
        return None
    value = member.pop(alias)
    _none(alias, value, odd)
    if name in member:
        odd[name] = member[name]
    return text(value)
