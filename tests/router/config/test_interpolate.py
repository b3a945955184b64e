from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.config.interpolate import Interpolation, is_resolved
from wye.config.secrets import Secrets

ENVIRONMENT = {"HOST": "example.org", "EMPTY": "", "TRICK": "${HOST}", "PARTNER_TOKEN": "tok-en"}


def apply(value: Any, told: list[tuple[Any, str]] | None = None) -> Any:
    def report(path: Any, message: str) -> None:
        assert told is not None, message
        told.append((path, message))

    return Interpolation(ENVIRONMENT, Secrets(), report).apply(value)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${HOST}", "example.org"),
        ("https://${HOST}/${PARTNER_TOKEN}", "https://example.org/tok-en"),
        ("${NOPE:-plan b}", "plan b"),
        ("${NOPE:-}", ""),
        ("${EMPTY:-plan b}", "plan b"),
        ("${EMPTY}", ""),
        ("${HOST:-plan b}", "example.org"),
        ("${NOPE:-a:-b}", "a:-b"),
        ("$${HOST}", "${HOST}"),
        ("$$", "$"),
        ("$", "$"),
        ("5 $ and $5.", "5 $ and $5."),
        ("a$$HOST", "a$HOST"),
        ("$$$${HOST}$", "$${HOST}$"),
        ("${TRICK}", "${HOST}"),
        ("${NOPE:-$HOST}", "$HOST"),
    ],
)
def test_references(text: str, result: str) -> None:
    assert apply(text) == result


def test_strings_at_any_depth_but_no_keys() -> None:
    value = {"${HOST}": ["${HOST}", {"a": "${HOST}", "n": 1}], "b": True}
    assert apply(value) == {"${HOST}": ["example.org", {"a": "example.org", "n": 1}], "b": True}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NOPE}", "the environment variable NOPE is not set; set it, or write ${NOPE:-default}"),
        ("${}", "${} is no reference; write ${NAME}, ${NAME:-default}, ${file:/path}, or $$ for a dollar sign"),
        ("${a b}", "${a b} is no reference; write ${NAME}, ${NAME:-default}, ${file:/path}, or $$ for a dollar sign"),
        (
            "${HOST",
            "a closing brace is missing after ${; write ${NAME}, ${NAME:-default}, ${file:/path}, or $$ for a dollar sign",
        ),
        (
            "Bearer $HOST",
            "a name stands after $ without braces; write ${NAME}, ${NAME:-default}, ${file:/path}, or $$ for a dollar sign",
        ),
        ("${file:/no/such/file}", "cannot read the file /no/such/file: No such file or directory"),
        ("${file:/}", "cannot read the file /: Is a directory"),
        ("${file:a\0b}", "'a\\x00b' is no path"),
    ],
)
def test_what_cannot_be_replaced_is_told_where_it_stands(text: str, message: str) -> None:
    told: list[tuple[Any, str]] = []
    result = apply({"a": ["fine", text]}, told)
    assert told == [(("a", 1), message)]
    assert not is_resolved(result)
    assert is_resolved(result["a"][0])


def test_all_that_is_wrong_in_one_string() -> None:
    told: list[tuple[Any, str]] = []
    apply("${NOPE} ${ALSO}", told)
    assert ["NOPE" in message or "ALSO" in message for _, message in told] == [True, True]


def test_files_lose_their_last_newline_only(tmp_path: FilePath) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes("wört \n\n".encode())
    assert apply(f"<${{file:{secret}}}>") == "<wört >"
    secret.write_bytes(b"\xff")
    told: list[tuple[Any, str]] = []
    apply(f"${{file:{secret}}}", told)
    assert told == [((), f"the file {secret} is not UTF-8 text")]


@given(st.text())
def test_text_without_a_dollar_stays_as_it_is(text: str) -> None:
    assert apply(text.replace("$", "")) == text.replace("$", "")


@given(st.text())
def test_doubled_dollars_give_any_text_back(text: str) -> None:
    assert apply(text.replace("$", "$$")) == text


@given(st.text(st.sampled_from("${}:-fileHOST/ "), max_size=20))
def test_it_never_raises(text: str) -> None:
    told: list[tuple[Any, str]] = []
    assert is_resolved(apply(text, told)) is not bool(told)
