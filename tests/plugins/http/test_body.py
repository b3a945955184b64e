from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.http.body import Body, Budget, Inflater, RefusedError


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def inflated(coding: str, data: bytes, step: int, most: int = 1_000_000) -> tuple[bytes, bool]:
    inflater = Inflater(coding)
    found = b"".join(inflater.feed(data[start : start + step], most) for start in range(0, len(data), step))
    return found, inflater.complete


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_gzip_of_any_number_of_members_in_any_pieces(members: list[bytes], step: int) -> None:
    data = b"".join(gzip.compress(member) for member in members)
    assert inflated("gzip", data + b"\0\0", step) == (b"".join(members), True)
    assert inflated("gzip", data[:-1], step)[1] is False


@given(st.binary(max_size=300), st.integers(1, 50))
def test_deflate_with_and_without_its_wrapping(body: bytes, step: int) -> None:
    assert inflated("deflate", zlib.compress(body), step) == (body, True)
    assert inflated("deflate", raw_deflate(body), step) == (body, True)


def test_no_more_is_inflated_than_was_asked_for() -> None:
    assert len(Inflater("gzip").feed(gzip.compress(bytes(10_000_000)), 1000)) == 1000


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_fills_up_after_the_end_is_not_kept(coding: str) -> None:
    inflater = Inflater(coding)
    data = gzip.compress(b"a") if coding == "gzip" else zlib.compress(b"a")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        found = inflater.feed(data, 10) + b"".join(inflater.feed(bytes(65_536), 10) for _ in range(16))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found, inflater.complete) == (b"a", True)
    assert after - before < 2 * 65_536


@pytest.mark.parametrize("data", [b"plain text", zlib.compress(b"a") + b"more", b"\x78\x00"])
def test_other_data_is_an_error(data: bytes) -> None:
    with pytest.raises(zlib.error):
        inflated("deflate", data, 100)


def new_body(budget: Budget, limit: int = 100) -> Body:
    return Body(limit, budget, None, 1000)


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_a_body_is_its_pieces_and_is_counted_until_it_is_released(pieces: list[bytes]) -> None:
    budget = Budget(1000)
    body = new_body(budget, limit=1000)
    for piece in pieces:
        body.add(piece)
    assert body.finish() == b"".join(pieces)
    assert budget.used == len(b"".join(pieces))
    body.release()
    body.release()
    assert budget.used == 0


def test_what_is_announced_is_held_against_both_bounds() -> None:
    budget = Budget(50)
    with pytest.raises(RefusedError) as caught:
        new_body(budget).expect(101, kept=True)
    assert caught.value.status == 413
    with pytest.raises(RefusedError) as caught:
        new_body(budget).expect(51, kept=True)
    assert caught.value.status == 503
    new_body(budget).expect(51, kept=False)
