"""The options of the HTTP sink."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta, field

from wye.options import Count, Options, Positive, Secret

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_METHOD = re.compile(r"[A-Z]+")


class ClientTls(Options, frozen=True, kw_only=True):
    """Whom to trust, and who to be."""

    verify: Annotated[
        bool, Meta(description="Whether to check the server's certificate. Turn it off for experiments only.")
    ] = True
    ca: Annotated[str | None, Meta(description="PEM file with the authorities to trust instead of the usual public ones.")] = (
        None
    )
    certificate: Annotated[str | None, Meta(description="PEM file with a client certificate and its chain.")] = None
    key: Annotated[
        str | None, Meta(description="PEM file with the private key; may be left out where `certificate` holds it too.")
    ] = None

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise ValueError("key is set without certificate; set both, or neither")


class HttpSinkOptions(Options, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Sends the adapter's requests to one server."""

    url: Annotated[
        Secret,
        Meta(
            description="Where to send to (`http://` or `https://`). The adapter's paths are appended to its path. Its own"
            " parameters win over the adapter's. Treated as a secret because it may hold a key."
        ),
    ]
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
    concurrency: Annotated[Count, Meta(description="Requests under way at a time. 1 keeps the events in order.")] = 4
    compression: Annotated[
        Literal["none", "gzip"],
        Meta(description="Compress bodies (Content-Encoding). Off by default, because not every vendor understands it."),
    ] = "none"

    def __post_init__(self) -> None:
        _check_url("url", self.url)
        if self.proxy is not None:
            _check_url("proxy", self.proxy)
        if self.method is not None and not _METHOD.fullmatch(self.method):
            raise ValueError(f"method is {self.method!r}; expected capital letters, such as POST")
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"headers.{name!r} has a name or value that HTTP does not allow; use visible ASCII characters")

    def __repr__(self) -> str:
        return f"HttpSinkOptions({public_url(self.url)})"


def public_url(url: str) -> str:
    """``url`` without what may be secret: user, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{authority(parts)}{parts.path}"


def authority(parts: SplitResult) -> str:
    """Host and port of a URL, the port also where it is the scheme's own."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_url(key: str, url: str) -> None:
    """Raises ``ValueError``, which does not show the URL: it may hold a secret."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(char.isspace() for char in url):
        raise ValueError(f"{key} is not a complete URL; expected http://host… or https://host…")
