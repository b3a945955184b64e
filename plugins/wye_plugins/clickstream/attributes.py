"""The attributes of a document: which of them are canonical facts, and what the vendor alone can say."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import structs

from wye.event import Json, Page
from wye.wire import BAGS, identity
from wye_plugins.clickstream.names import names_in
from wye_plugins.clickstream.schema import NAMES_ATTRIBUTE
from wye_plugins.clickstream.slots import Slot, bear, is_as_written

Facts: TypeAlias = dict[str, Any]
"""Fields of the event, by name."""

Common: TypeAlias = tuple[str | None, str | None, Page | None]
"""What nearly all events have: the session's id, the currency, the page."""

_NO_PAGE = Page()


def take_facts(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json], facts: Facts) -> Common:
    """Takes the canonical fields out of the bag, so that the attributes are left; what is not common goes to ``facts``. What
    has a name of ours without being such a fact is an attribute like any other; under a name of the vendor's, or empty, it is
    the vendor's alone and goes to ``odd``. Raises ``ValueError`` where a value is nested too deeply."""
    return _take(bag, slots, odd, facts) if NAMES_ATTRIBUTE not in bag else _take_renamed(bag, slots, odd, facts)


def _take_renamed(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json], facts: Facts) -> Common:
    """What wye has renamed gets its own name again, and is no fact, whatever it is called."""
    text = bag.pop(NAMES_ATTRIBUTE)
    names = names_in(text)
    if not names or not names.keys() <= bag.keys():
        common = _take(bag, slots, odd, facts)
        bag[NAMES_ATTRIBUTE] = text
        bear(text, 1)
        return common
    odd[NAMES_ATTRIBUTE] = text
    renamed = {name: bag.pop(fitted) for fitted, name in names.items()}
    common = _take(bag, slots, odd, facts)
    # What now has the name of an attribute is a fact of the event's, in a type that wye does not read it from.
    odd.update({name: bag.pop(name) for name in renamed.keys() & bag.keys()})
    for value in renamed.values():
        bear(value, 1)
    bag.update(renamed)
    return common


def _take(bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json], facts: Facts) -> Common:
    """What is common is written out name by name, where it is a text; only what is left is looked up."""
    if (session_id := identity(bag.get("_session_id"))) is not None:
        del bag["_session_id"]
    currency = url = title = screen = None
    if type(text := bag.get("currency")) is str and text:
        currency = text
        del bag["currency"]
    if type(text := bag.get("_page_url")) is str and text:
        url = text
        del bag["_page_url"]
    if type(text := bag.get("_page_title")) is str and text:
        title = text
        del bag["_page_title"]
    if type(text := bag.get("_screen_id")) is str and text:
        screen = text
        del bag["_screen_id"]
    page = None if url is title is screen is None else Page(url=url, title=title, id=screen)
    left: list[str] = []
    for name, value in bag.items():
        if name in slots:
            left.append(name)
        elif type(value) in BAGS:
            bear(value, 1)
    if left:
        of_page = take_slots(left, bag, slots, odd, facts)
        if of_page:
            page = structs.replace(page or _NO_PAGE, **of_page)
    return session_id, currency, page


def take_slots(
    names: list[str], bag: dict[str, Json], slots: dict[str, Slot], odd: dict[str, Json], facts: Facts
) -> dict[str, str]:
    """Takes what has these names, and slots, out of the bag. Returns what is of the page."""
    of_page: dict[str, str] = {}
    for name in names:
        value = bag[name]
        slot = slots[name]
        read = slot.read(value)
        if read is not None:
            if read is not value and not is_as_written(value, read):
                odd[name] = value
            (of_page if slot.of_page else facts)[slot.field] = read
        else:
            bear(value, 1)
            if value not in ("", None) and not name.startswith("_"):
                continue
            odd[name] = value
        del bag[name]
    return of_page
