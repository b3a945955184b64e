"""The vendor's rule for names: letters, digits and ``_``, 50 at most, no leading digit; a leading ``_`` is the vendor's own."""

from __future__ import annotations

import re

import msgspec

from wye.event import Json
from wye.remember import remembered
from wye_plugins.clickstream.schema import NAMES_ATTRIBUTE, TYPE_ATTRIBUTE

MAX_LENGTH = 50

MAX_VALUE_CHARS = 1024
"""The longest attribute value that the vendor's SDKs send."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}", re.ASCII)
_OURS = frozenset((NAMES_ATTRIBUTE, TYPE_ATTRIBUTE))
_NOTHING: dict[str, Json] = {}
_read_names = msgspec.json.Decoder(dict[str, str]).decode
_FOREIGN = re.compile(r"[^A-Za-z0-9_]", re.ASCII)


@remembered(4096)
def is_name(name: str) -> bool:
    """Whether the vendor's SDKs would take ``name``."""
    return _NAME.fullmatch(name) is not None


@remembered(4096)
def name_of(name: str) -> str:
    """``name``, or the nearest to it that is one: ``detail-page`` is ``detail_page``, ``3d`` is ``e_3d``."""
    if is_name(name):
        return name
    fitted = _FOREIGN.sub("_", name).lstrip("_")
    if not fitted or fitted[0].isdigit():
        fitted = f"e_{fitted}"
    return fitted[:MAX_LENGTH]


def fitting_attributes(attributes: dict[str, Json], facts: dict[str, Json] = _NOTHING) -> dict[str, Json]:
    """``facts``, whose names are ours, and beside them ``attributes`` with names that fit and that are free; with an attribute
    that says which had others, if any had."""
    if all(map(is_name, attributes)) and attributes.keys().isdisjoint(facts) and attributes.keys().isdisjoint(_OURS):
        return {**attributes, **facts}
    own = {name for name in attributes if is_name(name) and name not in facts and name not in _OURS}
    fitted = {name: value for name, value in attributes.items() if name in own} | facts
    renamed: dict[str, str] = {}
    for name, value in attributes.items():
        if name in own:
            continue
        free = _free(name_of(name), fitted)
        fitted[free] = value
        renamed[free] = name
    fitted[NAMES_ATTRIBUTE] = msgspec.json.encode(renamed).decode()
    return fitted


def _free(name: str, taken: dict[str, Json]) -> str:
    """``name``, numbered where another attribute has it already."""
    free, count = name, 1
    while free in taken or free in _OURS:
        count += 1
        suffix = f"_{count}"
        free = name[: MAX_LENGTH - len(suffix)] + suffix
    return free


def names_in(text: Json) -> dict[str, str]:
    """What the attributes of these names were called, where no two of them were called the same."""
    try:
        names = _read_names(text) if type(text) is str else {}
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return names if len(set(names.values())) == len(names) else {}
