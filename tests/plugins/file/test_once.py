from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
import trio
import zstandard

from plugins.file.file_kit import append, checkpoint_of, ids, read_all, source_of
from wye.message import Decoded
from wye.plugin import IncompleteError
from wye.testing import FakeIntake


async def test_every_file_in_order_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text("3\n4\n")
    (tmp_path / "a.jsonl").write_text("1\n2")
    (tmp_path / "c.jsonl").write_text("")
    (tmp_path / "d.jsonl").write_text("5\n")
    intake = await read_all(tmp_path)
    assert ids(intake) == ["1", "2", "3", "4", "5"]
    assert not checkpoint_of(tmp_path).exists()


async def test_one_batch_a_chunk(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(f"{number:03}\n" for number in range(100)))
    intake = await read_all(tmp_path, chunk_bytes=40)
    assert [len(batch.events) for batch in intake.batches] == [10] * 10


async def test_compressed_files_are_read_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"1\n2\n") + gzip.compress(b"!3\n4"))
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.compress(b"5\n6\n"))
    intake = await read_all(tmp_path, "*.jsonl*")
    assert ids(intake) == ["1", "2", "4", "5", "6"]
    assert intake.places == [f"{tmp_path}/a.jsonl.gz line 3"]


async def test_a_line_that_is_too_long_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n" + "x" * 5000 + "\n2\n")
    intake = await read_all(tmp_path, max_line_bytes=100, chunk_bytes=64)
    assert ids(intake) == ["1", "2"]
    assert [failure.reason for failure in intake.failures] == [
        "line longer than 100 bytes: it has 5000, of which the first are kept"
    ]
    assert intake.places == [f"{tmp_path}/a.jsonl line 2"]


async def test_a_file_that_is_broken_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"no gzip")
    (tmp_path / "b.jsonl.gz").write_bytes(
        gzip.compress(b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(999)))[:-9]
    )
    (tmp_path / "c.jsonl").write_text("last\n")
    intake = FakeIntake("in")
    with pytest.raises(IncompleteError, match=f"to the end: {tmp_path}/a.jsonl.gz, {tmp_path}/b.jsonl.gz$"):
        await source_of(tmp_path, "*.jsonl*").run(intake, task_status=trio.TASK_STATUS_IGNORED)
    assert ids(intake)[-1] == "last"
    assert len(ids(intake)) > 900
    assert "a.jsonl.gz: its compressed data is broken" in caplog.text
    assert "b.jsonl.gz ends in the middle of its compressed data" in caplog.text
    assert checkpoint_of(tmp_path).exists(), "not everything was read"


async def test_a_run_that_read_everything_begins_again(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    assert ids(await read_all(tmp_path)) == ["1", "2"]
    assert ids(await read_all(tmp_path)) == ["1", "2"]


async def interrupted(folder: Path, batches: int, **options: int) -> FakeIntake:
    """A run that is stopped when so many batches were emitted, all of them settled."""

    class Stopping(FakeIntake):
        async def emit(self, *args: object, **keywords: object) -> None:
            await super().emit(*args, **keywords)  # type: ignore[arg-type]  handed through
            if len(self.batches) == batches:
                self.stop()

    intake = Stopping("in")
    await source_of(folder, "*.jsonl*", **options).run(intake, task_status=trio.TASK_STATUS_IGNORED)
    return intake


async def test_an_interrupted_run_is_continued(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    (tmp_path / "b.jsonl").write_text("3\n4\n!5\n")
    assert ids(await interrupted(tmp_path, 3, chunk_bytes=2)) == ["1", "2", "3"]
    assert checkpoint_of(tmp_path).exists()
    rest = await read_all(tmp_path)
    assert ids(rest) == ["4"]
    assert rest.places == [f"{tmp_path}/b.jsonl line 3"]
    assert not checkpoint_of(tmp_path).exists()


async def test_a_last_line_without_newline_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2")
    (tmp_path / "b.jsonl").write_text("3\n4\n")
    assert ids(await interrupted(tmp_path, 3, chunk_bytes=2)) == ["1", "2", "3"]
    assert ids(await read_all(tmp_path)) == ["4"]


async def test_files_that_come_in_between_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text("1\n2\n")
    await interrupted(tmp_path, 1, chunk_bytes=2)
    (tmp_path / "a.jsonl").write_text("new\n")
    append(tmp_path / "b.jsonl", "3\n")
    assert ids(await read_all(tmp_path)) == ["new", "2", "3"]


async def test_without_a_checkpoint_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    await interrupted(tmp_path, 1, chunk_bytes=2, checkpoint=False)
    assert not (tmp_path / "state").exists()
    assert ids(await read_all(tmp_path)) == ["1", "2"]


@pytest.mark.parametrize("taken", [1, 2, 3])
async def test_a_compressed_file_is_not_complete_while_some_of_it_was_only_read(tmp_path: Path, taken: int) -> None:
    """It is read ahead of what is sent, and a stop may come between the two."""

    class Stops(FakeIntake):
        async def emit(self, decoded: Decoded, /, **keywords: Any) -> None:
            await super().emit(decoded, **keywords)
            if len(self.batches) == taken:
                self.stop()

    words = [f"{number:06}" for number in range(3000)]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(words).encode()))
    first = Stops("in")
    await source_of(tmp_path, "*.gz", chunk_bytes=4096).run(first, task_status=trio.TASK_STATUS_IGNORED)
    assert len(first.batches) == taken
    second = await read_all(tmp_path, "*.gz", chunk_bytes=4096)
    assert ids(first) + ids(second) == words
