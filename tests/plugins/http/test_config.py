from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye_plugins.http.config import HttpSinkOptions, HttpSourceOptions


def source(**given: Any) -> HttpSourceOptions:
    return msgspec.convert({"address": "127.0.0.1:8080"} | given, HttpSourceOptions)


def sink(**given: Any) -> HttpSinkOptions:
    return msgspec.convert({"url": "https://vendor.example/v1"} | given, HttpSinkOptions)


def test_delivery_is_waited_for_unless_asked_otherwise() -> None:
    assert source().ack == "delivered"
    assert source(ack="accepted").ack == "accepted"


@pytest.mark.parametrize(
    "address", ["", "8080", "localhost", "localhost:", "localhost:http", "::1:80", "[::1]", "a:65536", "a:-1"]
)
def test_other_addresses_are_refused_with_an_example(address: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r'expected "host:port", such as'):
        source(address=address)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ack": "maybe"},
        {"max_body_bytes": 0},
        {"max_connections": 0},
        {"header_timeout_secs": 0},
        {"tls": {"key": "a.pem"}},
        {"max_body": 1},
    ],
)
def test_wrong_options_of_the_source_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        source(**wrong)


@pytest.mark.parametrize("key", ["url", "proxy"])
@pytest.mark.parametrize(
    "value", ["", "s3cret", "ftp://s3cret", "http://", "http://h:s3cret", "http://s3 cret", "http://s3crét", "http://h:0"]
)
def test_a_url_that_is_none_is_refused_without_being_shown(key: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"`{key}` is not a complete URL") as caught:
        sink(**{key: value})
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("headers", [{"X": "s3cret\n"}, {"a b": "s3cret"}, {"X": "s3crét"}])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(headers: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError, match="headers") as caught:
        sink(headers=headers)
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
def test_wrong_options_of_the_sink_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        sink(**wrong)
