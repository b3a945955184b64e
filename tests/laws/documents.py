"""Vendors' own documents, mutated: samples in which some members are odd, doubled, missing, moved or unknown.

Like events they are read from a tape, of which zeros say that nothing is changed. What a vendor's documents are allowed to
change into, when they come in and go out again, is ``NORMALISED``; docs/laws.md says the same in words.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from laws.strategies import Tape, amount, bagged, ident, scalar, text, time_ms
from samples.payloads import exact, payloads, same
from wye.wire import identity
from wye_plugins.google_retail.schema import CAMEL
from wye_plugins.moloco.decode import snake_case
from wye_plugins.moloco.times import is_milliseconds, time_of

Document = dict[str, Any]

_EDITS = 6


class Samples:
    """A vendor's sample documents, and the names and values of all that is in them."""

    def __init__(self, vendor: str) -> None:
        self.documents: list[Document] = []
        for body in payloads(vendor).values():
            whole: Any = exact(body)
            if isinstance(whole, dict) and isinstance(inner := cast(Document, whole).get("data"), str):
                whole = exact(inner)
            self.documents += cast(list[Document], whole) if isinstance(whole, list) else [whole]
        members = [member for document in self.documents for bag in _bags(document) for member in bag.items()]
        self.names = sorted({name for name, _ in members})
        self.values = [value for _, value in members]


def _bags(value: Any) -> list[Document]:
    """Every object in ``value``, itself first."""
    if isinstance(value, list):
        return [bag for one in cast(list[Any], value) for bag in _bags(one)]
    if not isinstance(value, dict):
        return []
    document = cast(Document, value)
    return [document, *(bag for one in document.values() for bag in _bags(one))]


def document_from(data: bytes, samples: Samples) -> bytes:
    tape = Tape(data)
    document = copy.deepcopy(samples.documents[tape.code() % len(samples.documents)])
    for _ in range(_EDITS):
        code = tape.code()
        where, what, more = tape.code(), tape.code(), tape.code()
        if code >= 0x8000:
            bags = _bags(document)
            bag = bags[where % len(bags)]
            _change(bag, code % 8, what, _odd(samples, more), samples)
    twice = tape.code()
    return spelled(document, twice if twice >= 0x8000 else 0).encode("utf-8", "surrogatepass")


def _odd(samples: Samples, code: int) -> Any:
    """A value that may be anything: one of a sample, a number at the edge, ``null``, a bag."""
    make = (None, scalar, bagged, text, amount, ident, time_ms)[code % 7]
    if make is None:
        return None if code % 2 else copy.deepcopy(samples.values[code % len(samples.values)])
    return copy.deepcopy(make(code // 2 % 0x8000))


def _change(bag: Document, how: int, what: int, odd: Any, samples: Samples) -> None:
    name = list(bag)[what % len(bag)] if bag else "odd"
    if how == 0:
        bag.pop(name, None)
    elif how == 1:
        bag[f"odd_{what % 5}"] = odd
    elif how in (2, 3):
        bag[samples.names[what % len(samples.names)]] = odd
    elif how == 4:
        bag[name] = [bag.get(name), odd] if what % 2 else [bag.get(name)]
    elif how == 5 and isinstance(bag.get(name), list):
        bag[name] = [*bag[name], odd]
    elif how == 6:
        bag[name] = str(bag.get(name))
    else:
        bag[name] = odd


def spelled(value: Any, twice: int = 0) -> str:
    """JSON with exact numbers. Where ``twice`` is not 0, some names come twice, and the last of them counts."""
    if isinstance(value, dict):
        members = cast(Document, value).items()
        pairs = [f"{json.dumps(name)}:{spelled(one, twice)}" for name, one in members]
        if twice and pairs:
            pairs.insert(0, f"{json.dumps(list(members)[twice % len(pairs)][0])}:{twice % 3}")
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spelled(one, twice) for one in cast(list[Any], value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=bool(twice % 2))


# ── what may change ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _clickstream(before: Document, after: Document) -> tuple[Document, Document]:
    return before, _without_filled(before, after, "event_id", "app_id")


def _google_retail(before: Document, after: Document) -> tuple[Document, Document]:
    before = _camel(before)
    if isinstance(before.get("productDetails"), dict):
        before["productDetails"] = [before["productDetails"]]
    if before.get("eventTime") is None:
        before.pop("eventTime", None)
    return before, _without_filled(before, after, "eventTime")


def _camel(value: Any) -> Any:
    """Names as JSON has them, but for those of the shop's own attributes."""
    if isinstance(value, list):
        return [_camel(one) for one in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    members = cast(Document, value).items()
    return {CAMEL.get(name, name): one if name == "attributes" else _camel(one) for name, one in members}


def _moloco(before: Document, after: Document) -> tuple[Document, Document]:
    before = snake_case(before)
    if isinstance(before.get("id"), str) and identity(before["id"]) is None:
        del before["id"]
    if not is_milliseconds(before["timestamp"]):
        ms, _ = cast(tuple[int, int], time_of(before["timestamp"]))
        before["timestamp"] = ms
    return before, _without_filled(before, after, "id", "channel_type")


def _reelevant(before: Document, after: Document) -> tuple[Document, Document]:
    return before, _without_filled(before, after, "key", "tmpId", "eventId", "url", "data", "v", "timestamp")


def _richrelevance(before: Document, after: Document) -> tuple[Document, Document]:
    return before, after


def _without_filled(before: Document, after: Document, *names: str) -> Document:
    """``after`` without what the vendor requires and ``before`` had not."""
    return {name: value for name, value in after.items() if name in before or name not in names}


NORMALISED: dict[str, Callable[[Document, Document], tuple[Document, Document]]] = {
    "clickstream": _clickstream,
    "google-retail": _google_retail,
    "moloco": _moloco,
    "reelevant": _reelevant,
    "richrelevance": _richrelevance,
}


def is_same(vendor: str, before: bytes, after: bytes) -> bool:
    """Whether a document came out as it went in, but for what its vendor's normalisation allows."""
    return same(*NORMALISED[vendor](exact(before), exact(after)))
