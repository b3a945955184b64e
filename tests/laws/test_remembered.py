"""What senders choose does not stay in the memory: no long text of theirs is remembered, wherever in a document it stands."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from laws.documents import Samples
from samples.payloads import written
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format, measure
from wye.message import Payload
from wye.registry import load

FORMATS = all_formats(load())
COPIES = 25
LONG = 10_000
"""Characters of each text. One of each copy, kept somewhere, is 250 kB."""

MOST_KEPT = 120_000


@pytest.fixture(autouse=True)
def quick_collections() -> Iterator[None]:
    """All that was there before is none of our business, and would be looked through some hundred times."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def places(value: Any, put: Callable[[Any], Any]) -> Iterator[Callable[[str], Any]]:
    """For each text and each name in a document: what makes the document with another one there."""
    if type(value) is str:
        yield put
    elif type(value) is list:
        members = cast(list[Any], value)
        for index, member in enumerate(members):
            yield from places(member, lambda new, i=index: put([*members[:i], new, *members[i + 1 :]]))
    elif type(value) is dict:
        bag = cast(dict[str, Any], value)
        for name, member in bag.items():
            rest = {other: kept for other, kept in bag.items() if other != name}
            yield lambda new, kept=rest, one=member: put({**kept, new: one})
            yield from places(member, lambda new, kept=rest, one=name: put({**kept, one: new}))


def pass_through(source: Format, bodies: list[bytes]) -> None:
    events = [event for body in bodies for event in source.inbound.decoder.decode(Payload(body)).events]
    for target in FORMATS:
        target.outbound.encoder.encode(events)
    for event in events[:COPIES]:
        measure(event, source)


def kept_of(source: Format, make: Callable[[str], Any]) -> int:
    """Bytes that are in the memory afterwards and were not before."""
    bodies = [written(make(f"{number}" + "x" * LONG)) for number in range(COPIES)]
    gc.collect()
    tracemalloc.start(1)
    try:
        pass_through(source, bodies)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("source", FORMATS, ids=lambda one: one.name)
def test_no_long_text_is_remembered(source: Format) -> None:
    document = max(Samples(source.name).documents, key=lambda one: len(written(one)))
    pass_through(source, [written(document)])
    makes = list(places(document, lambda new: new))
    assert len(makes) > 10
    for make in makes:
        kept = kept_of(source, make)
        assert kept < MOST_KEPT, f"{kept} bytes are kept of {COPIES} documents like {written(make('…'))!r}"
