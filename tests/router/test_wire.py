from __future__ import annotations

import json
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from wye.message import Payload
from wye.records import split_records
from wye.wire import MAX_DEPTH, Wire, WireDecoder, in_ascii, parse, sift, write


class Seller(Wire, frozen=True):
    id: str
    rating: Decimal | UnsetType = UNSET


class Line(Wire, frozen=True):
    sku: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    seller: Seller | UnsetType = UNSET


class Order(Wire, frozen=True):
    name: str | UnsetType = UNSET
    total: Decimal | UnsetType = UNSET
    lines: list[Line] | UnsetType = UNSET
    seller: Seller | UnsetType | None = UNSET
    bag: dict[str, Any] | UnsetType = UNSET


DECODER = WireDecoder(Order)


def read(body: bytes) -> tuple[list[Order], list[tuple[int, str, bytes]]]:
    records, failures = DECODER.read(Payload(body))
    return records, [(failure.index, failure.reason, failure.original) for failure in failures]


def exact(text: bytes) -> Any:
    """What a document says, its numbers exact and its duplicate keys kept apart from nothing: the last one counts."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


Numbers = st.one_of(
    st.integers(),
    st.integers(-(10**300), 10**300),
    st.decimals(allow_nan=False, allow_infinity=False).map(
        lambda value: value if abs(value.adjusted()) < 10**6 else Decimal(0)
    ),
)
Scalars = st.one_of(st.none(), st.booleans(), Numbers, st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
Names = st.one_of(
    st.sampled_from(["name", "total", "lines", "seller", "bag", "sku", "count", "id", "rating", "wye:rest", "rest", ""]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
Documents = st.recursive(
    Scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(Names, inner, max_size=5)),
    max_leaves=25,
)
Objects = st.dictionaries(Names, Documents, max_size=6)


def spelled(value: Any, escape: bool) -> str:
    """JSON of a document with exact numbers, with plain or escaped letters."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{spelled(n, escape)}:{spelled(v, escape)}" for n, v in value.items()) + "}"  # type: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return "[" + ",".join(spelled(member, escape) for member in value) + "]"  # type: ignore[reportUnknownVariableType]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str) and escape:
        return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else c for c in value) + '"'
    return json.dumps(value)


@settings(max_examples=150)
@given(document=Objects, escape=st.booleans())
def test_what_is_read_and_written_says_the_same(document: dict[str, Any], escape: bool) -> None:
    text = spelled(document, escape).encode()
    [record], failures = read(text)
    assert not failures
    assert exact(write(record, {})) == exact(text)


@settings(max_examples=60)
@given(st.lists(Objects, min_size=2, max_size=4), st.sampled_from(["", " ", "\n", "\r\n\t"]))
def test_documents_one_after_the_other_and_in_an_array_are_records(documents: list[dict[str, Any]], between: str) -> None:
    texts = [spelled(document, False) for document in documents]
    for body in (between + between.join(texts) + between, between + "[" + ",".join(texts) + "]" + between):
        records, failures = read(body.encode())
        assert not failures
        assert [exact(write(record, {})) for record in records] == [exact(text.encode()) for text in texts]


@given(st.binary(max_size=60), st.sampled_from(["lines", "message"]))
def test_whatever_the_bytes_are_nothing_is_raised(body: bytes, framing: Any) -> None:
    records, failures = DECODER.read(Payload(body, framing))
    assert records or failures or not body.strip() or body.strip().startswith(b"[")


# ── hostile names ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        '{"wye:rest":{"name":"x"}}',
        '{"wye\\u003arest":{"name":"x"}}',
        '{"wye\\u003Arest":{"name":"x"},"name":"y"}',
        '{"\\u0077ye:rest":5,"name":"y"}',
        '{"lines":[{"w\\u0079e:rest":{"count":1},"count":2}]}',
        '{"bag":{"wye:rest":{"x":1}}}',
        '{"bag":{"wye:rest":5,"x":{"wye:rest":[]}}}',
        '{"more":{"wye:rest":{"x":1}}}',
        '{"seller":{"id":"s","wye:rest":null},"bag":{}}',
    ],
)
def test_a_key_that_means_something_to_us_is_a_key_like_any_other(text: str) -> None:
    [record], failures = read(text.encode())
    assert not failures
    assert exact(write(record, {})) == exact(text.encode())


def test_a_document_cannot_lay_anything_over_its_own_fields() -> None:
    [record], _ = read(b'{"wye\\u003arest":{"total":1},"total":100}')
    assert record.total == 100
    assert exact(write(record, {}))["total"] == 100


def test_the_last_of_two_equal_keys_counts() -> None:
    [record], _ = read(b'{"name":"a","name":"b","x":1,"x":2}')
    assert exact(write(record, {})) == {"name": "b", "x": 2}


# ── what does not fit ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_has_no_place_or_another_type_is_kept_at_its_own_level() -> None:
    text = b'{"name":5,"lines":[{"sku":"a","colour":"red"},{"sku":"b","count":"two"}],"seller":{"rating":1}}'
    [record], _ = read(text)
    assert (record.name, record.seller) == (UNSET, UNSET)
    assert record.rest == {"name": 5, "seller": {"rating": 1}}
    assert record.lines is not UNSET
    assert [line.rest for line in record.lines] == [{"colour": "red"}, {"count": "two"}]
    assert exact(write(record, {})) == exact(text)


def test_one_bad_member_costs_only_itself() -> None:
    records, failures = read(b'[{"name":"a"},5,[],{"name":"b"},null,"x"]')
    assert [record.name for record in records] == ["a", "b"]
    assert [(index, original) for index, _, original in failures] == [(1, b"5"), (2, b"[]"), (4, b"null"), (5, b'"x"')]
    assert failures[0][1] == "Expected `object`, got `int`"


def test_a_bad_line_costs_only_itself() -> None:
    records, failures = DECODER.read(Payload(b'{"name":"a"}\n{"na\n\n{"name":"b"}\r\n\xff\n', "lines"))
    assert [record.name for record in records] == ["a", "b"]
    assert [(failure.index, failure.original) for failure in failures] == [(1, b'{"na'), (4, b"\xff")]


def test_several_documents_on_a_line_are_records_of_that_line() -> None:
    records, failures = DECODER.read(Payload(b'{"name":"a"} {"name":"b"}5\n[{"name":"c"}]', "lines"))
    assert [record.name for record in records] == ["a", "b", "c"]
    assert [(failure.index, failure.original) for failure in failures] == [(0, b"5")]


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"nul", b'{"a":1}}', b"\xff\xfe", b'{"name":"\xff"}', b"[", b"[{},"])
def test_what_is_no_json_is_one_failure_with_its_bytes(body: bytes) -> None:
    records, [(_, reason, original)] = read(body)
    assert records == []
    assert reason
    assert original == body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"x":1e99999999999999999999}', "JSON has a number whose exponent is out of range"),
        (b'{"x":' + b"9" * 5000 + b"}", "Integer value out of range - at `$[...]`"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON is nested too deeply"),
        (b'{"x":' + b'{"x":' * 500 + b"1" + b"}" * 501, "JSON is nested too deeply"),
        (b"[" * 100_000, "JSON is nested too deeply"),
    ],
)
def test_hostile_numbers_and_nesting_are_refused_in_words(body: bytes, reason: str) -> None:
    records, failures = read(body)
    assert (records, [said for _, said, _ in failures]) == ([], [reason])


def test_what_is_nested_as_deep_as_allowed_comes_back() -> None:
    text = b'{"x":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    [record], _ = read(text)
    assert write(record, {}) == text


def test_numbers_keep_every_digit() -> None:
    text = b'{"total":0.12345678901234567890,"x":1E+5,"y":-0.0,"z":123456789012345678901234567890,"w":1e-400000}'
    [record], _ = read(text)
    assert write(record, {}) == text.replace(b"1e-4", b"1E-4")


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

MEGABYTE = 1_000_000
HOSTILE = {
    "many documents": b'{"a":1}' * (MEGABYTE // 7),
    "documents and then nonsense": b'{"a":1}' * (MEGABYTE // 7) + b"{",
    "bad members": b"[" + b"5," * (MEGABYTE // 2) + b"5]",
    "spaces": b'{"a":1}' + b" " * MEGABYTE + b"{}",
    "brackets": b"[" * MEGABYTE,
    "one long string": b'{"name":"' + b"x" * MEGABYTE,
    "backslashes": b'{"name":"' + b"\\" * MEGABYTE,
    "escapes": b'{"name":"' + b"\\u0078" * (MEGABYTE // 6) + b'"}',
    "digits": b'{"total":' + b"1" * MEGABYTE + b"}",
    "fraction digits": b'{"x":0.' + b"1" * MEGABYTE + b"}",
    "keys": b"{" + b",".join(b'"%d":1' % number for number in range(MEGABYTE // 10)) + b"}",
    "unknown members in lines": b'{"lines":[' + b",".join([b'{"y":1}'] * (MEGABYTE // 8)) + b"]}",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_megabyte_of_malice_takes_no_more_than_its_share(what: str) -> None:
    began = time.thread_time()
    records, _ = DECODER.read(Payload(HOSTILE[what]))
    for record in records[:10]:
        write(record, {})
    assert time.thread_time() - began < 4


# ── the pieces ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [5, "x", None, [], True, Decimal("1.5")])
def test_only_an_object_can_be_sifted(value: Any) -> None:
    with pytest.raises(ValueError, match="Expected `object`"):
        sift(value, Order)


@pytest.mark.parametrize("text", [b'{"a" : 1}', b'[{"a" : 1}]', b' {"a" : 1}\n'])
def test_a_byte_order_mark_is_no_part_of_a_document(text: bytes) -> None:
    assert split_records(b"\xef\xbb\xbf" + text)[0].strip() == b'{"a" : 1}'


def test_where_it_is_not_utf_8_is_counted_from_the_documents_beginning() -> None:
    with pytest.raises(ValueError, match="JSON is not UTF-8: invalid continuation byte at byte 19"):
        parse(b'{"name":"Zoe","t":"\xe9"}')


@pytest.mark.parametrize("half", [rb"\ud83d", rb"\uDE00", rb"\ud83d\n", rb"\ud83d\u0041", rb"\ud83d\ud83d\ude00"])
def test_a_text_that_was_cut_within_a_character_is_said_to_be_so(half: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON has half of a character, \\u[dD]..., at byte 6: a text was cut within it"):
        parse(b'{"a":"' + half + b'"}')
    with pytest.raises(ValueError, match="truncated"):
        parse(b'{"a":"b')


def test_records_keep_their_own_bytes() -> None:
    assert split_records(b'[ {"a" : 1} ,2]') == [b'{"a" : 1}', b"2"]
    assert split_records(b' {"a" : 1} 2 ') == [b'{"a" : 1}', b"2"]
    assert split_records(b' {"a" : 1} ') == [b' {"a" : 1} ']


@given(Documents)
def test_what_is_written_in_ascii_says_the_same(document: Any) -> None:
    text = spelled(document, False)
    plain = json.dumps(text, ensure_ascii=False).encode()
    assert in_ascii(plain).isascii()
    assert json.loads(in_ascii(plain)) == text


@given(st.binary(max_size=40))
def test_parsing_raises_nothing_but_value_errors(text: bytes) -> None:
    with suppress(ValueError):
        parse(text)
