from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.file.layer import OsLayer
from wye_plugins.file.mend import mend, whole_lines, whole_members

MEMBERS = [gzip.compress(text, mtime=0) for text in (b"one\n", b"two\nthree\n" * 1000, os.urandom(100_000) + b"\n")]


def mended(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    layer = OsLayer()
    descriptor = layer.open(str(path))
    mend(layer, descriptor, str(path), len(content))
    layer.close(descriptor)
    return path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"a\n", b"a\nb\n"])
def test_whole_lines_stay_as_they_are(tmp_path: Path, content: bytes) -> None:
    assert mended(tmp_path / "a.jsonl", content) == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_half_a_line_is_moved_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert mended(tmp_path / "a.jsonl", b'a\n{"b":') == b"a\n"
    assert (tmp_path / "a.jsonl.partial").read_bytes() == b'{"b":\n'
    assert "moved its last 5 bytes to" in caplog.text


def test_fragments_gather(tmp_path: Path) -> None:
    mended(tmp_path / "a.jsonl", b"a\nfirst")
    mended(tmp_path / "a.jsonl", b"second")
    assert (tmp_path / "a.jsonl.partial").read_bytes() == b"first\nsecond\n"
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_a_fragment_may_be_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    assert mended(tmp_path / "a.jsonl", b"a\n" + b"x" * 200_000) == b"a\n"
    assert (tmp_path / "a.jsonl.partial").read_bytes() == b"x" * 200_000 + b"\n"


@given(st.binary(max_size=200), st.integers(0, 3))
def test_the_end_of_the_last_line_is_found(tmp_path_factory: pytest.TempPathFactory, tail: bytes, steps: int) -> None:
    path = tmp_path_factory.mktemp("lines") / "a"
    content = b"y" * 10 + b"\n" + b"x" * (65_536 * steps - 100) + tail
    path.write_bytes(content)
    layer = OsLayer()
    descriptor = layer.open(str(path))
    assert whole_lines(layer, descriptor, len(content)) == content.rfind(b"\n") + 1
    layer.close(descriptor)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_a_torn_member_is_moved_away(tmp_path: Path, count: int, keep: float) -> None:
    good = b"".join(MEMBERS[: count - 1])
    torn = MEMBERS[count - 1][: int(len(MEMBERS[count - 1]) * keep)]
    path = tmp_path / "a.jsonl.gz"
    assert mended(path, good + torn) == good
    assert gzip.decompress(path.read_bytes()) == gzip.decompress(good)
    assert (not torn and not Path(f"{path}.partial").exists()) or Path(f"{path}.partial").read_bytes() == torn


def test_whole_members_stay(tmp_path: Path) -> None:
    content = b"".join(MEMBERS)
    assert mended(tmp_path / "a.gz", content) == content


def test_zeros_left_by_a_power_cut_are_moved_away(tmp_path: Path) -> None:
    assert mended(tmp_path / "a.gz", MEMBERS[0] + bytes(5000)) == MEMBERS[0]
    assert mended(tmp_path / "a.jsonl", b"a\n" + bytes(5000)) == b"a\n"


def test_what_is_no_gzip_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    with pytest.raises(OSError, match="not a gzip file"):
        mended(path, b"plain\n")
    assert path.read_bytes() == b"plain\n"


@given(st.integers(0, sum(map(len, MEMBERS[:2]))))
def test_wherever_it_is_torn_only_whole_members_remain(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("members") / "a.gz"
    path.write_bytes((MEMBERS[0] + MEMBERS[1])[:cut])
    layer = OsLayer()
    descriptor = layer.open(str(path))
    first, both = len(MEMBERS[0]), len(MEMBERS[0] + MEMBERS[1])
    assert whole_members(layer, descriptor, cut) == (both if cut == both else first if cut >= first else 0)
    layer.close(descriptor)
