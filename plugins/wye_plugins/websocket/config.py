"""The options of the WebSocket source and sink, and the checks that types cannot make."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from wye.net import ADDRESS, CLIENT_CA, ClientTls, ServerTls, check_headers, check_url, split_address
from wye.options import Bytes, Count, Options, Positive, Seconds, Secret
from wye.retry import Backoff


class Tls(ClientTls, frozen=True, kw_only=True):
    """Certificates, for either end of a connection."""

    client_ca: Annotated[str | None, CLIENT_CA] = None

    @property
    def server(self) -> ServerTls:
        """What a server takes of it; ``certificate`` has been checked to be there."""
        return ServerTls(certificate=self.certificate or "", key=self.key, client_ca=self.client_ca)


class Reconnect(Options, frozen=True, kw_only=True):
    """How long to wait before connecting again: drawn from zero to a bound that doubles with each failure in a row."""

    first_secs: Annotated[Positive, Meta(description="The bound after the first failure.")] = 0.5
    max_secs: Annotated[Positive, Meta(description="The highest bound. A connection that lasts longer resets it.")] = 30

    def __post_init__(self) -> None:
        if self.first_secs > self.max_secs:
            raise ValueError(f"first_secs ({self.first_secs:g}) is greater than max_secs ({self.max_secs:g})")

    @property
    def backoff(self) -> Backoff:
        return Backoff(self.first_secs, self.max_secs)


class Subscriber(Options, frozen=True, kw_only=True):
    """What a subscriber that reads too slowly is allowed."""

    max_events: Annotated[
        Count, Meta(description="Events that may wait for one subscriber. Bounds the memory that a stalled one can hold.")
    ] = 1000
    when_full: Annotated[
        Literal["drop_oldest", "disconnect", "block"],
        Meta(
            description="What to do when they are too many: drop the oldest (a subscriber wants what is new), disconnect the"
            " subscriber (code 1013), or block, which makes the whole sink wait for its slowest subscriber."
        ),
    ] = "drop_oldest"


class _Ends(Options, frozen=True, kw_only=True):
    """What source and sink share."""

    url: Annotated[
        Secret | None,
        Meta(description="Connect to this server (`ws://` or `wss://`). Treated as a secret because it may hold a key."),
    ] = None
    address: Annotated[str | None, ADDRESS] = None
    headers: Annotated[
        dict[str, Secret], Meta(description="Header fields for the request that opens the connection, with `url` only.")
    ] = field(default_factory=dict[str, str])
    tls: Annotated[
        Tls | None,
        Meta(
            description="Certificates. With `address` it turns TLS on, and takes `certificate`, `key` and `client_ca`; with"
            " `url` it takes all but `client_ca`."
        ),
    ] = None
    reconnect: Annotated[Reconnect, Meta(description="When to connect again after a loss, with `url` only.")] = Reconnect()
    ping_interval_secs: Annotated[
        Seconds, Meta(description="A ping goes out this often, so that dead connections are found. 0 sends none.")
    ] = 20
    ping_timeout_secs: Annotated[
        Positive, Meta(description="A connection from which nothing comes for this long after a ping is closed.")
    ] = 20
    connect_timeout_secs: Annotated[
        Positive, Meta(description="How long connecting, TLS and the opening handshake may take together.")
    ] = 10

    def __post_init__(self) -> None:
        if (self.url is None) == (self.address is None):
            raise ValueError("give exactly one of `url` (connect to a server) and `address` (listen)")
        if self.url is not None:
            _check_url(self.url)
            check_headers(self.headers)
        if self.address is not None:
            split_address(self.address)
        _check_tls(self.tls, listening=self.address is not None)
        if self.address is not None and self.headers:
            raise ValueError("`headers` belongs to `url`; with `address` there is no request to put them into")


class WebSocketSourceOptions(_Ends, frozen=True, kw_only=True):
    """Receives messages, from a server that it connects to or from clients that connect to it."""

    silence_timeout_secs: Annotated[
        Positive | None,
        Meta(description="With `url`, connect again when no message came for so long. Off by default: shops sleep."),
    ] = None
    max_message_bytes: Annotated[
        Bytes, Meta(description="A longer message closes its connection with code 1009; the events in it are not taken.")
    ] = 1_048_576
    max_batch_events: Annotated[
        Count, Meta(description="At most so many messages that are already there go on together. Never waited for.")
    ] = 500
    max_connections: Annotated[
        Count, Meta(description="With `address`, how many clients may be connected; one more is answered 503.")
    ] = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.address is not None and self.silence_timeout_secs is not None:
            raise ValueError("`silence_timeout_secs` belongs to `url`; clients of `address` may be silent")


class WebSocketSinkOptions(_Ends, frozen=True, kw_only=True):
    """Sends each event as one text message, to all who connect (`address`) or to a server (`url`).

    With `address` an event counts as delivered once it waits for every subscriber of that moment, also where there is none.
    With `url` it counts as delivered once it is written to the connection: WebSocket has no acknowledgement of its own.
    """

    subscriber: Annotated[Subscriber, Meta(description="With `address`, what a slow subscriber is allowed.")] = Subscriber()
    max_subscribers: Annotated[
        Count, Meta(description="With `address`, how many subscribers may be connected; one more is answered 503.")
    ] = 1000
    max_message_bytes: Annotated[
        Bytes, Meta(description="What the other end sends is read and ignored; a longer message closes its connection (1009).")
    ] = 4096


def _check_url(url: str) -> None:
    if check_url("url", url, ("ws", "wss")).username is not None:
        raise ValueError("`url` holds a user name, which WebSocket does not send; put an Authorization into `headers`")


def _check_tls(tls: Tls | None, *, listening: bool) -> None:
    if tls is None:
        return
    if listening and tls.certificate is None:
        raise ValueError("`tls` of an `address` needs `certificate`")
    if listening and (tls.ca is not None or not tls.verify):
        raise ValueError("`tls.ca` and `tls.verify` belong to `url`; with `address`, `tls.client_ca` is for clients")
    if not listening and tls.client_ca is not None:
        raise ValueError("`tls.client_ca` belongs to `address`; with `url`, `tls.ca` is for servers")
