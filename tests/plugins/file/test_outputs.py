from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plugins.file.file_kit import FaultyLayer, error
from wye_plugins.file.outputs import Outputs, Rotation

NOON = 1_700_049_600.0  # 2023-11-15 12:00:00 UTC

NEVER = Rotation()


@contextmanager
def outputs(layer: FaultyLayer | None = None, rotation: Rotation = NEVER, max_open: int = 64) -> Generator[Outputs]:
    with closing(Outputs(layer or FaultyLayer(), rotation, lambda: NOON, fsync=True, max_open=max_open)) as them:
        yield them


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_would_grow_too_large_is_rotated_first(tmp_path: Path) -> None:
    path = str(tmp_path / "a.jsonl")
    with outputs(rotation=Rotation(max_bytes=10)) as them:
        for number in range(5):
            them.write(path, [b"%d" % number * 4], 0)
    assert names(tmp_path) == ["a.20231115T120000Z-1.jsonl", "a.20231115T120000Z-2.jsonl", "a.jsonl"]
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["0000\n1111\n", "2222\n3333\n", "4444\n"]


def test_a_block_larger_than_a_file_may_be_gets_one_of_its_own(tmp_path: Path) -> None:
    path = str(tmp_path / "a.jsonl")
    with outputs(rotation=Rotation(max_bytes=3)) as them:
        them.write(path, [b"first"], 0)
        them.write(path, [b"second"], 0)
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["first\n", "second\n"]


def test_a_rotated_name_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.20231115T120000Z-1.jsonl").write_text("earlier\n")
    with outputs(rotation=Rotation(max_bytes=3)) as them:
        them.write(str(tmp_path / "a.jsonl"), [b"first"], 0)
        them.write(str(tmp_path / "a.jsonl"), [b"second"], 0)
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["earlier\n", "first\n", "second\n"]


def test_age_counts_from_the_first_line(tmp_path: Path) -> None:
    path = str(tmp_path / "a.jsonl")
    with outputs(rotation=Rotation(max_secs=60)) as them:
        them.get(path, 0)
        assert not them.due(1000, None)
        them.write(path, [b"a"], 1000)
        assert not them.due(1059.9, None)
        assert them.due(1060, None)
        them.tend(1060, None)
        assert them.paths == []
        assert names(tmp_path) == ["a.20231115T120000Z-1.jsonl"]


def test_an_old_file_is_rotated_by_a_write_too(tmp_path: Path) -> None:
    path = str(tmp_path / "a.jsonl")
    with outputs(rotation=Rotation(max_secs=60)) as them:
        them.write(path, [b"a"], 0)
        them.write(path, [b"b"], 60)
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["a\n", "b\n"]


def test_at_most_so_many_are_open(tmp_path: Path) -> None:
    a, b, c = (str(tmp_path / name) for name in "abc")
    with outputs(max_open=2) as them:
        for path in (a, b, a, c, b):
            them.write(path, [b"x"], 0)
            assert len(them.paths) <= 2
        assert them.paths == [c, b]
    assert [(tmp_path / name).read_text() for name in "abc"] == ["x\nx\n", "x\nx\n", "x\n"]


def test_idle_files_are_closed(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    with outputs() as them:
        them.write(a, [b"x"], 0)
        them.write(b, [b"x"], 50)
        assert not them.due(59, 60)
        them.tend(60, 60)
        assert them.paths == [b]


def test_a_file_that_somebody_moved_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with outputs() as them:
        them.write(str(path), [b"a"], 0)
        path.rename(tmp_path / "a.jsonl.1")
        them.write(str(path), [b"b"], 0)
        path.unlink()
        them.write(str(path), [b"c"], 0)
    assert ((tmp_path / "a.jsonl.1").read_text(), path.read_text()) == ("a\n", "c\n")


def test_an_old_file_that_somebody_moved_is_not_rotated(tmp_path: Path) -> None:
    with outputs(rotation=Rotation(max_secs=60)) as them:
        them.write(str(tmp_path / "a"), [b"a"], 0)
        (tmp_path / "a").rename(tmp_path / "mine")
        them.tend(60, None)
    assert names(tmp_path) == ["mine"]


def test_a_file_that_somebody_truncated_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with outputs() as them:
        them.write(str(path), [b"a" * 100], 0)
        path.write_bytes(b"")
        them.write(str(path), [b"b"], 0)
    assert path.read_bytes() == b"b\n"


@pytest.mark.parametrize("call", ["write", "sync"])
@pytest.mark.parametrize("truncates", [True, False])
def test_what_is_tried_again_is_there_once(tmp_path: Path, call: str, truncates: bool) -> None:
    layer = FaultyLayer()
    path = tmp_path / "a.jsonl"
    with outputs(layer) as them:
        them.write(str(path), [b"first"], 0)
        layer.fail = {
            "write": [2, error(errno.EIO)] if call == "write" else [],
            "sync": [error(errno.EIO)] if call == "sync" else [],
            "truncate": [] if truncates else [error(errno.EIO)],
        }
        with pytest.raises(OSError, match="Input/output"):
            them.write(str(path), [b"2a", b"2b"], 0)
        them.write(str(path), [b"2a", b"2b"], 0)
    assert path.read_bytes() == b"first\n2a\n2b\n"
    assert names(tmp_path) == ["a.jsonl"]


def test_a_failure_is_remembered_while_the_file_cannot_be_opened(tmp_path: Path) -> None:
    layer = FaultyLayer()
    path = tmp_path / "a.jsonl"
    with outputs(layer) as them:
        layer.fail = {"sync": [error(errno.EIO)], "truncate": [error(errno.EIO)] * 2, "open": []}
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                them.write(str(path), [b"a"], 0)
        layer.fail["open"] = [error(errno.EMFILE)]
        with pytest.raises(OSError, match="Too many open"):
            them.write(str(path), [b"a"], 0)
        them.write(str(path), [b"a"], 0)
    assert path.read_bytes() == b"a\n"
