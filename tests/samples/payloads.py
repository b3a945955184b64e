"""The sample payloads, and how documents are compared: by content, numbers exactly, ``true`` never equal to ``1``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
from hypothesis import strategies as st

_HERE = Path(__file__).parent
_encoder = msgspec.json.Encoder(decimal_format="number")


def payloads(vendor: str) -> dict[str, bytes]:
    """The vendor's sample payloads by file name."""
    return {path.stem: path.read_bytes() for path in sorted((_HERE / vendor).glob("*.json"))}


def exact(text: bytes | str) -> Any:
    """A document with its numbers as ``int`` and ``Decimal``."""
    return json.loads(text, parse_float=Decimal)


def written(document: Any) -> bytes:
    """A document as JSON, its ``Decimal`` as numbers."""
    return _encoder.encode(document)


def same(left: Any, right: Any) -> bool:
    """Whether two documents say the same."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        ours, theirs = cast(dict[str, Any], left), cast(dict[str, Any], right)
        return ours.keys() == theirs.keys() and all(same(value, theirs[name]) for name, value in ours.items())
    if isinstance(left, list) and isinstance(right, list):
        us, them = cast(list[Any], left), cast(list[Any], right)
        return len(us) == len(them) and all(map(same, us, them))
    return left == right and isinstance(left, str) == isinstance(right, str)


texts = st.text(st.characters(codec="utf-8"), max_size=12)
odd_texts = st.sampled_from(
    ["", " ", "null", "NULL", "undefined", "(not set)", "anonymous", "0", "NaN", "1e999999999", "12", "1.50"]
)
numbers = st.integers(-(10**20), 10**20) | st.decimals(allow_nan=False, allow_infinity=False, places=3).filter(
    lambda number: abs(number) < 10**20
)
scalars = st.none() | st.booleans() | numbers | texts | odd_texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
names = texts | st.sampled_from(["wye:rest", "rest", "x"])
"""Strategies for what a document may hold beyond what its vendor says."""


def _merged(own: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**more, **own}


def with_members(
    known: dict[str, st.SearchStrategy[Any]], required: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    """Documents with the required members, some of the known ones, now and then with an odd value, and some unknown ones."""
    loose = {name: strategy | values for name, strategy in known.items()}
    return st.builds(
        _merged,
        st.fixed_dictionaries(required, optional=loose),
        st.dictionaries(names, values, max_size=2),
    )
