from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, field

from wye.options import Count, Options, Seconds, Secret
from wye.words import closest, counted, expected, found, is_secret, nearest, printable, secret_values, spell, type_words

NonEmpty = Annotated[str, Meta(min_length=1)]


class Inner(Options, frozen=True):
    key: Secret = ""
    plain: str = ""


class Outer(Options, frozen=True):
    inner: Inner = Inner()
    several: list[Inner] = field(default_factory=list[Inner])
    headers: dict[str, Secret] = field(default_factory=dict[str, str])
    names: list[Secret] = field(default_factory=list[str])
    secret: Annotated[Secret | None, Meta(description="What it is.")] = None
    plain: str = ""


@pytest.mark.parametrize(
    ("annotation", "words", "column"),
    [
        (str, "a string", "string"),
        (int, "an integer", "integer"),
        (float | None, "a number", "number"),
        (Decimal, "a number", "number"),
        (bool, "true or false", "boolean"),
        (Count, "an integer >= 1", "integer >= 1"),
        (Count | None, "an integer >= 1", "integer >= 1"),
        (Annotated[Seconds, Meta(lt=60)], "a number >= 0 and < 60", "number >= 0 and < 60"),
        (Annotated[int, Meta(gt=0, le=9)], "an integer > 0 and <= 9", "integer > 0 and <= 9"),
        (Annotated[int, Meta(multiple_of=2)], "an integer that is a multiple of 2", "integer that is a multiple of 2"),
        (Annotated[str, Meta(min_length=1)], "a string that is not empty", "string that is not empty"),
        (Annotated[str, Meta(max_length=3)], "a string of length <= 3", "string of length <= 3"),
        (Annotated[str, Meta(pattern="^x")], "a string that matches ^x", "string that matches ^x"),
        (Literal["a", "b"], 'one of "a", "b"', '"a" or "b"'),
        (Literal["a"], '"a"', '"a"'),
        (list[str], "a list of strings", "list of strings"),
        (list[Any], "a list", "list"),
        (list[Literal["a", "b"]], 'a list of "a" or "b"', 'list of "a" or "b"'),
        (list[str | dict[str, Any]], "a list of strings or tables", "list of strings or tables"),
        (dict[str, int], "a table of integers", "table of integers"),
        (dict[str, Any], "a table", "table"),
        (Inner, "a table", "table"),
        (str | dict[str, Any], "a string or a table", "string or table"),
        (str | list[str], "a string or a list of strings", "string or list of strings"),
        (
            NonEmpty | Annotated[list[NonEmpty], Meta(min_length=1)],
            "a string that is not empty or a list of strings that is not empty",
            "string that is not empty or list of strings that is not empty",
        ),
        (Literal["a", "b"] | dict[str, str], '"a" or "b" or a table of strings', '"a" or "b" or table of strings'),
        (Any, "anything", "anything"),
        (bytes, "a value", "value"),
    ],
)  # fmt: skip
def test_what_an_annotation_asks_for(annotation: Any, words: str, column: str) -> None:
    assert expected(annotation) == words
    assert type_words(annotation) == column


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], min_codepoint=32, exclude_characters="\x7f"))
values = st.recursive(
    st.integers(-(2**60), 2**60) | st.booleans() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"\A[a-z0-9_-]{1,5}\Z"), inner),
    max_leaves=8,
)  # fmt: skip


@given(values)
def test_a_value_is_spelled_as_in_toml(value: Any) -> None:
    assert tomli.loads(f"it = {spell(value)}")["it"] == value


def test_long_values_are_named_by_what_they_are() -> None:
    assert found(["x" * 100]) == "a list"
    assert found({"x": "x" * 100}) == "a table"
    assert found("x" * 100) == "a string of 100 characters"
    assert found(10**70) == "a number"
    assert found(date(2024, 1, 2)) == "2024-01-02"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("max_event", "max_events"), ("MAX_EVENTS", "max_events"), ("max", "max_events"), ("zzz", None), ("", None), ("ma", None)],
)
def test_the_name_that_was_meant(name: str, meant: str | None) -> None:
    assert closest(name, ["linger_secs", "max_events"]) == meant


def test_where_nothing_comes_close_all_are_named() -> None:
    assert nearest("zzz", ["a", "b", "a"]) == "expected one of a, b"
    assert nearest("zzz", ["a"], values=True) == 'expected "a"'
    assert nearest("zzz", []) == "none is known here"


def test_secrets_are_found_at_any_depth() -> None:
    assert is_secret(Secret)
    assert is_secret(Annotated[Secret | None, Meta(description="x")])
    assert is_secret(dict[str, Secret])
    assert not is_secret(Annotated[str, Meta(description="x")])
    table = {
        "inner": {"key": "s1", "plain": "p"},
        "several": [{"key": "s2"}, {"plain": "p"}, 5],
        "headers": {"a": "s3", "b": ["s4"]},
        "names": ["s5"],
        "secret": "s6",
        "plain": "p",
        "unknown": "p",
    }
    assert list(secret_values(table, Outer)) == ["s1", "s2", "s3", "s4", "s5", "s6"]


def test_what_is_printable_moves_no_cursor() -> None:
    assert printable("a\x1b[31m\x07\x9b2J\x7f\r\tä\n") == "a\\x1b[31m\\x07\\x9b2J\\x7f\\x0d\tä\n"


@pytest.mark.parametrize(("count", "words"), [(0, "0 events"), (1, "1 event"), (2, "2 events")])
def test_one_is_no_several(count: int, words: str) -> None:
    assert counted(count, "event") == words
