"""Opening what a server listens on, with errors that a person can act on."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import trio

from wye.plugin import StartError
from wye_plugins.http.config import ServerTls, split_address

BACKLOG = 1024

_HINTS = {
    errno.EADDRINUSE: "stop the other program, or choose another port",
    errno.EACCES: "ports below 1024 need a privilege; choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


async def open_sockets(address: str) -> list[socket.socket]:
    """Listening sockets, one for each address that the host stands for. Raises ``StartError``."""
    host, port = split_address(address)
    try:
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except OSError as error:
        raise StartError(f"cannot listen on {address}: {_why(error)}") from None
    return [socket.socket(fileno=listener.socket.detach()) for listener in listeners]


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name is not known; use an IP address of this machine"
    number = error.errno or 0
    words = (os.strerror(number) if number else str(error)).lower()
    return f"{words}; {hint}" if (hint := _HINTS.get(number)) else words


def shown(sock: socket.socket) -> str:
    """The socket's own address as ``host:port``."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_tls(tls: ServerTls) -> ssl.SSLContext:
    """Raises ``StartError`` when a file is missing or is not what it should be."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise StartError(
            f"cannot use tls.certificate {tls.certificate} with tls.key {tls.key}: {_file_trouble(error)}"
        ) from None
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except OSError as error:
            raise StartError(f"cannot use tls.client_ca {tls.client_ca}: {_file_trouble(error)}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _file_trouble(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"{error.reason or 'not valid PEM'}; expected PEM files that belong together"
    return os.strerror(error.errno or 0).lower()
