"""The options of the HTTP source."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from wye.options import Bytes, Count, Options, Positive, Seconds


class ServerTls(Options, frozen=True, kw_only=True):
    """Certificates of the server."""

    certificate: Annotated[str, Meta(description="PEM file with the server's certificate and its chain.")]
    key: Annotated[str, Meta(description="PEM file with the private key of `certificate`.")]
    client_ca: Annotated[
        str | None,
        Meta(description="PEM file with the authorities whose clients may connect. Without it no client certificate is asked."),
    ] = None


class HttpSourceOptions(Options, frozen=True, kw_only=True):
    """One port that serves the HTTP endpoints of all its adapters."""

    address: Annotated[
        str,
        Meta(
            description="Where to listen, as `host:port`; IPv6 in brackets (`[::1]:8080`), no host for all interfaces, port 0"
            " for any free one."
        ),
    ]
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
        Count, Meta(description="Open connections. Beyond it the one that has been idle longest is closed.")
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


def split_address(address: str) -> tuple[str | None, int]:
    """Host (``None`` for all interfaces) and port of ``host:port``. Raises ``ValueError`` for anything else."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(
            f'address is {address!r}; expected "host:port", such as "127.0.0.1:8080" or "[::1]:8080", with a port up to 65535'
        )
    return (host[1:-1] if bracketed else host) or None, int(port)
