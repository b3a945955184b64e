from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from plugins.file.file_kit import append
from wye_plugins.file.bytestream import PlainBytes
from wye_plugins.file.find import Found, look
from wye_plugins.file.progress import Mark
from wye_plugins.file.reader import FileReader, ReplacedError, Sizes

SIZES = Sizes(1000, 8)


def seen(path: Path) -> Found:
    found = look(str(path))
    assert found is not None
    return found


def lines(reader: FileReader) -> list[str]:
    """All whole lines that are there, each settled safely."""
    pieces: list[str] = []
    while (chunk := reader.read()) is not None:
        reader.progress.sent(chunk)(True)
        pieces.append(chunk.body.decode())
    return "".join(pieces).split()


def test_reads_as_far_as_lines_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntwo\nthr")
    reader = FileReader(seen(path), SIZES)
    assert lines(reader) == ["one", "two"]
    append(path, "ee\nfour")
    assert lines(reader) == ["three"]
    last = reader.finish()
    assert last is not None
    assert (last.body, last.first_line, last.unended) == (b"four", 4, 4)
    reader.close()


def test_goes_on_where_an_earlier_reader_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntwo\n")
    first = FileReader(seen(path), SIZES)
    assert lines(first) == ["one", "two"]
    append(path, "three\n")
    second = FileReader(seen(path), SIZES, first.position)
    assert lines(second) == ["three"]
    assert second.resumed
    assert second.position.lines == 3
    first.close()
    second.close()


def test_another_file_with_the_same_inode_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntwo\n")
    first = FileReader(seen(path), SIZES)
    lines(first)
    first.close()
    path.write_text("other\ntwo\nthree\n")
    second = FileReader(seen(path), SIZES, first.position)
    assert lines(second) == ["other", "two", "three"]
    assert not second.resumed
    second.close()


def test_a_file_that_shrank_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("x" * 2000 + "\n" + "two\n")
    first = FileReader(seen(path), Sizes(5000, 5000))
    lines(first)
    first.close()
    path.write_text("x" * 1500 + "\n")
    second = FileReader(seen(path), Sizes(5000, 5000), first.position)
    assert lines(second) == ["x" * 1500]
    second.close()


def test_a_last_line_that_has_grown_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntw")
    first = FileReader(seen(path), SIZES)
    assert lines(first) == ["one"]
    last = first.finish()
    assert last is not None
    first.progress.sent(last)(True)
    first.close()
    unchanged = FileReader(seen(path), SIZES, first.position)
    assert (lines(unchanged), unchanged.finish()) == ([], None)
    unchanged.close()
    append(path, "o\n")
    grown = FileReader(seen(path), SIZES, first.position)
    assert lines(grown) == ["two"]
    assert grown.position.lines == 2
    grown.close()


def test_news_are_a_changed_size_or_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\n")
    reader = FileReader(seen(path), SIZES)
    assert reader.has_news(seen(path))
    lines(reader)
    assert not reader.has_news(seen(path))
    os.utime(path, ns=(0, 0))
    assert reader.has_news(seen(path))
    reader.close()


@pytest.mark.parametrize("close", [True, False])
def test_truncated_or_written_anew(tmp_path: Path, close: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntwo\n")
    reader = FileReader(seen(path), SIZES)
    lines(reader)
    if close:
        reader.close()
    assert lines(reader) == []
    append(path, "three\n")
    assert lines(reader) == ["three"]
    os.truncate(path, 4)
    with pytest.raises(ReplacedError):
        reader.read()
    path.write_text("other and longer than before\n")
    with pytest.raises(ReplacedError):
        reader.read()
    reader.restart()
    assert lines(reader) == ["other", "and", "longer", "than", "before"]
    assert reader.position.offset == 29
    reader.close()


def test_truncated_while_it_is_being_read(tmp_path: Path) -> None:
    """Between the look at the file and the reading of its next bytes."""
    path = tmp_path / "a.jsonl"
    path.write_text("one\n")
    reader = FileReader(seen(path), SIZES)
    assert lines(reader) == ["one"]

    class Hasty(PlainBytes):
        def read(self, size: int) -> bytes:
            path.write_text("two\nthree\n")
            return super().read(size)

    descriptor = os.open(path, os.O_RDONLY)
    reader._bytes = Hasty(descriptor, 4)  # pyright: ignore[reportPrivateUsage]  the moment cannot be met otherwise
    with pytest.raises(ReplacedError):
        reader.read()
    reader.restart()
    assert lines(reader) == ["two", "three"]
    reader.close()
    os.close(descriptor)


def test_settlements_from_before_a_restart_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\n")
    reader = FileReader(seen(path), SIZES)
    chunk = reader.read()
    assert chunk is not None
    settle = reader.progress.sent(chunk)
    reader.restart()
    settle(True)
    assert reader.progress.safe == Mark()
    reader.close()


def test_closed_it_opens_again_where_it_was(tmp_path: Path) -> None:
    for path in (tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"):
        pack = gzip.compress if path.suffix == ".gz" else bytes
        path.write_bytes(pack(b"one\n"))
        reader = FileReader(seen(path), SIZES)
        assert lines(reader) == ["one"]
        reader.close()
        with path.open("ab") as file:
            file.write(pack(b"two\n"))
        assert lines(reader) == ["two"]
        reader.close()


def test_another_file_at_its_path_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\n")
    reader = FileReader(seen(path), SIZES)
    path.rename(tmp_path / "b.jsonl")
    path.write_text("two\n")
    with pytest.raises(FileNotFoundError):
        reader.open()


def noisy_lines(count: int) -> list[str]:
    return [os.urandom(20).hex() for _ in range(count)]


def test_a_compressed_file_that_is_known_to_its_end_is_not_decompressed_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    text = noisy_lines(200)
    path.write_bytes(gzip.compress("\n".join(text).encode()))
    first = FileReader(seen(path), SIZES)
    assert lines(first) == text
    first.close()
    position = first.position
    assert (position.lines, position.unended, position.complete_size) == (200, 40, path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF  # would be found broken if it were looked at
    path.write_bytes(content)
    second = FileReader(seen(path), SIZES, position)
    assert lines(second) == []
    second.close()
    third = FileReader(seen(path), SIZES)
    with pytest.raises(OSError, match="broken"):
        lines(third)
    third.close()


def test_a_compressed_file_goes_on_in_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    text = noisy_lines(2000)
    path.write_bytes(gzip.compress("\n".join(text).encode()))
    first = FileReader(seen(path), SIZES)
    chunk = first.read()
    assert chunk is not None
    first.progress.sent(chunk)(True)
    unsettled = [first.progress.sent(one) for one in iter(first.read, None)]
    first.close()
    assert len(unsettled) > 3
    assert first.position.complete_size is None
    second = FileReader(seen(path), SIZES, first.position)
    assert lines(second) == text[chunk.end_line :]
    second.close()


def test_read_in_pieces_however_many_are_read_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{number:07}\n" for number in range(100_000)))
    reader = FileReader(seen(path), Sizes(1000, 65_536))
    assert [chunk.first_line for chunk in reader.read_some(3)] == [1, 8193, 16385]
    pieces = b"".join(chunk.body for chunk in reader.read_some(None))
    assert 262_144 <= len(pieces) < 400_000  # and not the whole file
    while chunks := reader.read_some(None):
        pieces += b"".join(chunk.body for chunk in chunks)
    assert pieces == path.read_bytes()[3 * 65_536 :]
    reader.close()


def test_what_was_read_before_a_file_was_replaced_is_given_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("one\ntwo\nthree\n")
    reader = FileReader(seen(path), SIZES)

    class Replaced(PlainBytes):
        def read(self, size: int) -> bytes:
            if self.raw_offset:
                path.write_text("other\n")
            return super().read(size)

    descriptor = os.open(path, os.O_RDONLY)
    reader._bytes = Replaced(descriptor, 0)  # pyright: ignore[reportPrivateUsage]  the moment cannot be met otherwise
    assert [chunk.body for chunk in reader.read_some(None)] == [b"one\ntwo\n"]
    with pytest.raises(ReplacedError):
        reader.read_some(None)
    reader.restart()
    assert [chunk.body for chunk in reader.read_some(None)] == [b"other\n"]
    os.close(descriptor)
    reader.close()
