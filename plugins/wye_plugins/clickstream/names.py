"""The vendor's rule for names: letters, digits and ``_``, 50 at most, no leading digit; a leading ``_`` is the vendor's own."""

from __future__ import annotations

import functools
import re

import msgspec

from wye.event import Json
from wye_plugins.clickstream.schema import NAMES_ATTRIBUTE

MAX_LENGTH = 50

MAX_VALUE_CHARS = 1024
"""The longest attribute value that the vendor's SDKs send."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9_]", re.ASCII)


def is_name(name: str) -> bool:
    """Whether the vendor's SDKs would take ``name``."""
    return _NAME.fullmatch(name) is not None


@functools.lru_cache(4096)
def name_of(name: str) -> str:
    """``name``, or the nearest to it that is one: ``detail-page`` is ``detail_page``, ``3d`` is ``e_3d``."""
    if is_name(name):
        return name
    fitted = _FOREIGN.sub("_", name).lstrip("_")
    if not fitted or fitted[0].isdigit():
        fitted = f"e_{fitted}"
    return fitted[:MAX_LENGTH]


def fitting_attributes(attributes: dict[str, Json]) -> dict[str, Json]:
    """A copy of ``attributes`` with names that fit, and with an attribute that says which were others, if any were."""
    if all(map(is_name, attributes)):
        return dict(attributes)
    fitted = {name: value for name, value in attributes.items() if is_name(name)}
    renamed: dict[str, str] = {}
    for name, value in attributes.items():
        if is_name(name):
            continue
        free = _free(name_of(name), fitted)
        fitted[free] = value
        renamed[free] = name
    fitted[NAMES_ATTRIBUTE] = msgspec.json.encode(renamed).decode()
    return fitted


def _free(name: str, taken: dict[str, Json]) -> str:
    """``name``, numbered where another attribute has it already."""
    free, count = name, 1
    while free in taken:
        count += 1
        suffix = f"_{count}"
        free = name[: MAX_LENGTH - len(suffix)] + suffix
    return free
