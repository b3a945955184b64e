from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye_plugins.http.config import HttpSourceOptions, split_address


def options(**given: Any) -> HttpSourceOptions:
    return msgspec.convert({"address": "127.0.0.1:8080"} | given, HttpSourceOptions)


def test_delivery_is_waited_for_unless_asked_otherwise() -> None:
    assert options().ack == "delivered"
    assert options(ack="accepted").ack == "accepted"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        (":80", (None, 80)),
    ],
)
def test_addresses(address: str, expected: tuple[str | None, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address", ["", "8080", "localhost", "localhost:", "localhost:http", "::1:80", "[::1]", "a:65536", "a:-1"]
)
def test_other_addresses_are_refused_with_an_example(address: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r'expected "host:port", such as'):
        options(address=address)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ack": "maybe"},
        {"max_body_bytes": 0},
        {"max_connections": 0},
        {"header_timeout_secs": 0},
        {"tls": {"certificate": "a.pem"}},
        {"max_body": 1},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        options(**wrong)
