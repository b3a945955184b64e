from __future__ import annotations

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from wye.lines import SHOWN_BYTES, LineChunk, LineCutter
from wye.message import Decoded, Failure, Payload
from wye.testing import make_event

lines_of_text = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=30)


def cut(data: bytes, sizes: list[int], max_line_bytes: int = 1000) -> list[LineChunk]:
    """All chunks of ``data`` when it is read in pieces of ``sizes``, over and over."""
    cutter = LineCutter(max_line_bytes)
    chunks: list[LineChunk | None] = []
    place = turn = 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        assert cutter.position == place
        chunks.append(cutter.feed(data[place : place + size]))
        place += size
        turn += 1
    chunks.append(cutter.finish())
    return [chunk for chunk in chunks if chunk is not None]


def numbered(chunks: list[LineChunk]) -> dict[int, bytes]:
    """Each line by its number, as a decoder's failure indices would give it."""
    found: dict[int, bytes] = {}
    for chunk in chunks:
        for index, line in enumerate(chunk.body.split(b"\n")):
            if line:
                assert chunk.line(index) not in found
                found[chunk.line(index)] = line
    return found


class WordDecoder:
    """Each line is an event's id; ``!…`` is a failure, ``#…`` makes it raise."""

    def decode(self, payload: Payload, /) -> Decoded:
        if b"#" in payload.body:
            raise RecursionError("too clever")
        lines = [(index, line) for index, line in enumerate(payload.body.split(b"\n")) if line]
        events = [make_event(line.decode(), time_ms=payload.received_ms) for _, line in lines if line[:1] != b"!"]
        return Decoded(events, [Failure("bad", line, index) for index, line in lines if line[:1] == b"!"], len(payload.body))


@given(lines_of_text, st.lists(st.integers(1, 50), min_size=1), st.booleans())
def test_however_it_is_read_the_lines_and_their_numbers_are_the_same(lines: list[bytes], sizes: list[int], ended: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    chunks = cut(data, sizes)
    assert numbered(chunks) == {number: line for number, line in enumerate(lines, 1) if line}
    assert b"".join(chunk.body for chunk in chunks) == data


@given(lines_of_text, st.lists(st.integers(1, 50), min_size=1))
def test_chunks_lie_side_by_side(lines: list[bytes], sizes: list[int]) -> None:
    data = b"\n".join(lines)
    place = count = 0
    for chunk in cut(data, sizes):
        assert chunk.start == place
        assert chunk.first_line == count + 1
        place, count = chunk.end, chunk.end_line
        assert chunk.unended == (0 if data[:place].endswith(b"\n") else len(data[:place].split(b"\n")[-1]))
    assert place == len(data)


@given(lines_of_text, st.lists(st.integers(1, 50), min_size=1), st.integers(1, 20), st.booleans())
def test_a_line_that_is_too_long_costs_only_itself(lines: list[bytes], sizes: list[int], limit: int, ended: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    chunks = cut(data, sizes, limit)
    assert numbered(chunks) == {number: line for number, line in enumerate(lines, 1) if 0 < len(line) <= limit}
    failures = {chunk.line(failure.index): failure for chunk in chunks for failure in chunk.overlong}
    assert {number: failure.original for number, failure in failures.items()} == {
        number: line for number, line in enumerate(lines, 1) if len(line) > limit
    }
    assert all(f"longer than {limit} bytes: it has {len(failure.original)}," in failure.reason for failure in failures.values())
    assert sum(chunk.end - chunk.start for chunk in chunks) == len(data)


def test_of_a_huge_line_only_the_first_bytes_are_held() -> None:
    cutter = LineCutter(5000)
    for _ in range(100):
        assert cutter.feed(b"x" * 4096) is None
    assert cutter.position == 409_600
    chunk = cutter.feed(b"x\nnext\n")
    assert chunk is not None
    assert chunk.body == b"\nnext\n"
    assert [len(failure.original) for failure in chunk.overlong] == [SHOWN_BYTES]
    assert "it has 409601" in chunk.overlong[0].reason
    assert (chunk.start, chunk.end, chunk.end_line) == (0, 409_607, 2)


def test_a_cutter_that_resumes_counts_on() -> None:
    cutter = LineCutter(100, offset=50, lines=7)
    chunk = cutter.feed(b"a\nb")
    assert chunk is not None
    assert (chunk.first_line, chunk.start, chunk.end, cutter.position) == (8, 50, 52, 53)


def test_failures_are_the_decoders_and_those_of_overlong_lines() -> None:
    chunk = LineCutter(6).feed(b"a\n!b\nlong line\nc\n")
    assert chunk is not None
    decoded = chunk.decode(WordDecoder(), 5)
    assert [(event.id, event.time_ms) for event in decoded.events] == [("a", 5), ("c", 5)]
    assert [(chunk.line(failure.index), failure.original) for failure in decoded.failures] == [(2, b"!b"), (3, b"long line")]


def test_a_decoder_that_raises_costs_the_lines_it_raises_for() -> None:
    chunk = LineCutter(100).feed(b"a\n\n#oh\n!b\nc\n")
    assert chunk is not None
    decoded = chunk.decode(WordDecoder(), 0)
    assert [event.id for event in decoded.events] == ["a", "c"]
    assert [(failure.index, failure.original) for failure in decoded.failures] == [(2, b"#oh"), (3, b"!b")]
    assert re.fullmatch(r"decoder raised RecursionError: too clever \(router/test_lines\.py:\d+\)", decoded.failures[0].reason)


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    chunk = LineCutter(100).feed(b"\xef\xbb\xbf{}\n")
    assert chunk is not None
    assert chunk.body.endswith(b"{}\n")

    class Dicts:
        def decode(self, payload: Payload, /) -> Decoded:
            return Decoded([make_event(str(one)) for one in msgspec.json.Decoder(dict[str, int]).decode_lines(payload.body)])

    assert [event.id for event in chunk.decode(Dicts(), 0).events] == ["{}"]
