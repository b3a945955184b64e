"""The first law: bytes → canonical → bytes within a vendor is the identity, up to the normalisation in docs/laws.md."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import assume, given

from laws.documents import Samples, document_from, is_same
from laws.strategies import tapes
from laws.test_laws import each_format, laws
from wye.fidelity.measure import Format
from wye.message import Payload, Unfit
from wye.plugin import AdapterPart, Encoder, Role
from wye.registry import load

RECEIVED_MS = 1_700_000_000_000

samples = functools.cache(Samples)


@functools.cache
def encoder(vendor: str) -> Encoder:
    """Google's in the wider spelling: in its API's own, what Google would refuse lies elsewhere."""
    part = load().adapter(vendor)
    assert isinstance(part, AdapterPart)
    role: Role[Any] | None = part.sink
    assert role is not None
    return role.build(role.config(**({"spelling": "seed"} if vendor == "google-retail" else {}))).encoder


@each_format
@laws
@given(tape=tapes(32))
def test_a_document_comes_out_as_it_went_in(target: Format, tape: bytes) -> None:
    body = document_from(tape, samples(target.name))
    decoded = target.inbound.decoder.decode(Payload(body, received_ms=RECEIVED_MS))
    assume(len(decoded.events) == 1 and not decoded.failures)
    (document,) = encoder(target.name).encode(decoded.events)
    assume(not isinstance(document, Unfit))
    assert isinstance(document, bytes)
    assert is_same(target.name, body, document), f"\n{body.decode()}\n{document.decode()}"
