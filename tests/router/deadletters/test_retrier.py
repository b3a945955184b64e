"""Marked entries on their way again: from where they failed, removed when delivered and in no other way."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.core_rig import Changing, letters_in, make_sink, only, until
from wye.deadletters import DeadLetter, DeadLetters, table
from wye.deadletters.retrier import Retrier
from wye.deadletters.table import Selection
from wye.event import Event
from wye.message import Decoded, Failure, Payload, Unfit
from wye.options import WhenFull
from wye.plugin import Inbound
from wye.route import Dispatcher, Leg
from wye.testing import make_event
from wye.testing.transport import FakeEncoder, FakeTransport
from wye.verdict import DELIVERED, Verdict

REJECTED = Verdict("rejected", "400: still no", None, 400)


class Words:
    """A decoder of ids: a record is one word, unless that is one of ``bad``."""

    def __init__(self, *bad: str) -> None:
        self.bad = bad

    def decode(self, payload: Payload, /) -> Decoded:
        word = payload.body.decode()
        if word == "raise":
            raise RuntimeError("a bug")
        if word in self.bad:
            return Decoded([], [Failure(f"{word} is bad", payload.body)])
        return Decoded([make_event(word)] if word else [])


def adapter(name: str, *bad: str) -> Inbound:
    return Inbound(Words(*bad), name=name)


class Rig:
    """One source with legs to sinks, dead letters and the retrier, running."""

    def __init__(self, folder: Path, sinks: Callable[[DeadLetters], Sequence[Leg]], *adapters: Inbound) -> None:
        self.letters = DeadLetters(folder / "letters.db")
        legs = sinks(self.letters)
        self.sinks = list(dict.fromkeys(leg.sink for leg in legs))
        self.dispatcher = Dispatcher("in", legs, self.letters)
        self.retrier = Retrier(self.letters, self.sinks, {"in": self.dispatcher}, {"in": adapters or [adapter("words")]})

    @property
    def entries(self) -> list[dict[str, Any]]:
        return letters_in(self.letters.path)

    def kept(self, *letters: DeadLetter) -> None:
        """Letters of an earlier run, marked."""
        self.letters.store.open()
        rows = [table.row_of(letter, "2024-01-01T00:00:00.000Z") for letter in letters]
        self.letters.store.close()
        with closing(sqlite3.connect(self.letters.path)) as connection, connection:
            table.write(connection, rows)
            table.mark(connection, table.ids(connection, Selection()))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """While the body runs and until nothing is marked; then the sinks have drained, and every account adds up."""
        with trio.fail_after(20):
            async with trio.open_nursery() as letters:
                await letters.start(self.letters.run, self.retrier.wake)
                async with trio.open_nursery() as sinks:
                    for sink in self.sinks:
                        await sinks.start(sink.run)
                    async with trio.open_nursery() as retries:
                        retries.start_soon(self.retrier.run)
                        yield
                        self.retrier.finish()
                    for sink in self.sinks:
                        sink.close()
                self.letters.close()
        assert all(sink.account.balanced and not sink.account.in_flight for sink in self.sinks)
        assert not any("marked" in entry for entry in self.entries)


def one_sink(transport: FakeTransport, **options: Any) -> Callable[[DeadLetters], Sequence[Leg]]:
    def legs(letters: DeadLetters) -> Sequence[Leg]:
        return [Leg(make_sink(letters, transport, name="out", **options), source="in")]

    return legs


def sent(name: str, **fields: Any) -> DeadLetter:
    return DeadLetter(stage="send", reason="400: no", sink="out", attempts=2, event=make_event(name), **fields)


def record(text: str, name: str | None = None) -> DeadLetter:
    return DeadLetter(stage="decode", reason="bad", source="in", position="line 1", original=text.encode(), adapter=name)


async def test_what_is_delivered_goes_out_of_the_file(tmp_path: Path) -> None:
    transport = FakeTransport()
    rig = Rig(tmp_path, one_sink(transport))
    rig.kept(sent("a"), sent("b"))
    async with rig.running():
        pass
    assert sorted(chain.from_iterable(transport.ids)) == ["a", "b"]
    assert rig.entries == []
    assert (rig.sinks[0].account.received, rig.sinks[0].account.delivered) == (2, 2)


async def test_what_is_refused_again_is_the_same_entry_with_what_is_new(tmp_path: Path) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport([REJECTED])))
    rig.kept(sent("a"))
    async with rig.running():
        pass
    (entry,) = rig.entries
    assert (entry["id"], entry["reason"], entry["status"], entry["attempts"]) == (1, "400: still no", 400, 3)
    assert entry["first_time"] == "2024-01-01T00:00:00.000Z" < entry["last_time"]
    assert (rig.sinks[0].account.received, rig.sinks[0].account.dead_lettered) == (1, 1)


async def test_what_is_marked_while_it_runs_is_found(tmp_path: Path) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport()))
    async with rig.running():
        rig.letters.submit([sent("a")], lambda: None)
        await until(lambda: rig.letters.count == 1)
        with closing(sqlite3.connect(rig.letters.path)) as connection, connection:
            table.mark(connection, [1])
        await until(lambda: rig.letters.count == 0)
    assert rig.entries == []


async def test_an_event_that_its_encoder_has_no_name_for_stays_with_a_reason(tmp_path: Path) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport(), encoder=FakeEncoder(special={"a": Unfit("no name for it", unmapped=True)})))
    rig.kept(sent("a"))
    async with rig.running():
        pass
    assert rig.entries[0]["reason"] == "retried, but not delivered: filtered; drop it if that is right; before: 400: no"


async def test_a_reason_from_before_is_not_piled_up(tmp_path: Path) -> None:
    transport = FakeTransport()
    rig = Rig(tmp_path, one_sink(transport))
    rig.kept(DeadLetter(stage="send", reason="first", sink="out"))
    async with rig.running():
        pass
    expected = "retried, but not delivered: it holds no event; before: first"
    assert rig.entries[0]["reason"] == expected
    again = Rig(tmp_path, one_sink(transport))
    again.kept()
    async with again.running():
        pass
    assert again.entries[0]["reason"] == expected


async def test_what_failed_in_a_transform_goes_its_own_way_from_its_beginning(tmp_path: Path) -> None:
    """A transform that was applied before the one that failed must not be applied twice; another way not at all."""
    transport = FakeTransport()

    def double(event: Event) -> Event:
        return make_event(event.id * 2)

    def legs(letters: DeadLetters) -> Sequence[Leg]:
        sink = make_sink(letters, transport, name="out")
        return [
            Leg(sink, [Changing(double), Changing(lambda event: event)], None, "in", ("double", "same")),
            Leg(sink, [Changing(lambda event: make_event("wrong"))], None, "in", ("other",)),
        ]

    rig = Rig(tmp_path, legs)
    letter = DeadLetter(
        stage="transform", reason="x", source="in", sink="out", through=("double", "same"), event=make_event("a")
    )
    rig.kept(letter)
    async with rig.running():
        pass
    assert (transport.ids, rig.entries) == ([["aa"]], [])


async def test_a_transform_that_fails_or_filters_leaves_the_entry(tmp_path: Path) -> None:
    def fail(event: Event) -> Event:
        raise KeyError(event.id)

    def legs(letters: DeadLetters) -> Sequence[Leg]:
        out = make_sink(letters, name="out")
        picky = make_sink(letters, name="picky")
        return [
            Leg(out, [Changing(fail)], None, "in", ("fail",)),
            Leg(picky, [Changing(lambda e: e)], only("x"), "in", ("same",)),
        ]

    rig = Rig(tmp_path, legs)
    fields = {"stage": "transform", "reason": "x", "event": make_event("a")}
    rig.kept(DeadLetter(sink="out", **fields), DeadLetter(sink="picky", source="in", **fields))  # type: ignore[arg-type]
    async with rig.running():
        pass
    first, second = rig.entries
    assert (first["id"], first["stage"]) == (1, "transform")
    assert first["reason"].startswith("transform raised KeyError: 'a' (")
    assert "filtered" in second["reason"]


async def test_a_way_that_is_gone_or_not_known_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport()))
    rig.kept(
        DeadLetter(stage="transform", reason="x", source="in", sink="out", event=make_event("a")),
        DeadLetter(stage="send", reason="x", sink="old", event=make_event("b")),
        DeadLetter(stage="decode", reason="x", source="older", original=b"c"),
    )
    async with rig.running():
        pass
    first, second, third = rig.entries
    assert first["reason"].startswith("retried, but not delivered: no ways lead from in to out through transforms")
    assert (second["reason"], third["reason"]) == ("x", "x")
    assert "1 cannot be retried: this config has no sink old; they stay" in caplog.text
    assert "1 cannot be retried: this config has no source older; they stay" in caplog.text


async def test_a_record_goes_through_its_decoder_to_every_sink(tmp_path: Path) -> None:
    transports = [FakeTransport([REJECTED]), FakeTransport()]

    def legs(letters: DeadLetters) -> Sequence[Leg]:
        return [Leg(make_sink(letters, one, name=name), source="in") for one, name in zip(transports, "xy", strict=True)]

    rig = Rig(tmp_path, legs)
    rig.kept(record("a"))
    async with rig.running():
        pass
    assert [one.ids for one in transports] == [[["a"]], [["a"]]]
    (entry,) = rig.entries  # the refusal has an entry of its own
    assert (entry["id"], entry["stage"], entry["sink"]) == (2, "send", "x")
    assert rig.dispatcher.account.received == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bad", "bad is bad"),
        ("", "it holds no event"),
        ("raise", "decoder raised RuntimeError: a bug (deadletters/test_retrier.py:"),
    ],
)
async def test_a_record_that_is_refused_again_is_the_same_entry(tmp_path: Path, text: str, reason: str) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport()), adapter("words", "bad"))
    rig.kept(record(text))
    async with rig.running():
        pass
    (entry,) = rig.entries
    assert (entry["id"], entry["stage"], entry["original"]) == (1, "decode", text)
    assert entry["reason"].startswith(reason)
    assert (rig.dispatcher.account.undecodable, rig.dispatcher.account.in_flight) == (1, 0)


async def test_of_several_adapters_the_one_that_refused_it_is_asked(tmp_path: Path) -> None:
    transport = FakeTransport()
    rig = Rig(tmp_path, one_sink(transport), adapter("lenient"), adapter("strict", "bad"))
    rig.kept(record("bad", "strict"), record("bad"))
    async with rig.running():
        pass
    assert [entry["id"] for entry in rig.entries] == [1]
    assert transport.ids == [["bad"]]


async def test_a_sink_that_is_down_stops_no_other(tmp_path: Path) -> None:
    down, well = FakeTransport(), FakeTransport()
    down.gate = trio.Event()

    def legs(letters: DeadLetters) -> Sequence[Leg]:
        return [Leg(make_sink(letters, down, name="out"), source="in"), Leg(make_sink(letters, well, name="well"), source="in")]

    rig = Rig(tmp_path, legs)
    rig.kept(sent("a"), DeadLetter(stage="send", reason="x", sink="well", event=make_event("b")))
    async with rig.running():
        await until(lambda: [entry["id"] for entry in rig.entries] == [1])
        assert rig.entries[0]["marked"]
        down.gate.set()


@pytest.mark.parametrize("when_full", ["block", "drop_newest", "drop_oldest"])
async def test_retries_wait_for_room_and_are_not_dropped(tmp_path: Path, when_full: WhenFull) -> None:
    transport = FakeTransport()
    rig = Rig(tmp_path, one_sink(transport, max_events=3, when_full=when_full))
    rig.kept(*(sent(f"{number}") for number in range(10)))
    async with rig.running():
        pass
    assert rig.entries == []
    assert (rig.sinks[0].account.delivered, rig.sinks[0].account.dropped) == (10, 0)


async def test_a_stop_leaves_the_marks(tmp_path: Path) -> None:
    transport = FakeTransport()
    transport.gate = trio.Event()
    rig = Rig(tmp_path, one_sink(transport, max_events=1))
    rig.kept(sent("a"), sent("b"))
    async with trio.open_nursery() as nursery:
        await nursery.start(rig.letters.run, rig.retrier.wake)
        await nursery.start(rig.sinks[0].run)
        nursery.start_soon(rig.retrier.run)
        await until(lambda: rig.sinks[0].account.in_flight == 1)
        rig.retrier.stop()
        transport.gate.set()
        rig.sinks[0].close()
        await until(lambda: rig.letters.count == 1)
        rig.letters.close()
    assert [(entry["event"]["id"], entry["marked"]) for entry in rig.entries] == [("b", True)]


OUTCOMES = st.lists(st.sampled_from(["delivered", "rejected", "drop"]), min_size=1, max_size=6)


@given(st.lists(OUTCOMES, min_size=1, max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_a_delivery_or_the_operator_removes_an_entry(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[str]]
) -> None:
    """Whatever the vendor says, round after round: what was not delivered and not dropped is there, its attempts summed."""
    folder = tmp_path_factory.mktemp("letters")
    count = max(map(len, rounds))
    fates = [[round_[place] for round_ in rounds if place < len(round_)] for place in range(count)]

    class Vendor(FakeTransport):
        async def send(self, shipment: Any, /) -> Any:
            return [verdict(event.id) for event in shipment.events]

    def verdict(name: str) -> Verdict:
        return DELIVERED if fates[int(name)][turn] == "delivered" else REJECTED

    expected: dict[str, int] = {f"{place}": 2 for place in range(count)}
    turn = 0
    Rig(folder, one_sink(Vendor())).kept(*(sent(name) for name in expected))
    for turn in range(len(rounds)):
        rig = Rig(folder, one_sink(Vendor()))
        rig.letters.store.open()
        rig.letters.store.close()
        with closing(sqlite3.connect(rig.letters.path)) as connection, connection:
            connection.execute("UPDATE letters SET marked = 0")
            for entry in list(table.entries(connection, Selection())):
                event = entry.to_event()
                assert event is not None
                fate = fates[int(event.id)][turn : turn + 1]
                if fate == ["drop"]:
                    table.remove(connection, [entry.id])
                    del expected[event.id]
                elif fate:
                    table.mark(connection, [entry.id])
                    if fate == ["delivered"]:
                        del expected[event.id]
                    else:
                        expected[event.id] += 1
        trio.run(_run, rig)
        assert {entry["event"]["id"]: entry["attempts"] for entry in rig.entries} == expected
        assert rig.letters.count == len(expected)


async def _run(rig: Rig) -> None:
    async with rig.running():
        pass
