"""The items of a document, field by field.

A value that the field cannot give back as it was is set aside in the item's ``extra``: a number as a text, an empty name, a
``null``. What has no field stays what it is, an attribute of the item.
"""

from __future__ import annotations

from typing import cast

from msgspec import UNSET

from wye.event import Item, Json
from wye.wire import amount
from wye_plugins.clickstream.schema import CsEvent
from wye_plugins.clickstream.slots import BAGS, bear, text

ITEM_ALIASES = (("id", "item_id"), ("name", "item_name"))
_DEPTH = 2
"""How deep a member of an item lies in the array of items."""


def items_of(record: CsEvent, extra: dict[str, Json]) -> tuple[Item, ...] | None:
    """The items; of an array that has something else in it too, those that are items. Takes the documents apart. Raises
    ``ValueError`` where one is nested too deeply."""
    if record.items is not None:
        return tuple([_item(member) for member in record.items])
    members = extra.get("items")
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
    if type(brand := take("brand", UNSET)) is not str or not brand:
        brand = None if brand is UNSET else _none("brand", brand, odd)
    if type(category := take("category", UNSET)) is not str or not category:
        category = None if category is UNSET else _none("category", category, odd)
    if type(currency := take("currency", UNSET)) is not str or not currency:
        currency = None if currency is UNSET else _none("currency", currency, odd)
    if type(group_id := take("group_id", UNSET)) is not str or not group_id:
        group_id = None if group_id is UNSET else _none("group_id", group_id, odd)
    if type(seller_id := take("seller_id", UNSET)) is not str or not seller_id:
        seller_id = None if seller_id is UNSET else _none("seller_id", seller_id, odd)
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
