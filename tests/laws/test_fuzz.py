"""A short run of the fuzz, always with the same inputs; ``make fuzz`` is the long one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from laws.documents import Samples
from laws.fuzz import FLOOR_SECS, SAMPLES, SECS_PER_MEBIBYTE, Fuzz, allowed_secs
from laws.mutations import MEBIBYTE, Mutator, seeds_in
from samples.payloads import written
from wye.event import Event
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format
from wye.message import Decoded, Payload, Unfit
from wye.plugin import Inbound
from wye.registry import load
from wye.wire import parse

FORMATS = all_formats(load())


@pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)
def test_mutated_samples_break_no_rule(target: Format) -> None:
    account = Fuzz(target, [SAMPLES / target.name], "gate", inflate_every=1_000, patience=5).run(3_000)
    assert [(one.rule, one.detail, one.payload.body[:200]) for one in account.findings] == []
    assert account.events > 500, "hardly any input is an event: the inputs are too wild to find anything"
    assert account.failures > 500


def test_the_same_seed_makes_the_same_inputs() -> None:
    seeds = seeds_in(SAMPLES / "reelevant")
    first, second = (Mutator(seeds, random.Random("x")) for _ in range(2))
    assert [first.next() for _ in range(200)] == [second.next() for _ in range(200)]


def test_large_documents_get_50_ms_a_mebibyte() -> None:
    assert allowed_secs(b"x" * MEBIBYTE) == FLOOR_SECS + SECS_PER_MEBIBYTE


@pytest.mark.parametrize("target", FORMATS, ids=lambda one: one.name)
def test_documents_with_unknown_members_are_read_in_their_time(target: Format) -> None:
    """1.5 KB each, with three members more than the vendor has, a null among them: 15 to 30 ms a mebibyte where nothing else is
    done. To read the same into plain dictionaries takes a tenth of it, on a busy machine too."""
    sample = Samples(target.name).documents[0]
    text = written({**sample, "odd_1": "x" * 1_000, "odd_2": {"a": [1]}, "odd_3": None})
    body = b"[" + b",".join([text] * (MEBIBYTE // len(text))) + b"]"
    decoded = target.inbound.decoder.decode(Payload(body))
    assert decoded.events
    assert not decoded.failures
    plain = least_secs(lambda: parse(body))
    assert least_secs(lambda: target.inbound.decoder.decode(Payload(body))) < 30 * plain


def least_secs(work: Callable[[], object]) -> float:
    """Of the processor's time, in seconds."""
    found: list[float] = []
    for _ in range(7):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found)


class Broken:
    """A decoder that a fuzz must find something in."""

    def __init__(self, good: Inbound) -> None:
        self._good = good.decoder

    def decode(self, payload: Payload) -> Decoded:
        if b"wye:rest" in payload.body:
            raise KeyError("rest")
        decoded = self._good.decode(payload)
        if b'"odd_1' in payload.body:
            return Decoded([*decoded.events, "an event"], decoded.failures)  # type: ignore[list-item]
        return decoded


def test_what_is_broken_is_found() -> None:
    good = FORMATS[0]

    class Encoder:
        limits: Any = good.outbound.encoder.limits

        def encode(self, events: Sequence[Event], /) -> list[bytes | Unfit]:
            return [b"no document" for _ in events]

    broken = Format(good.name, type(good.outbound)(Encoder()), type(good.inbound)(Broken(good.inbound)))
    account = Fuzz(broken, [SAMPLES / good.name], "gate").run(1_000)
    rules = {one.rule for one in account.findings}
    assert rules == {"decoding raises", "decoding gives something else", "what is written is not read back"}
