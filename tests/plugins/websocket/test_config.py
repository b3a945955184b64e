from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye.net import ServerTls
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions

LISTEN = {"address": "127.0.0.1:0"}
CONNECT = {"url": "wss://vendor.example/stream?key=s3cret"}


def source(**options: Any) -> WebSocketSourceOptions:
    return msgspec.convert(options, WebSocketSourceOptions)


def sink(**options: Any) -> WebSocketSinkOptions:
    return msgspec.convert(options, WebSocketSinkOptions)


def test_defaults() -> None:
    options = source(**CONNECT)
    assert (options.reconnect.first_secs, options.reconnect.max_secs) == (0.5, 30)
    assert (options.ping_interval_secs, options.ping_timeout_secs, options.silence_timeout_secs) == (20, 20, None)
    assert options.max_message_bytes == 1_048_576
    assert (sink(**LISTEN).subscriber.max_events, sink(**LISTEN).subscriber.when_full) == (1000, "drop_oldest")


@pytest.mark.parametrize("options", [{}, {**LISTEN, **CONNECT}])
def test_url_and_address_exclude_each_other(options: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"exactly one of `url` .* and `address`"):
        source(**options)
    with pytest.raises(msgspec.ValidationError, match=r"exactly one of `url` .* and `address`"):
        sink(**options)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://vendor.example/?key=s3cret", "does not begin with ws:// or wss://"),
        ("ws://:80/?key=s3cret", "names no host"),
        ("ws://vendor.example:eighty/?key=s3cret", "cannot be read"),
        ("ws://user:s3cret@vendor.example/", "holds a user name"),
    ],
)
def test_a_bad_url_is_explained_without_being_quoted(url: str, complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint) as caught:
        source(url=url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("address", ["8080", "host:", "host:port", "host:70000", "::1:8080", "host:²"])
def test_a_bad_address_is_quoted(address: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="`address` is "):
        source(address=address)


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::1]:8080", "localhost:0", ":8080"])
def test_addresses(address: str) -> None:
    assert source(address=address).address == address


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({**LISTEN, "headers": {"X-Key": "s3cret"}}, "`headers` belongs to `url`"),
        ({**LISTEN, "silence_timeout_secs": 5}, "`silence_timeout_secs` belongs to `url`"),
        ({**LISTEN, "tls": {}}, "needs `certificate`"),
        ({**LISTEN, "tls": {"certificate": "c.pem", "verify": False}}, "belong to `url`"),
        ({**CONNECT, "tls": {"key": "k.pem"}}, "`key` needs `certificate`"),
        ({**CONNECT, "tls": {"client_ca": "ca.pem"}}, "`tls.client_ca` belongs to `address`"),
        ({**CONNECT, "headers": {"X-Key": "s3cret\n"}}, "`headers` 'X-Key' has a name or value that HTTP does not allow"),
        ({**CONNECT, "reconnect": {"first_secs": 60}}, r"first_secs \(60\) is greater than max_secs \(30\)"),
        ({**CONNECT, "max_batch_events": 0}, ">= 1"),
        ({**CONNECT, "colour": "red"}, "colour"),
    ],
)
def test_what_does_not_fit_together_is_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint) as caught:
        source(**options)
    assert "s3cret" not in str(caught.value)


def test_a_server_takes_its_part_of_tls() -> None:
    tls = sink(**LISTEN, tls={"certificate": "c.pem", "client_ca": "ca.pem"}).tls
    assert tls is not None
    assert tls.server == ServerTls(certificate="c.pem", client_ca="ca.pem")


def test_every_option_is_described_and_secrets_are_marked() -> None:
    for options in (WebSocketSourceOptions, WebSocketSinkOptions):
        schema = msgspec.json.schema(options)["$defs"]
        for struct in schema.values():
            assert all("description" in field or "anyOf" in field for field in struct["properties"].values()), struct
        assert "x-secret" in str(schema[options.__name__]["properties"]["url"])
        assert "x-secret" in str(schema[options.__name__]["properties"]["headers"])
