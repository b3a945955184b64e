"""The user of a document: who it is, and what else is said about the user."""

from __future__ import annotations

from wye.event import Json, UserAttr
from wye.wire import identity
from wye_plugins.clickstream.slots import bear

_WHO = "_user_id"


def user_of(user: dict[str, Json], extra: dict[str, Json]) -> tuple[str | None, dict[str, UserAttr]]:
    """Who it is, and the facts about the user. What else there is, such as when the id was set, is the vendor's alone. Takes
    the document apart. Raises ``ValueError`` where it is nested too deeply."""
    empty = not user
    user_id = _who(user) if _WHO in user else None
    attrs: dict[str, UserAttr] = {} if len(user) == 1 and _WHO in user else _take_attrs(user)
    if user or empty:
        extra["user"] = user
    return user_id, attrs


def _who(user: dict[str, Json]) -> str | None:
    """Whom the id names. It is taken out where it is written again as it was."""
    fact: dict[str, Json] = user[_WHO]
    if type(fact) is not dict or "value" not in fact:
        bear(fact, 1)
        return None
    value = fact["value"]
    user_id = identity(str(value) if type(value) is int else value)
    if user_id is not None and user_id is value:
        del fact["value"]
        if not fact:
            del user[_WHO]
    if len(fact) != 1 or type(fact.get("set_timestamp")) is not int:
        for inner in fact.values():
            bear(inner, 2)
    return user_id


def _take_attrs(user: dict[str, Json]) -> dict[str, UserAttr]:
    """Takes out what has a value and at most the time when it was set."""
    attrs: dict[str, UserAttr] = {}
    for name, member in user.items():
        fact: dict[str, Json] = member
        if type(fact) is not dict or "value" not in fact:
            bear(fact, 1)
        elif name != _WHO and (len(fact) == 1 or (len(fact) == 2 and type(fact.get("set_timestamp")) is int)):
            bear(fact["value"], 2)
            attrs[name] = UserAttr(fact["value"], fact.get("set_timestamp"))
        else:
            for inner in fact.values():
                bear(inner, 2)
    for name in attrs:
        del user[name]
    return attrs
