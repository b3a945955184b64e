from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from plugins.file.file_kit import WordDecoder, append, until
from wye.message import Decoded
from wye.testing import FakeIntake
from wye_plugins.file.checkpoint import Checkpoint
from wye_plugins.file.feed import Feed
from wye_plugins.file.find import look
from wye_plugins.file.reader import FileReader, Sizes


class Rig:
    """A feed over one file of three lines, a line a chunk."""

    def __init__(self, folder: Path, *, settle_at_once: bool = True) -> None:
        self.path = folder / "a.jsonl"
        self.path.write_text("1\n2\n3\n")
        self.intake = FakeIntake("in")
        self.intake.settle_at_once = settle_at_once
        self.state = folder
        self.checkpoint = Checkpoint(str(folder), "in")
        self.feed = Feed(self.intake, WordDecoder(), Sizes(100, 2), self.checkpoint)

    async def open(self) -> FileReader:
        found = look(str(self.path))
        assert found is not None
        reader = await self.feed.open(found)
        assert reader is not None
        return reader

    def saved(self) -> list[int]:
        checkpoint = Checkpoint(str(self.state), "in")
        checkpoint.load()
        return [position.offset for position in checkpoint.left.values()]


async def test_drained_in_turns(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    reader = await rig.open()
    assert not await rig.feed.drain(reader, 2)
    assert [event.id for event in rig.intake.events] == ["1", "2"]
    assert await rig.feed.drain(reader, 2)
    assert [event.id for event in rig.intake.events] == ["1", "2", "3"]
    reader.close()


async def test_a_file_that_is_replaced_need_not_be_read_from_the_beginning(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    reader = await rig.open()
    await rig.feed.drain(reader)
    reader.close()
    renamed = rig.path.rename(tmp_path / "a.jsonl.1")
    assert reader.reopen(str(renamed))
    renamed.write_text("secret\n")
    assert await rig.feed.drain(reader, restarts=False)
    assert [event.id for event in rig.intake.events] == ["1", "2", "3"]
    assert not reader.is_open


async def test_the_checkpoint_is_written_at_most_every_so_often(tmp_path: Path, mock_clock: MockClock) -> None:
    rig = Rig(tmp_path)
    async with rig.feed.saving(60):
        reader = await rig.open()
        await rig.feed.drain(reader, 1)
        await until(lambda: rig.saved() == [2], mock_clock, 0)
        await rig.feed.drain(reader, 1)
        for _ in range(59):
            mock_clock.jump(1)
            await trio.testing.wait_all_tasks_blocked()
        assert rig.saved() == [2]
        await until(lambda: rig.saved() == [4], mock_clock)
        await rig.feed.drain(reader)
    assert rig.saved() == [6]
    reader.close()


async def test_the_last_word_is_written_even_when_cancelled(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settle_at_once=False)
    reader = await rig.open()
    with trio.CancelScope() as scope:
        async with rig.feed.saving(60):
            await rig.feed.drain(reader)
            rig.intake.settle()
            rig.intake.settle()
            scope.cancel()
            await rig.feed.flight.all_landed()
    assert rig.saved() == [4]
    reader.close()


async def test_what_was_given_up_holds_the_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path, settle_at_once=False)
    async with rig.feed.saving(0):
        reader = await rig.open()
        await rig.feed.drain(reader)
        for safe in (True, False, True):
            rig.intake.settle(safe)
        await rig.feed.flight.all_landed()
    assert rig.saved() == [2]
    assert caplog.text.count("not everything is safe") == 1
    reader.close()


async def test_a_disk_that_refuses_the_checkpoint_is_said_once(
    tmp_path: Path, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path)
    blocker = rig.checkpoint.path.with_suffix(".new")
    blocker.mkdir(parents=True)
    async with rig.feed.saving(1):
        reader = await rig.open()
        await rig.feed.drain(reader)
        await until(lambda: "cannot write" in caplog.text, mock_clock)
        for _ in range(5):
            mock_clock.jump(1)
            await trio.testing.wait_all_tasks_blocked()
        blocker.rmdir()
        await until(lambda: rig.saved() == [6], mock_clock)
    assert caplog.text.count("cannot write") == 1
    assert caplog.text.count("can be written again") == 0  # that is no warning
    reader.close()


async def test_a_file_that_was_left_stays_in_the_checkpoint_until_it_is_safe(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settle_at_once=False)
    async with rig.feed.saving(0):
        reader = await rig.open()
        await rig.feed.drain(reader)
        rig.feed.part(reader)
        rig.intake.settle()
        await until(lambda: rig.saved() == [2])
        rig.intake.settle()
        rig.intake.settle()
        await until(lambda: rig.saved() == [])


async def test_a_batch_that_was_not_taken_is_not_waited_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.intake.gate = trio.Event()
    async with rig.feed.saving(0):
        reader = await rig.open()
        with rig.intake.until_stopped():
            rig.intake.stop()
            await rig.feed.drain(reader)
        await rig.feed.flight.all_landed()
    assert rig.saved() == [0]
    reader.close()


async def test_a_file_that_cannot_be_opened_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path)
    found = look(str(rig.path))
    assert found is not None
    rig.path.unlink()
    for _ in range(3):
        assert await rig.feed.open(found) is None
    assert caplog.text.count(f"cannot read {rig.path}: No such file") == 1


async def test_places_name_file_and_line(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    append(rig.path, "\n!bad\n!worse")
    reader = await rig.open()
    await rig.feed.drain(reader)
    await rig.feed.finish(reader)
    assert rig.intake.places == [f"{rig.path} line 5", f"{rig.path} line 6"]
    reader.close()


async def test_an_intake_that_breaks_is_not_hidden(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    class Broken(FakeIntake):
        async def emit(
            self,
            decoded: Decoded,
            /,
            *,
            on_settled: Callable[[bool], None] | None = None,
            place: Callable[[int], str] | None = None,
        ) -> None:
            await trio.lowlevel.checkpoint()
            raise RuntimeError("ours")

    feed = Feed(Broken("in"), WordDecoder(), Sizes(100, 2), None)
    found = look(str(rig.path))
    assert found is not None
    reader = await feed.open(found)
    assert reader is not None
    with pytest.raises(RuntimeError, match="ours"):
        await feed.drain(reader)
    assert feed.flight.count == 0
    reader.close()
