"""The vendor's rule for names: letters, digits and ``_``, 50 at most, no leading digit; a leading ``_`` is the vendor's own."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec
from msgspec import Struct

from wye.event import Json
from wye.remember import remembered
from wye_plugins.clickstream.schema import NAMES_ATTRIBUTE, TYPE_ATTRIBUTE

MAX_LENGTH = 50

MAX_VALUE_CHARS = 1024
"""The longest attribute value that the vendor's SDKs send."""

MAX_FITTINGS = 1024
"""How many sets of names are known at a time, with what becomes of them."""

MAX_FITTING_BYTES = 6144
"""Of the names of a set that is known: some 64 with 8 characters each, and ours beside them."""

_UNNUMBERED = MAX_LENGTH - len("_999999")
"""Characters of a name that stay, whatever number it gets."""

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


class Fitting(Struct, frozen=True):
    """Which names stay, which become another, as pairs of that and the name, and the attribute that says so."""

    own: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    said: str


Names: TypeAlias = tuple[str, ...]


def fitting_attributes(attributes: dict[str, Json], facts: dict[str, Json] = _NOTHING) -> dict[str, Json]:
    """``facts``, whose names are ours, and beside them ``attributes`` with names that fit and that are free; with an attribute
    that says which had others, if any had."""
    fitting = _fitting((tuple(attributes), tuple(facts)))
    if not fitting.renamed:
        return {**attributes, **facts}
    fitted = {name: attributes[name] for name in fitting.own}
    fitted.update(facts)
    for free, name in fitting.renamed:
        fitted[free] = attributes[name]
    fitted[NAMES_ATTRIBUTE] = fitting.said
    return fitted


@remembered(MAX_FITTINGS, MAX_FITTING_BYTES)
def _fitting(key: tuple[Names, Names]) -> Fitting:
    """For attributes of these names, beside facts of those."""
    names, taken = key
    own = dict.fromkeys(name for name in names if is_name(name) and name not in taken and name not in _OURS)
    used = {*own, *taken}
    counts: dict[str, int] = {}
    renamed: dict[str, str] = {}
    for name in names:
        if name not in own:
            free = _free(name_of(name), used, counts)
            used.add(free)
            renamed[free] = name
    return Fitting(tuple(own), tuple(renamed.items()), msgspec.json.encode(renamed).decode())


def _free(name: str, taken: set[str], counts: dict[str, int]) -> str:
    """``name``, numbered where another attribute has it already: from where ``counts`` says that the last one came to."""
    stem = name[:_UNNUMBERED]
    free, count = name, counts.get(stem, 1)
    while free in taken or free in _OURS:
        count += 1
        suffix = f"_{count}"
        free = name[: MAX_LENGTH - len(suffix)] + suffix
    counts[stem] = count
    return free


def names_in(text: Json) -> dict[str, str]:
    """What the attributes of these names were called, where no two of them were called the same."""
    try:
        names = _read_names(text) if type(text) is str else {}
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return names if len(set(names.values())) == len(names) else {}
