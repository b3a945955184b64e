from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from plugins.file.file_kit import append, checkpoint_of, following, ids, until
from wye.testing import FakeIntake
from wye_plugins.file.find import find
from wye_plugins.file.follow import GONE_SECS


async def test_lines_are_taken_as_they_are_completed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["1"])
        assert open_descriptors(tmp_path) >= 1
        append(path, "2\nthr")
        await until(lambda: ids(intake) == ["1", "2"])
        append(path, "ee\n")
        await until(lambda: ids(intake) == ["1", "2", "three"])
    assert open_descriptors(tmp_path) == 0


async def test_it_waits_for_files_to_appear(tmp_path: Path) -> None:
    async with following(tmp_path, "**/*.jsonl") as intake:
        (tmp_path / "x" / "y").mkdir(parents=True)
        append(tmp_path / "x" / "y" / "a.jsonl", "1\n")
        await until(lambda: ids(intake) == ["1"])
        append(tmp_path / "b.jsonl", "2\n")
        await until(lambda: ids(intake) == ["1", "2"])


@pytest.mark.parametrize("pattern", ["a.jsonl", "a.jsonl*"])
async def test_a_rotated_file_is_read_to_its_end_before_the_new_one(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, pattern) as intake:
        await until(lambda: ids(intake) == ["1"])
        with path.open("a") as writer:
            path.rename(tmp_path / "a.jsonl.1")
            path.write_text("4\n")
            writer.write("2\n3\n")
        await until(lambda: len(ids(intake)) == 4)
    assert ids(intake) in (["1", "2", "3", "4"], ["1", "4", "2", "3"])  # the look may fall between the two writes
    append(path, "5\n")
    async with following(tmp_path, pattern) as intake:
        await until(lambda: ids(intake) == ["5"])


async def test_the_order_of_a_rotation_between_two_looks(tmp_path: Path, mock_clock: MockClock) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, "a.jsonl*", poll_secs=10) as intake:
        await until(lambda: ids(intake) == ["1"], mock_clock, 0)
        append(path, "2\n")
        path.rename(tmp_path / "a.jsonl.1")
        path.write_text("3\n")
        await until(lambda: len(ids(intake)) == 3, mock_clock)
        assert ids(intake) == ["1", "2", "3"]


async def test_a_writer_that_has_not_noticed_the_rotation_yet(tmp_path: Path, mock_clock: MockClock) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, "a.jsonl", poll_secs=1) as intake:
        await until(lambda: ids(intake) == ["1"], mock_clock, 0)
        path.rename(tmp_path / "elsewhere")
        mock_clock.jump(GONE_SECS / 2)
        append(tmp_path / "elsewhere", "2\nhal")
        await until(lambda: ids(intake) == ["1", "2"], mock_clock, 0.1)
        mock_clock.jump(GONE_SECS + 1)
        await until(lambda: ids(intake) == ["1", "2", "hal"], mock_clock, 0.1)
        await until(lambda: open_descriptors(tmp_path) == 0, mock_clock, 0)


@pytest.mark.parametrize("restarted", [False, True])
async def test_that_writer_has_as_long_when_the_file_was_silent(tmp_path: Path, mock_clock: MockClock, restarted: bool) -> None:
    path, renamed = tmp_path / "a.jsonl", tmp_path / "elsewhere"
    path.write_text("1\n")
    if restarted:
        async with following(tmp_path, "a.jsonl") as intake:
            await until(lambda: ids(intake) == ["1"], mock_clock)
    async with following(tmp_path, "a.jsonl", poll_secs=1) as intake:
        await until(lambda: open_descriptors(tmp_path) == 1, mock_clock)
        mock_clock.jump(10 * GONE_SECS)
        path.rename(renamed)
        path.write_text("3\n")
        await until(lambda: ids(intake)[-1:] == ["3"], mock_clock, 0.1)  # and so the old file has been looked at
        append(renamed, "2\n")
        await until(lambda: ids(intake)[-1:] == ["2"], mock_clock, 0.1)
        mock_clock.jump(GONE_SECS + 1)
        await until(lambda: open_descriptors(tmp_path) == 1, mock_clock, 0.1)


def open_descriptors(folder: Path) -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith(str(folder))
        except FileNotFoundError:
            continue
    return count


async def test_a_deleted_file_is_read_to_its_end(tmp_path: Path, mock_clock: MockClock) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, poll_secs=1) as intake:
        await until(lambda: ids(intake) == ["1"], mock_clock, 0)
        append(path, "2\n")
        path.unlink()
        await until(lambda: ids(intake) == ["1", "2"], mock_clock)
        mock_clock.jump(GONE_SECS)
        await until(lambda: open_descriptors(tmp_path) == 0, mock_clock)
        path.write_text("3\n")
        await until(lambda: ids(intake) == ["1", "2", "3"], mock_clock)


async def test_copied_and_truncated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "a.jsonl"
    path.write_text("first\nsecond\n")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["first", "second"])
        os.truncate(path, 0)
        append(path, "3\n!4\n")
        await until(lambda: ids(intake) == ["first", "second", "3"])
        await until(lambda: intake.places == [f"{path} line 2"])
    assert "a.jsonl was truncated; reading it from the beginning" in caplog.text


async def test_truncated_and_already_longer_than_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["1"])
        path.write_text("2\n3\n4\n")
        await until(lambda: ids(intake) == ["1", "2", "3", "4"])


async def test_a_compressed_file_is_read_when_it_is_found(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(500)) + b"last")
    async with following(tmp_path, "*.gz") as intake:
        (tmp_path / "a.gz").write_bytes(whole[:8000])
        await until(lambda: len(ids(intake)) > 50)
        with (tmp_path / "a.gz").open("ab") as file:  # whoever compresses it was not ready
            file.write(whole[8000:])
        await until(lambda: ids(intake)[-1:] == ["last"])
        assert len(ids(intake)) == 501
    async with following(tmp_path, "*.gz") as intake:
        append(tmp_path / "b.gz", "")
        with (tmp_path / "b.gz").open("wb") as file:
            file.write(gzip.compress(b"1\n"))
        await until(lambda: ids(intake) == ["1"])


async def test_a_rotation_while_nobody_looked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, "a.jsonl") as intake:
        await until(lambda: ids(intake) == ["1"])
    append(path, "2\n")
    path.rename(tmp_path / "a.jsonl.1")
    path.write_text("3\n")
    async with following(tmp_path, "a.jsonl") as intake:
        await until(lambda: ids(intake) == ["2", "3"])


async def test_a_file_that_is_gone_is_said_and_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["1"])
    path.unlink()
    async with following(tmp_path):
        await until(lambda: "a.jsonl is gone; it had been read up to byte 2" in caplog.text)
    assert b"a.jsonl" not in checkpoint_of(tmp_path).read_bytes()


async def test_a_strangers_file_that_got_the_inode_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, "a.jsonl") as intake:
        await until(lambda: ids(intake) == ["1"])
    path.write_text("secret\n")
    path.rename(tmp_path / "other.txt")
    path.write_text("2\n")
    async with following(tmp_path, "a.jsonl") as intake:
        await until(lambda: ids(intake) == ["2"])


async def test_beyond_its_bound_silent_files_are_closed_and_still_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wye_plugins.file.follow.Follower.__init__.__defaults__", (2,))
    paths = [tmp_path / f"{number}.jsonl" for number in range(6)]
    for path in paths:
        path.write_text("a\n")
    async with following(tmp_path) as intake:
        await until(lambda: len(ids(intake)) == 6)
        await until(lambda: open_descriptors(tmp_path) <= 2)
        for path in paths:
            append(path, "b\n")
        await until(lambda: len(ids(intake)) == 12)
    assert sorted(ids(intake)) == ["a"] * 6 + ["b"] * 6


async def test_beyond_its_bound_closed_files_are_read_to_their_ends_when_they_are_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wye_plugins.file.follow.Follower.__init__.__defaults__", (0,))
    path = tmp_path / "a.jsonl"
    path.write_text("1\n")
    async with following(tmp_path, "*.jsonl", poll_secs=0.1) as intake:
        await until(lambda: ids(intake) == ["1"])
        await until(lambda: open_descriptors(tmp_path) == 0)
        with path.open("a") as writer:  # all of it between two looks
            writer.write("2\n")
            path.rename(tmp_path / "a.jsonl.1")
        await until(lambda: ids(intake) == ["1", "2"])
        (tmp_path / "a.jsonl.1").unlink()


@pytest.mark.parametrize(("before", "after"), [("1\n2\n", "secret\n"), ("", "secret\n"), ("1\n2\n", "1\n")])
async def test_a_strangers_file_that_got_the_inode_of_a_closed_one_is_not_read(
    tmp_path: Path, mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    monkeypatch.setattr("wye_plugins.file.follow.Follower.__init__.__defaults__", (0,))
    path, stranger = tmp_path / "a.jsonl", tmp_path / "x.tmp"
    path.write_text(before)
    (tmp_path / "b.jsonl").write_text("b\n")
    async with following(tmp_path, poll_secs=10) as intake:
        await until(lambda: "b" in ids(intake) and open_descriptors(tmp_path) == 0, mock_clock, 0)
        found = ids(intake)
        path.write_text(after)  # all of it between two looks
        path.rename(stranger)
        (tmp_path / "c.jsonl").write_text("c\n")
        await until(lambda: "c" in ids(intake), mock_clock)
        assert ids(intake) == [*found, "c"]
        await until(lambda: open_descriptors(tmp_path) == 0, mock_clock)
    assert b"x.tmp" not in checkpoint_of(tmp_path).read_bytes()


async def test_a_file_that_breaks_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.gz").write_bytes(b"no gzip at all")
    async with following(tmp_path, ["*.gz", "*.jsonl"]) as intake:
        append(tmp_path / "b.jsonl", "1\n")
        await until(lambda: ids(intake) == ["1"])
        append(tmp_path / "b.jsonl", "2\n")
        await until(lambda: ids(intake) == ["1", "2"])
    assert caplog.text.count("compressed data is broken") == 1


async def test_one_busy_file_does_not_starve_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("x\n" * 5000)
    (tmp_path / "b.jsonl").write_text("y\n")
    async with following(tmp_path, chunk_bytes=10) as intake:
        await until(lambda: "y" in ids(intake))
        assert ids(intake).index("y") < 200
        await until(lambda: len(ids(intake)) == 5001)


steps = st.lists(st.sampled_from(["write", "half", "rotate", "look", "restart", "crash", "other"]), min_size=1, max_size=12)


class World:
    """A writer that writes numbered lines and rotates as it likes, and a source that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "a.jsonl"
        self.path.write_text("")
        self.written: list[str] = []
        self.got: list[str] = []
        self.half = ""
        self.rotations = 0

    def write(self, half: bool = False) -> None:
        name = f"line-{len(self.written)}"
        if self.half:
            append(self.path, self.half)
            self.half = ""
        self.written.append(name)
        if half:
            append(self.path, name[:4])
            self.half = name[4:] + "\n"
        else:
            append(self.path, name + "\n")

    def rotate(self) -> None:
        append(self.path, self.half)
        self.half = ""
        self.rotations += 1
        self.path.rename(self.folder / f"a.jsonl.{self.rotations}")
        self.path.write_text("")

    async def act(self, script: list[str]) -> None:
        while script:
            await self._one_life(script)

    async def _one_life(self, script: list[str]) -> None:
        intake = FakeIntake("in")
        intake.settle_at_once = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow, intake)
            if await self._perform(script, intake) != "crash":
                await until(lambda: self._seen(intake))
                while intake.unsettled:
                    intake.settle()
            nursery.cancel_scope.cancel()
        self.got += ids(intake)

    async def _follow(self, intake: FakeIntake) -> None:
        async with following(self.folder, "a.jsonl*", intake=intake, checkpoint_secs=0):
            await trio.sleep_forever()

    async def _perform(self, script: list[str], intake: FakeIntake) -> str:
        while script:
            step = script.pop(0)
            if step in ("restart", "crash"):
                return step
            if step == "look":
                await trio.to_thread.run_sync(find, [str(self.path)])
                await trio.sleep(0.003)
            elif step == "rotate":
                self.rotate()
            elif step == "other":
                if intake.unsettled:
                    intake.settle()
            else:
                self.write(half=step == "half")
        return "end"

    def _seen(self, intake: FakeIntake) -> bool:
        whole = self.written[:-1] if self.half else self.written
        return set(whole) <= {*self.got, *ids(intake)}


@settings(max_examples=30, deadline=None)
@given(steps)
def test_whatever_writer_and_source_do_no_line_is_lost(tmp_path_factory: pytest.TempPathFactory, script: list[str]) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    trio.run(world.act, [*script, "write"])
    assert set(world.got) == set(world.written)
    if "crash" not in script:
        assert sorted(world.got) == sorted(world.written), "what was settled does not come twice"
