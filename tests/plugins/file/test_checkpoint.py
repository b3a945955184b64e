from __future__ import annotations

from pathlib import Path

import pytest

from wye_plugins.file.checkpoint import Checkpoint, Position
from wye_plugins.file.find import Found


def position(path: str = "a", inode: int = 1, **fields: int) -> Position:
    return Position(path=path, inode=inode, head_bytes=0, head="", **{"device": 7, "offset": 10, "lines": 2, **fields})


def loaded(folder: Path) -> Checkpoint:
    checkpoint = Checkpoint(str(folder), "in")
    checkpoint.load()
    return checkpoint


def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    positions = [position(inode=1, unended=3), position("b", inode=2, complete_size=55)]
    loaded(tmp_path).save(positions)
    assert list(loaded(tmp_path).left.values()) == positions
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["in.json"]


def test_what_no_file_has_claimed_yet_is_kept(tmp_path: Path) -> None:
    loaded(tmp_path).save([position(inode=1), position("b", inode=2)])
    again = loaded(tmp_path)
    again.claim(position(inode=1))
    again.save([position(inode=1, offset=99)])
    assert {one.inode: one.offset for one in loaded(tmp_path).left.values()} == {1: 99, 2: 10}


def test_a_first_run_has_none(tmp_path: Path) -> None:
    assert loaded(tmp_path).left == {}
    loaded(tmp_path).remove()


def test_removed(tmp_path: Path) -> None:
    checkpoint = loaded(tmp_path)
    checkpoint.save([position()])
    checkpoint.remove()
    assert loaded(tmp_path).left == {}


@pytest.mark.parametrize("text", [b"", b"{", b'{"version":1,"files":[{}]}', b'{"version":2,"files":[]}', b"\xff\xfe"])
def test_one_that_cannot_be_understood_is_set_aside(tmp_path: Path, text: bytes, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = Checkpoint(str(tmp_path), "in")
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(text)
    checkpoint.load()
    assert checkpoint.left == {}
    assert not checkpoint.path.exists()
    assert checkpoint.path.with_suffix(".bad").read_bytes() == text
    assert "cannot be understood" in caplog.text


def test_a_file_is_known_by_what_it_is_or_by_path_and_inode(tmp_path: Path) -> None:
    checkpoint = Checkpoint(str(tmp_path), "in")
    one = position("a", inode=1)
    checkpoint.left = {one.key: one}
    assert checkpoint.candidate(Found("renamed", (7, 1), 0, 0)) is one
    assert checkpoint.candidate(Found("a", (8, 1), 0, 0)) is one
    assert checkpoint.candidate(Found("renamed", (8, 1), 0, 0)) is None
    assert checkpoint.candidate(Found("a", (7, 2), 0, 0)) is None


def test_what_does_not_change_is_not_written_again(tmp_path: Path) -> None:
    checkpoint = loaded(tmp_path)
    checkpoint.save([position()])
    before = checkpoint.path.stat().st_ino
    checkpoint.save([position()])
    assert checkpoint.path.stat().st_ino == before
    checkpoint.save([position(offset=11)])
    assert checkpoint.path.stat().st_ino != before


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    checkpoint = loaded(tmp_path)
    checkpoint.save([position()])
    checkpoint.path.with_suffix(".new").mkdir()
    with pytest.raises(IsADirectoryError):
        checkpoint.save([position(offset=11)])
    assert [one.offset for one in loaded(tmp_path).left.values()] == [10]


def test_no_source_can_write_elsewhere(tmp_path: Path) -> None:
    assert Checkpoint(str(tmp_path), "../x y").path == tmp_path / "checkpoints" / "%2e%2e%2fx%20y.json"
