"""The options of the HTTP source and of the HTTP sink, and the checks that types cannot make."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, field

from wye.net import ADDRESS, ClientTls, ServerTls, check_headers, check_url, public_url, split_address
from wye.options import Bytes, Count, Options, Positive, Seconds, Secret

_METHOD = re.compile(r"[A-Z]+")
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
SCHEMES = ("http", "https")
"""Of every URL here."""


class HttpSourceOptions(Options, frozen=True, kw_only=True):
    """One port that serves the HTTP endpoints of all its adapters."""

    address: Annotated[str, ADDRESS]
    ack: Annotated[
        Literal["delivered", "accepted"],
        Meta(
            description="When a sender is told that its events were taken: once they are safe (delivered, or on disk), or"
            " already when they are in memory."
        ),
    ] = "delivered"
    tls: Annotated[ServerTls | None, Meta(description="Serve HTTPS with these certificates.")] = None
    max_header_bytes: Annotated[Bytes, Meta(description="The largest request head: request line and header fields.")] = 65_536
    max_body_bytes: Annotated[
        Bytes, Meta(description="The largest body as it is sent. Where a vendor's own limit is smaller, that one counts.")
    ] = 10_485_760
    max_decompressed_bytes: Annotated[
        Bytes, Meta(description="The largest body after Content-Encoding is undone. Bounds what a small body can blow up to.")
    ] = 33_554_432
    max_connections: Annotated[
        Count,
        Meta(
            description="Open connections. Beyond it the one that is idle longest is closed; if none is, the new one gets 503."
        ),
    ] = 1024
    header_timeout_secs: Annotated[
        Positive, Meta(description="How long a request head may take, from its first byte; also a TLS handshake.")
    ] = 10.0
    idle_timeout_secs: Annotated[Positive, Meta(description="How long a connection may stay silent between requests.")] = 75.0
    request_timeout_secs: Annotated[
        Positive, Meta(description="How long a whole request may take to arrive, and an answer to be read.")
    ] = 60.0
    overload_wait_secs: Annotated[
        Seconds, Meta(description="How long a request waits for room in the sinks before it is answered 503.")
    ] = 5.0
    answer_timeout_secs: Annotated[
        Positive,
        Meta(
            description="How long a request whose events were taken in waits to hear that they are safe, with `ack ="
            ' "delivered"`, before it is answered 503. They go on to their sinks all the same, and once more when their sender'
            " sends them again."
        ),
    ] = 60.0
    retry_after_secs: Annotated[
        Seconds, Meta(description="What a 503 asks the sender to wait (Retry-After), rounded up to whole seconds.")
    ] = 1.0
    max_pending_bytes: Annotated[
        Bytes,
        Meta(
            description="Bodies held at a time, of requests that are being received or wait for their answer. Beyond it a new"
            " body is answered 503 without being read."
        ),
    ] = 67_108_864

    def __post_init__(self) -> None:
        split_address(self.address)


class HttpSinkOptions(Options, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Sends the adapter's requests to one server."""

    url: Annotated[
        Secret | None,
        Meta(
            description="Where to send to (`http://` or `https://`). The adapter's paths are appended to its path. Its own"
            " parameters win over the adapter's. Treated as a secret because it may hold a key. Required unless the adapter"
            " knows where its vendor is."
        ),
    ] = None
    method: Annotated[
        str | None, Meta(description="HTTP method. Default: what the adapter asks for, which is POST for most vendors.")
    ] = None
    headers: Annotated[
        dict[str, Secret], Meta(description="Header fields for every request; they win over the adapter's own.")
    ] = field(default_factory=dict[str, str])
    tls: Annotated[ClientTls, Meta(description="Certificates, for `https://`.")] = ClientTls()
    proxy: Annotated[
        Secret | None, Meta(description="An HTTP proxy to go through (`http://user:password@host:port`). None by default.")
    ] = None
    connect_timeout_secs: Annotated[Positive, Meta(description="How long connecting may take, TLS included.")] = 10.0
    timeout_secs: Annotated[Positive, Meta(description="How long a request may take, from connecting to its answer.")] = 30.0
    follow_up_timeout_secs: Annotated[
        Positive,
        Meta(
            description="How long a vendor's own operation (an import that it works on) is asked after. Beyond that its events"
            " are sent again."
        ),
    ] = 600.0
    idempotency_header: Annotated[
        str | None,
        Meta(
            description="A header field, such as `Idempotency-Key`, that names the request by the ids of its events: when the"
            " same events are sent again, it is the same. None by default."
        ),
    ] = None
    concurrency: Annotated[Count, Meta(description="Requests under way at a time. 1 keeps the events in order.")] = 4
    compression: Annotated[
        Literal["none", "gzip"],
        Meta(description="Compress bodies (Content-Encoding). Off by default, because not every vendor understands it."),
    ] = "none"

    def __post_init__(self) -> None:
        if self.url is not None:
            check_url("url", self.url, SCHEMES)
        if self.proxy is not None:
            check_url("proxy", self.proxy, SCHEMES)
        if self.method is not None and not _METHOD.fullmatch(self.method):
            raise ValueError(f"`method` is {self.method!r}; expected capital letters, such as POST")
        check_headers(self.headers)
        name = self.idempotency_header
        if name is not None and not _FIELD_NAME.fullmatch(name):
            raise ValueError(f"`idempotency_header` is {name!r}; expected the name of a header field, such as Idempotency-Key")

    def __repr__(self) -> str:
        return f"HttpSinkOptions({public_url(self.url) if self.url else ''})"
