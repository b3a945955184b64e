from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wye_plugins.file.layer import OsLayer

layer = OsLayer()


def test_a_rename_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        layer.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_text() == "b"
    layer.rename(str(tmp_path / "a"), str(tmp_path / "c"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]
    assert (tmp_path / "c").read_text() == "a"


def test_a_rename_that_fails_leaves_no_name_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        layer.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_locked_against_others(tmp_path: Path) -> None:
    first, second = layer.open(str(tmp_path / "a")), layer.open(str(tmp_path / "a"))
    layer.lock(first)
    with pytest.raises(OSError, match="being written by another") as raised:
        layer.lock(second)
    assert raised.value.errno == errno.EBUSY
    layer.close(first)
    layer.lock(second)
    layer.close(second)


def test_a_fifo_in_its_place_is_found_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(OSError, match="not a regular file"):
        layer.open(str(tmp_path / "a"))


def test_directories_are_made_with_their_parents(tmp_path: Path) -> None:
    layer.make_directory(str(tmp_path / "a/b/c"))
    layer.make_directory(str(tmp_path / "a/b/c"))
    assert (tmp_path / "a/b/c").is_dir()
    with pytest.raises(FileNotFoundError):
        layer.sync_directory(str(tmp_path / "x"))


def test_identity_is_that_of_the_file_not_of_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    descriptor = layer.open(str(path))
    assert layer.identity(str(path)) == layer.identity(descriptor)
    path.rename(tmp_path / "b")
    assert layer.identity(str(path)) is None
    assert layer.identity(str(tmp_path / "b")) == layer.identity(descriptor)
    layer.close(descriptor)
