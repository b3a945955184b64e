"""The documents that adapters know of: what no event from elsewhere becomes in their format."""

from __future__ import annotations

import pytest

from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format
from wye.fidelity.pair import explain, said_by
from wye.message import Payload
from wye.registry import load

FORMATS = {one.name: one for one in all_formats(load())}


@pytest.mark.parametrize("source", FORMATS.values(), ids=list(FORMATS))
def test_every_document_is_one_event(source: Format) -> None:
    for document in source.outbound.documents:
        decoded = source.inbound.decoder.decode(Payload(document))
        assert not decoded.failures
        assert len(decoded.events) == 1


def test_they_are_measured() -> None:
    pair = explain(FORMATS["moloco"], FORMATS["google-retail"], "purchase")
    assert "items.extra.price_seller" in {row.leaf for row in pair.rows if row.kind == "lost"}


def test_only_those_of_the_type_that_is_asked_for() -> None:
    assert {event.type for event in said_by(FORMATS["richrelevance"], "search")} == {"search"}
