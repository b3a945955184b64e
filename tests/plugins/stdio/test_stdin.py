from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from plugins.stdio.stdio_kit import WordDecoder, pipe
from wye.plugin import IncompleteError, StartError
from wye.testing import FakeIntake
from wye_plugins.stdio.stdin import StdinSource


def source_of(descriptor: int, max_line_bytes: int = 1000, chunk_bytes: int = 1000) -> StdinSource:
    return StdinSource(WordDecoder(), max_line_bytes, chunk_bytes, descriptor)


async def run(source: StdinSource, intake: FakeIntake) -> None:
    await source.run(intake, task_status=trio.TASK_STATUS_IGNORED)


def ids(intake: FakeIntake) -> list[str]:
    return [event.id for event in intake.events]


async def test_a_pipe_is_read_as_it_is_written_until_its_end() -> None:
    intake = FakeIntake("in")
    with pipe() as (reading, writing):
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, intake)
            os.write(writing, b"1\n2\nthr")
            await wait_all_tasks_blocked()
            assert ids(intake) == ["1", "2"]
            os.write(writing, b"ee\n!4\n5")
            await wait_all_tasks_blocked()
            os.close(writing)
    assert ids(intake) == ["1", "2", "three", "5"]
    assert intake.places == ["stdin line 4"]


async def test_a_redirected_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{number}\n" for number in range(1000)))
    intake = FakeIntake("in")
    with path.open("rb") as file:
        await run(source_of(file.fileno(), chunk_bytes=64), intake)
    assert ids(intake) == [str(number) for number in range(1000)]


async def test_a_terminal_is_read_line_by_line() -> None:
    master, terminal = os.openpty()
    intake = FakeIntake("in")
    async with trio.open_nursery() as nursery:
        await nursery.start(source_of(terminal).run, intake)
        os.write(master, b"1\n2")
        with trio.fail_after(10):
            while not intake.batches:  # a terminal hands lines over when it likes
                await trio.sleep(0.001)
        assert ids(intake) == ["1"]
        os.write(master, b"\n\x04")
    assert ids(intake) == ["1", "2"]
    os.close(master)
    os.close(terminal)


async def test_the_descriptor_stays_as_it_is() -> None:
    with pipe() as (reading, writing):
        intake = FakeIntake("in")
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, intake)
            await wait_all_tasks_blocked()
            assert os.get_blocking(reading)
            os.close(writing)
        assert os.get_blocking(reading)


async def test_a_non_blocking_descriptor_does_no_harm() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        intake = FakeIntake("in")
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(ours.fileno()).run, intake)
            await wait_all_tasks_blocked()
            theirs.send(b"1\n")
            await wait_all_tasks_blocked()
            theirs.shutdown(socket.SHUT_WR)
    assert ids(intake) == ["1"]


async def test_a_stop_does_not_wait_for_a_silent_writer() -> None:
    with pipe() as (reading, writing):
        intake = FakeIntake("in")
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, intake)
            os.write(writing, b"1\nhalf")
            await wait_all_tasks_blocked()
            intake.stop()
    assert ids(intake) == ["1"]


async def test_it_ends_when_all_is_settled() -> None:
    with pipe() as (reading, writing):
        intake = FakeIntake("in")
        intake.settle_at_once = False
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, intake)
            os.write(writing, b"1\n")
            await wait_all_tasks_blocked()
            os.write(writing, b"2")
            os.close(writing)
            await wait_all_tasks_blocked()
            assert intake.unsettled == 2
            intake.settle()
            await wait_all_tasks_blocked()
            assert nursery.child_tasks
            intake.settle(False)


async def test_a_batch_that_was_not_taken_is_not_waited_for() -> None:
    with pipe() as (reading, writing):
        intake = FakeIntake("in")
        intake.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, intake)
            os.write(writing, b"1\n")
            await wait_all_tasks_blocked()
            intake.stop()
    assert intake.batches == []


async def test_a_line_that_is_too_long_costs_only_itself() -> None:
    with pipe() as (reading, writing):
        intake = FakeIntake("in")
        os.write(writing, b"1\n" + b"x" * 500 + b"\n2\n")
        os.close(writing)
        await run(source_of(reading, 100, 64), intake)
    assert ids(intake) == ["1", "2"]
    assert intake.places == ["stdin line 2"]


async def test_an_error_is_an_end_that_is_incomplete(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IncompleteError, match="cannot be read on: Is a directory"):
        await run(source_of(directory), FakeIntake("in"))
    os.close(directory)


async def test_closed_standard_input_is_said_at_the_start() -> None:
    with pipe() as (reading, _):
        os.close(reading)
        with pytest.raises(StartError, match="source in: standard input is closed"):
            await run(source_of(reading), FakeIntake("in"))


async def test_only_one_source_reads_it() -> None:
    with pipe() as (reading, writing):
        first = FakeIntake("first")
        async with trio.open_nursery() as nursery:
            await nursery.start(source_of(reading).run, first)
            with pytest.raises(StartError, match="another source reads standard input already"):
                await run(source_of(reading), FakeIntake("second"))
            os.close(writing)
        await run(source_of(reading), FakeIntake("third"))
