from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye_plugins.http.sinkconfig import HttpSinkOptions, public_url


def options(**given: Any) -> HttpSinkOptions:
    return msgspec.convert({"url": "https://vendor.example/v1"} | given, HttpSinkOptions)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://vendor.example/v1", "https://vendor.example:443/v1"),
        ("http://me:s3cret@vendor.example:8080/v1?key=s3cret#s3cret", "http://vendor.example:8080/v1"),
        ("http://[::1]/", "http://[::1]:80/"),
    ],
)
def test_the_public_part_of_a_url(url: str, shown: str) -> None:
    assert public_url(url) == shown


@pytest.mark.parametrize("key", ["url", "proxy"])
@pytest.mark.parametrize(
    "value", ["", "s3cret", "ftp://s3cret", "http://", "http://h:s3cret", "http://s3 cret", "http://s3crét", "http://h:0"]
)
def test_a_url_that_is_none_is_refused_without_being_shown(key: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"{key} is not a complete URL") as caught:
        options(**{key: value})
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("headers", [{"X": "s3cret\n"}, {"a b": "s3cret"}, {"X": "s3crét"}])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(headers: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError, match="headers") as caught:
        options(headers=headers)
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "post"},
        {"concurrency": 0},
        {"timeout_secs": 0},
        {"compression": "br"},
        {"tls": {"key": "k.pem"}},
        {"retries": 1},
    ],
)
def test_other_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        options(**wrong)
