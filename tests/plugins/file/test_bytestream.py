from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.file.bytestream import MissingZstandardError, compressed, open_bytes

Compress = Callable[[bytes], bytes]
PACKERS: dict[str, Compress] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": zstandard.ZstdCompressor().compress,
    ".jsonl": lambda data: data,
}


def read_all(path: Path, offset: int = 0, size: int = 1000) -> tuple[bytes, bool]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        stream = open_bytes(str(path), descriptor, offset)
        pieces: list[bytes] = []
        while piece := stream.read(size):
            pieces.append(piece)
        assert stream.raw_offset == path.stat().st_size
        return b"".join(pieces), stream.torn
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("suffix", PACKERS)
@given(
    parts=st.lists(st.binary(max_size=5000), min_size=1, max_size=4), size=st.integers(1, 9000), offset=st.integers(0, 20_000)
)
def test_members_follow_one_another_from_any_offset_on(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, parts: list[bytes], size: int, offset: int
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    path.write_bytes(b"".join(PACKERS[suffix](part) for part in parts))
    whole = b"".join(parts)
    if suffix == ".jsonl":
        offset = min(offset, len(whole))
    assert read_all(path, offset, size) == (whole[offset:], False)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_half_a_member_is_torn_and_gives_what_it_has(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    text = os.urandom(300_000)
    whole = PACKERS[suffix](text)
    path.write_bytes(whole[: len(whole) // 2])
    data, torn = read_all(path)
    assert torn
    assert text.startswith(data)
    assert len(data) > 100_000


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_member_may_be_completed_later(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    text = os.urandom(300_000)
    whole = PACKERS[suffix](text)
    path.write_bytes(whole[:5000])
    descriptor = os.open(path, os.O_RDONLY)
    stream = open_bytes(str(path), descriptor, 0)
    got = b""
    while piece := stream.read(1000):
        got += piece
    assert stream.torn
    path.write_bytes(whole)
    while piece := stream.read(1000):
        got += piece
    assert (got == text, stream.torn) == (True, False)
    os.close(descriptor)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_broken_compression_is_an_error_of_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"this was never compressed")
    with pytest.raises(OSError, match="its compressed data is broken"):
        read_all(path)


def test_padding_between_members_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a\n") + bytes(10_000) + gzip.compress(b"b\n"))
    assert read_all(tmp_path / "a.gz") == (b"a\nb\n", False)


def test_a_bomb_is_taken_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(64_000_000)))
    descriptor = os.open(path, os.O_RDONLY)
    stream = open_bytes(str(path), descriptor, 0)
    sizes: list[int] = []
    while piece := stream.read(1000):
        sizes.append(len(piece))
    os.close(descriptor)
    assert sum(sizes) == 64_000_000
    assert max(sizes) < 8_000_000


def test_without_the_library_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingZstandardError, match=r"install wye\[zstd\]"):
        open_bytes("a.zst", 0, 0)


def test_the_suffix_says_it() -> None:
    assert [name for name in ("a.gz", "a.zst", "a.jsonl", "gz") if compressed(name)] == ["a.gz", "a.zst"]
