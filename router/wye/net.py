"""What every transport that uses the network needs: addresses to listen on, URLs to connect to, TLS, and errors in words.

Nothing here ever shows a secret: a URL is shown as its scheme, host and port, a header field as its name.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import SplitResult, urlsplit

import trio
from msgspec import Meta

from wye.options import Options
from wye.plugin import StartError

T = TypeVar("T")

# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ADDRESS = Meta(
    description="Where to listen, as `host:port`; IPv6 in brackets (`[::1]:8080`), no host for all interfaces, port 0 for any"
    " free one."
)
"""Of an option whose value ``split_address`` accepts."""

CLIENT_CA = Meta(
    description="PEM file with the authorities whose clients may connect. Without it no client certificate is asked for."
)
_CERTIFICATE = Meta(description="PEM file with our own certificate and its chain.")
_KEY = Meta(description="PEM file with the private key; may be left out where `certificate` holds it too.")


class ServerTls(Options, frozen=True, kw_only=True):
    """Who we are to clients, and which of them to let in."""

    certificate: Annotated[str, _CERTIFICATE]
    key: Annotated[str | None, _KEY] = None
    client_ca: Annotated[str | None, CLIENT_CA] = None


class ClientTls(Options, frozen=True, kw_only=True):
    """Whom to trust, and who we are to servers that ask."""

    verify: Annotated[
        bool, Meta(description="Whether to check the server's certificate. Turn it off for experiments only.")
    ] = True
    ca: Annotated[
        str | None, Meta(description="PEM file with the authorities to trust. Default: those that the system trusts.")
    ] = None
    certificate: Annotated[str | None, _CERTIFICATE] = None
    key: Annotated[str | None, _KEY] = None

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise ValueError("`key` needs `certificate`; set both, or neither")


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ``ValueError``, without the value, for a header field that could not be sent."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"`headers` {name!r} has a name or value that HTTP does not allow; use visible ASCII characters")


# ── URLs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def check_url(key: str, url: str, schemes: Sequence[str]) -> SplitResult:
    """The parts of option ``key``. Raises ``ValueError``, which does not show the URL, unless it is one of ``schemes``."""
    try:
        parts = urlsplit(url)
        fault = _fault(url, parts, schemes)
    except ValueError:
        raise ValueError(f"`{key}` is not a complete URL: it cannot be read; {_wanted(schemes)}") from None
    if fault:
        raise ValueError(f"`{key}` is not a complete URL: {fault}; {_wanted(schemes)}")
    return parts


def _wanted(schemes: Sequence[str]) -> str:
    return f"expected something like {schemes[-1]}://host:port/path"


def _fault(url: str, parts: SplitResult, schemes: Sequence[str]) -> str:
    if parts.scheme not in schemes:
        return f"it does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not parts.hostname:
        return "it names no host"
    if parts.port == 0:
        return "its port is 0"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it holds spaces, or characters that are not ASCII, which have to be percent-encoded"
    return ""


def host_and_port(parts: SplitResult) -> tuple[str, int]:
    """Whom a URL speaks of, with the port of its scheme where it names none."""
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def authority(parts: SplitResult) -> str:
    """``host:port`` of a URL."""
    return shown(*host_and_port(parts))


def public_url(url: str) -> str:
    """Scheme, host and port of ``url``: user, path, query and fragment may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{authority(parts)}"


# ── listening ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ADDRESS = re.compile(r"(?:\[([^\s\x00\[\]]+)\]|([^\s\x00\[\]:]*)):([0-9]{1,5})")

_BACKLOG = 0xFFFF
"""More than any system takes: it takes what it can."""

_HINTS = {
    errno.EADDRINUSE: "stop the other program, or choose another port",
    errno.EACCES: "ports below 1024 need a privilege; choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def split_address(address: str) -> tuple[str | None, int]:
    """Host (``None`` for all interfaces) and port of ``host:port``. Raises ``ValueError`` for anything else."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match[3]) > 65535:
        raise ValueError(
            f'`address` is {address!r}; expected "host:port", such as "127.0.0.1:8080" or "[::1]:8080", with a port up to 65535'
        )
    return match[1] or match[2] or None, int(match[3])


_sharing: Literal["nobody", "first", "next"] = "nobody"


def share_addresses(*, first: bool) -> None:
    """From now on, ``listen`` takes addresses that other workers of this wye take too, and the system spreads the connections
    over them. The ``first`` of them makes sure that no stranger has one."""
    global _sharing  # noqa: PLW0603  a process is a worker or is none
    _sharing = "first" if first else "next"


async def listen(address: str) -> list[trio.SocketListener]:
    """Listening sockets, one for each address that the host stands for. Raises ``StartError``."""
    host, port = split_address(address)
    try:
        if _sharing == "nobody":
            return await trio.open_tcp_listeners(port, host=host)
        if _sharing == "first":
            for one in await trio.open_tcp_listeners(port, host=host):
                await one.aclose()
        return await _open_shared(host, port)
    except (OSError, UnicodeError) as error:
        raise StartError(f"cannot listen on {address}: {reason_of(error)}{_hint(error)}") from None


async def _open_shared(host: str | None, port: int) -> list[trio.SocketListener]:
    """As ``trio.open_tcp_listeners``, which knows no ``SO_REUSEPORT``."""
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[trio.SocketListener] = []
    missing: OSError | None = None
    for family, kind, protocol, _, where in found:
        try:
            sock = trio.socket.socket(family, kind, protocol)
        except OSError as error:  # a system without IPv6
            missing = error
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            await sock.bind(where)
            sock.listen(_BACKLOG)
        except BaseException:
            for one in (sock, *(listener.socket for listener in listeners)):
                one.close()
            raise
        listeners.append(trio.SocketListener(sock))
    if missing is not None and not listeners:
        raise missing
    return listeners


def _hint(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "; use an IP address of this machine"
    hint = _HINTS.get(error.errno or 0)
    return f"; {hint}" if hint else ""


def bound_address(sock: socket.socket | trio.socket.SocketType) -> str:
    """The socket's own address as ``host:port``."""
    host, port, *_ = sock.getsockname()
    return shown(host, port)


def shown(host: str, port: int) -> str:
    """``host:port``, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def server_context(tls: ServerTls) -> ssl.SSLContext:
    """Reads the files. Raises ``StartError`` when one is missing or is not what it should be."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _identify(context, tls.certificate, tls.key)
    if tls.client_ca is not None:
        _trusting("client_ca", tls.client_ca, context.load_verify_locations)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """Reads the files. Raises ``StartError`` when one is missing or is not what it should be."""
    if tls.ca is None:
        context = ssl.create_default_context()
    else:
        context = _trusting("ca", tls.ca, lambda file: ssl.create_default_context(cafile=file))
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        _identify(context, tls.certificate, tls.key)
    return context


def _trusting(option: str, file: str, load: Callable[[str], T]) -> T:
    _read(option, file)
    try:
        return load(file)
    except ssl.SSLError:
        raise StartError(f"cannot use tls.{option} {file}: no certificate in it; expected a PEM file") from None


def _identify(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    texts = _read("certificate", certificate), _read("key", key or certificate)
    try:
        context.load_cert_chain(certificate, key, _refuse_password)
    except (ssl.SSLError, _LockedError) as error:
        files = f"tls.certificate {certificate}" + ("" if key is None else f" with tls.key {key}")
        raise StartError(f"cannot use {files}: {_mismatch(error, *texts)}") from None


def _read(option: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise StartError(f"cannot use tls.{option} {file}: {reason_of(error)}") from None


class _LockedError(Exception):
    """A private key asks for a password."""


def _refuse_password() -> str:
    # Without this, OpenSSL would ask on the terminal and wait.
    raise _LockedError


def _mismatch(error: Exception, certificate: bytes, key: bytes) -> str:
    if isinstance(error, _LockedError):
        return "the private key is protected by a password; store it without one, readable by wye alone"
    if b"CERTIFICATE-----" not in certificate:
        words = "no certificate in it"
    elif b"PRIVATE KEY-----" not in key:
        words = "no private key"
    elif isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        words = "the private key does not belong to the certificate"
    else:
        words = "they cannot be read"
    return f"{words}; expected PEM files that belong together"


# ── errors in words ──────────────────────────────────────────────────────────────────────────────────────────────────────


def reason_of(error: BaseException) -> str:
    """What went wrong with a socket or a file, in the system's words and in lower case; trio's own say the address again."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host name is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS failed: certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
