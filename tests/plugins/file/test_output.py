from __future__ import annotations

import errno
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.file.file_kit import FaultyLayer, error
from wye_plugins.file.layer import OsLayer
from wye_plugins.file.output import OutputFile, Remains


def opened(path: Path, layer: OsLayer | None = None, *, fsync: bool = True, remains: Remains | None = None) -> OutputFile:
    return OutputFile(layer or OsLayer(), str(path), fsync=fsync, remains=remains)


def test_documents_become_lines(tmp_path: Path) -> None:
    file = opened(tmp_path / "new" / "a.jsonl")
    file.append(file.block([b"a", b"b"]))
    file.append(file.block([b"c"]))
    file.close()
    assert (tmp_path / "new" / "a.jsonl").read_bytes() == b"a\nb\nc\n"


def test_each_block_is_a_gzip_member(tmp_path: Path) -> None:
    file = opened(tmp_path / "a.jsonl.gz")
    first = file.block([b"a", b"b"])
    file.append(first)
    file.append(file.block([b"c"]))
    file.close()
    content = (tmp_path / "a.jsonl.gz").read_bytes()
    assert gzip.decompress(content) == b"a\nb\nc\n"
    assert gzip.decompress(content[: len(first)]) == b"a\nb\n"


def test_synced_before_append_returns_and_the_directory_for_a_new_file(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer)
    assert layer.calls == ["open", "sync_directory"]
    file.append(b"a\n")
    assert layer.calls[2:] == ["write", "sync"]
    file.close()


def test_without_fsync_nothing_is_synced(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer, fsync=False)
    file.append(b"a\n")
    file.close()
    assert layer.calls == ["open", "write"]


@given(st.lists(st.integers(1, 9), max_size=20))
def test_however_little_is_written_at_a_time_all_is_written(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    path = tmp_path_factory.mktemp("short") / "a"
    layer = FaultyLayer()
    layer.fail["write"] = list(sizes)
    file = opened(path, layer)
    file.append(b"0123456789" * 10 + b"\n")
    file.close()
    assert path.read_bytes() == b"0123456789" * 10 + b"\n"


def test_a_write_that_fails_halfway_is_taken_back(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer)
    file.append(b"kept\n")
    layer.fail["write"] = [7, error(errno.ENOSPC)]
    with pytest.raises(OSError, match="No space left"):
        file.append(b"line 1\nline 2\n")
    file.abandon()
    assert (tmp_path / "a").read_bytes() == b"kept\n"


def test_what_could_not_be_taken_back_is_at_the_next_opening(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer)
    file.append(b"kept\n")
    layer.fail = {"write": [7, error(errno.EIO)], "truncate": [error(errno.EIO)]}
    with pytest.raises(OSError, match="Input/output"):
        file.append(b"line 1\nline 2\n")
    remains = file.abandon()
    assert (tmp_path / "a").read_bytes() == b"kept\nline 1\n"
    file = opened(tmp_path / "a", layer, remains=remains)
    file.append(b"line 1\nline 2\n")
    file.close()
    assert (tmp_path / "a").read_bytes() == b"kept\nline 1\nline 2\n"


def test_what_a_failed_sync_leaves_is_not_trusted(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer)
    layer.fail = {"sync": [error(errno.EIO)], "truncate": [error(errno.EIO)]}
    with pytest.raises(OSError, match="Input/output"):
        file.append(b"line 1\n")
    remains = file.abandon()
    assert remains == Remains(layer.identity(str(tmp_path / "a")), 0, whole=False)
    layer.calls.clear()
    file = opened(tmp_path / "a", layer, remains=remains)
    file.append(b"line 1\n")
    file.close()
    assert [call for call in layer.calls if call != "sync_directory"] == ["open", "truncate", "write", "sync"]
    assert (tmp_path / "a").read_bytes() == b"line 1\n"


def test_remains_of_another_file_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"somebody else's\n")
    opened(tmp_path / "a", remains=Remains((0, 0), 3, whole=False)).close()
    assert (tmp_path / "a").read_bytes() == b"somebody else's\n"


def test_a_torn_line_is_mended_at_opening(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\nhal")
    file = opened(tmp_path / "a")
    file.append(b"b\n")
    file.close()
    assert (tmp_path / "a").read_bytes() == b"a\nb\n"
    assert (tmp_path / "a.partial").read_bytes() == b"hal\n"


def test_what_was_closed_in_order_is_not_searched_again(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    file = opened(path)
    file.append(file.block([b"a"]))
    remains = file.close()
    path.write_bytes(b"z" * remains.end)  # would be refused if it were looked at
    opened(path, remains=remains).close()


def test_what_others_added_since_is_looked_at(tmp_path: Path) -> None:
    file = opened(tmp_path / "a")
    file.append(b"a\n")
    remains = file.close()
    with (tmp_path / "a").open("ab") as other:
        other.write(b"b\nhal")
    opened(tmp_path / "a", remains=remains).close()
    assert (tmp_path / "a").read_bytes() == b"a\nb\n"


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("a.jsonl", "a.T-1.jsonl", "a.T-2.jsonl"),
        ("a.b.jsonl.gz", "a.b.T-1.jsonl.gz", "a.b.T-2.jsonl.gz"),
        ("plain", "plain.T-1", "plain.T-2"),
    ],
)
def test_a_rotated_file_gets_a_name_that_nothing_has(tmp_path: Path, name: str, first: str, second: str) -> None:
    for expected in (first, second):
        file = opened(tmp_path / name)
        assert file.rotate("T") == str(tmp_path / expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first, second])


def test_a_rotation_that_fails_leaves_the_file_open(tmp_path: Path) -> None:
    layer = FaultyLayer()
    file = opened(tmp_path / "a", layer)
    layer.fail["rename"] = [error(errno.EACCES)]
    with pytest.raises(PermissionError):
        file.rotate("T")
    file.append(b"a\n")
    file.close()
    assert (tmp_path / "a").read_bytes() == b"a\n"


def test_no_descriptor_is_leaked_when_opening_fails(tmp_path: Path) -> None:
    held = opened(tmp_path / "a")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="another sink or process"):
        opened(tmp_path / "a")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    held.close()


def test_moved_away(tmp_path: Path) -> None:
    file = opened(tmp_path / "a")
    assert not file.moved
    (tmp_path / "a").rename(tmp_path / "b")
    assert file.moved
    (tmp_path / "a").write_bytes(b"")
    assert file.moved
    file.close()
