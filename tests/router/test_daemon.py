"""What starts before what, what outlives what, and how it ends. Time is trio's mock clock."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

import pytest
import trio
import trio.testing

from router.core_rig import Disk
from router.fakes import Configs
from router.life import Life
from wye.errors import Exit
from wye.message import Decoded, Failure
from wye.plugin import IncompleteError, Intake, StartError
from wye.testing import make_event

TWO_AND_TWO = """
data_dir = "DATA"
grace_secs = 7
[sources.a]
type = "fake"
[sources.b]
type = "fake"
[sinks.y]
type = "fake"
inputs = ["a", "b"]
[sinks.z]
type = "fake"
inputs = ["b"]
"""


@pytest.fixture
def life(configs: Configs) -> Life:
    return Life(configs, TWO_AND_TWO)


async def test_sinks_open_first_and_close_last(life: Life) -> None:
    code = await life.run(lambda: life.said.append("started"))
    assert code is Exit.OK
    assert life.said[:2] == ["open sink y", "open sink z"]
    assert life.said.index("start source a") < life.said.index("start source b") < life.said.index("started")
    assert {*life.said[-2:]} == {"close sink y", "close sink z"}
    assert max(life.said.index(f"end source {name}") for name in "ab") < life.said.index("close sink y")


async def test_a_source_that_ends_lets_everything_be_delivered(life: Life) -> None:
    assert await life.run() is Exit.OK
    assert sorted(life.sinks["y"].got) == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]
    assert life.sinks["z"].got == ["b-0", "b-1", "b-2"]
    assert life.account("y") == {"received": 6, "delivered": 6}
    assert [one.received for one in life.daemon.ledger.sources] == [3, 3]


async def test_a_daemon_can_be_stopped_twice_and_the_first_grace_counts(
    life: Life, autojump_clock: trio.testing.MockClock
) -> None:
    life.sources["a"].done = trio.Event()
    life.sinks["y"].gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_after, life, 1)
        nursery.start_soon(stop_after, life, 5)
        assert await life.run() is Exit.UNFINISHED
        assert trio.current_time() == pytest.approx(8)
    assert life.account("y") == {"received": 6, "in_flight": 6}
    assert life.account("z") == {"received": 3, "delivered": 3}


async def stop_after(life: Life, seconds: float) -> None:
    await trio.sleep(seconds)
    life.daemon.stop()


async def test_a_stop_drains(life: Life, autojump_clock: trio.testing.MockClock) -> None:
    life.sources["a"].done = life.sources["b"].done = trio.Event()
    life.sinks["y"].gate = trio.Event()

    async def open_the_gate() -> None:
        await trio.sleep(3)
        life.sinks["y"].gate.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_after, life, 1)
        nursery.start_soon(open_the_gate)
        assert await life.run() is Exit.OK
    assert life.account("y") == {"received": 6, "delivered": 6}


async def test_a_source_that_does_not_stop_is_cut_off_and_not_called_finished(
    life: Life, autojump_clock: trio.testing.MockClock
) -> None:
    async def run(intake: Intake, /, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep_forever()

    life.sources["a"].run = run  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_after, life, 1)
        assert await life.run() is Exit.UNFINISHED
    assert trio.current_time() == pytest.approx(8)


async def test_letters_that_cannot_be_written_are_not_called_finished(
    life: Life, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    life.sources["a"].events = []
    Disk(monkeypatch).full = True

    async def run(intake: Intake, /, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await intake.emit(Decoded([], [Failure("not JSON", b"{")]))

    life.sources["a"].run = run  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_after, life, 1)
        assert await life.run() is Exit.UNFINISHED


class TestStart:
    async def test_all_sinks_that_cannot_are_told_of_at_once(self, life: Life) -> None:
        life.sinks["y"].start_fault = StartError("cannot listen on 127.0.0.1:80: in use")
        life.sinks["z"].start_fault = PermissionError(13, "Permission denied", "out.jsonl")
        with pytest.raises(StartError) as caught:
            await life.run()
        assert str(caught.value).splitlines() == [
            "sink y: cannot listen on 127.0.0.1:80: in use",
            "sink z: out.jsonl: Permission denied",
        ]
        assert not any("source" in said for said in life.said)

    async def test_what_is_open_already_is_closed(self, life: Life) -> None:
        life.sinks["z"].start_fault = StartError("no")
        with pytest.raises(StartError, match=r"^sink z: no$"):
            await life.run()
        assert life.said == ["open sink y", "close sink y"]

    async def test_a_source_that_cannot_is_one_line(self, life: Life) -> None:
        life.sources["b"].start_fault = StartError("cannot read\nin.jsonl")
        with pytest.raises(StartError, match=r"^source b: cannot read in\.jsonl$"):
            await life.run(lambda: pytest.fail("it has not started"))
        assert {"close sink y", "close sink z"} <= set(life.said)

    async def test_several_faults_of_one_part_in_a_group(self, life: Life) -> None:
        life.sinks["y"].start_fault = ExceptionGroup("", [StartError("one"), ExceptionGroup("", [StartError("two")])])
        with pytest.raises(StartError, match=r"^sink y: one\nsink y: two$"):
            await life.run()

    async def test_a_line_that_names_its_part_is_left_alone(self, life: Life) -> None:
        life.sources["b"].start_fault = StartError("source b: no")
        with pytest.raises(StartError, match=r"^source b: no$"):
            await life.run()

    async def test_a_bug_is_no_start_error(self, life: Life) -> None:
        life.sinks["y"].start_fault = KeyError("a bug")
        with pytest.raises(BaseExceptionGroup) as caught:
            await life.run()
        assert caught.group_contains(KeyError)

    async def test_a_data_dir_that_is_a_file(self, configs: Configs) -> None:
        (configs.folder / "data").write_text("")
        with pytest.raises(StartError, match=r"^data_dir: .*/data is no directory; choose another data_dir$"):
            await Life(configs, TWO_AND_TWO).run()

    async def test_a_data_dir_that_cannot_be_written(self, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(*_: Any) -> bool:
            return False

        monkeypatch.setattr(os, "access", denied)
        with pytest.raises(StartError, match=r"^data_dir: cannot write in .*; change its permissions"):
            await life.run()

    async def test_dead_letters_that_cannot_be_opened(self, life: Life, configs: Configs) -> None:
        (configs.folder / "data" / "dead-letters.db").mkdir(parents=True)
        with pytest.raises(StartError, match=r"^dead letters: cannot open .*/dead-letters\.db"):
            await life.run()
        assert life.said == []

    async def test_a_second_daemon_on_the_same_data(self, life: Life, configs: Configs) -> None:
        async def second() -> None:
            with pytest.raises(StartError, match=r"^dead letters: .*/dead-letters\.db is in use by another process"):
                await Life(configs, TWO_AND_TWO).run()
            life.sources["a"].done.set()

        life.sources["a"].done = trio.Event()
        async with trio.open_nursery() as nursery:
            await life.run(lambda: nursery.start_soon(second))


async def test_a_source_that_breaks_stops_all_and_the_rest_is_delivered(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    life.sources["a"].run_fault = RuntimeError("a bug")
    life.sources["a"].until_fault = trio.Event()
    life.sources["b"].done = trio.Event()
    assert await life.run(life.sources["a"].until_fault.set) is Exit.BROKEN
    assert life.account("y") == {"received": 6, "delivered": 6}
    assert "source a broke; stopping: a bug" in caplog.text


async def test_a_source_that_could_not_read_everything_stops_nobody_and_is_told_of(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    life.sources["a"].run_fault = IncompleteError("cannot be read: old.gz")
    life.sources["b"].done = trio.Event()

    async def go_on() -> None:
        while "old.gz" not in caplog.text:
            await trio.sleep(0)
        life.sources["b"].done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on)
        assert await life.run() is Exit.UNFINISHED
    assert "source a has ended, and not all of its input was read: cannot be read: old.gz" in caplog.text
    assert life.account("y") == {"received": 6, "delivered": 6}


async def test_a_source_that_never_says_it_started_but_ends(life: Life) -> None:
    async def run(intake: Intake, /, *, task_status: trio.TaskStatus[None]) -> None:
        await intake.emit(Decoded([make_event("only")]))

    life.sources["a"].run = run  # type: ignore[method-assign]
    assert await life.run() is Exit.OK
    assert "only" in life.sinks["y"].got


@pytest.mark.usefixtures("hangups")
class TestSignals:
    @pytest.fixture
    def held(self, configs: Configs) -> Life:
        """Its sink y holds everything, and its sources wait to be stopped."""
        life = Life(configs, TWO_AND_TWO)
        life.sources["a"].done = life.sources["b"].done = trio.Event()
        life.sinks["y"].gate = trio.Event()
        return life

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    async def test_one_drains(self, held: Life, number: signal.Signals) -> None:
        def on_started() -> None:
            signal.raise_signal(number)
            held.sinks["y"].gate.set()

        assert await held.run(on_started) is Exit.OK
        assert held.account("y").get("in_flight") is None

    async def test_a_second_one_aborts(self, held: Life, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)

        async def twice() -> None:
            while held.account("y").get("in_flight") != 6:
                await trio.sleep(0)
            signal.raise_signal(signal.SIGTERM)
            while "SIGTERM: stopping, at most 7 s" not in caplog.text:
                await trio.sleep(0)
            signal.raise_signal(signal.SIGINT)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(twice)
            with trio.fail_after(5):  # well within the grace
                assert await held.run() is Exit.UNFINISHED
        assert "SIGINT again: giving up what is in flight" in caplog.text
        assert held.account("y") == {"received": 6, "in_flight": 6}

    async def test_a_terminal_that_hangs_up_twice_does_not_abort(self, held: Life, caplog: pytest.LogCaptureFixture) -> None:
        """Its shell sends SIGHUP, and then the system does."""
        caplog.set_level(logging.INFO)

        async def twice() -> None:
            while held.account("y").get("in_flight") != 6:
                await trio.sleep(0)
            signal.raise_signal(signal.SIGHUP)
            while "SIGHUP: stopping" not in caplog.text:
                await trio.sleep(0)
            signal.raise_signal(signal.SIGHUP)
            await trio.testing.wait_all_tasks_blocked()
            held.sinks["y"].gate.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(twice)
            assert await held.run() is Exit.OK
        assert held.account("y").get("in_flight") is None

    async def test_the_first_one_after_a_source_broke_does_not_abort(
        self, held: Life, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        held.sources["a"].run_fault = RuntimeError("a bug")

        async def once() -> None:
            while "broke" not in caplog.text:
                await trio.sleep(0)
            signal.raise_signal(signal.SIGTERM)
            while "SIGTERM: stopping" not in caplog.text:
                await trio.sleep(0)
            held.sinks["y"].gate.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(once)
            assert await held.run() is Exit.BROKEN
        assert "in_flight" not in held.account("y")
