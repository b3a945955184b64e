from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from wye import net
from wye.net import (
    ClientTls,
    ServerTls,
    authority,
    bound_address,
    check_headers,
    check_url,
    client_context,
    listen,
    public_url,
    reason_of,
    server_context,
    share_addresses,
    shown,
    split_address,
)
from wye.plugin import StartError


def test_importing_it_imports_no_client() -> None:
    code = "import sys, wye.net; print({'httpx', 'certifi', 'trio_websocket', 'httptools'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded == "set()\n"


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        (":80", (None, 80)),
    ],
)
def test_addresses(address: str, expected: tuple[str | None, int]) -> None:
    assert split_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "8080",
        "host",
        "host:",
        "host:http",
        "::1:80",
        "[::1]",
        "[]:80",
        "a:65536",
        "a:-1",
        "a:²",
        "a b:1",
        f"a:{'9' * 5000}",
    ],
)
def test_other_addresses_are_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r'`address` is .*; expected "host:port", such as "127\.0\.0\.1:8080"'):
        split_address(address)


@given(host=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), port=st.integers(0, 65535))
def test_what_is_shown_is_an_address_again(host: object, port: int) -> None:
    assert split_address(shown(str(host), port)) == (str(host), port)


async def test_listening_on_a_free_port_and_saying_which() -> None:
    (listener,) = await listen("127.0.0.1:0")
    async with listener:
        host, port = split_address(bound_address(listener.socket))
        assert host == "127.0.0.1"
        assert port
        await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()


async def test_no_host_is_all_interfaces() -> None:
    listeners = await listen(":0")
    try:
        assert bound_address(listeners[0].socket).startswith(("0.0.0.0:", "[::]:"))
    finally:
        for listener in listeners:
            await listener.aclose()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Makes this process a worker, the first one or not."""

    def share(first: bool) -> None:
        monkeypatch.setattr(net, "_sharing", "nobody")
        share_addresses(first=first)

    return share


async def test_workers_share_an_address_and_no_stranger_does(shared: Callable[[bool], None]) -> None:
    (stranger,) = await listen("127.0.0.1:0")
    address = bound_address(stranger.socket)
    for first in (True, False):
        shared(first)
        with pytest.raises(StartError, match=f"cannot listen on {address}: address already in use"):
            await listen(address)
    await stranger.aclose()
    shared(True)
    (one,) = await listen(address)
    shared(False)
    (other,) = await listen(address)
    shared(True)
    with pytest.raises(StartError, match="address already in use"):
        await listen(address)
    heard: set[str] = set()
    async with one, other, trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, partial(note, heard, "one"), [one])
        nursery.start_soon(trio.serve_listeners, partial(note, heard, "other"), [other])
        while len(heard) < 2:
            stream = await trio.open_tcp_stream("127.0.0.1", one.socket.getsockname()[1])
            await stream.receive_some()
            await stream.aclose()
        nursery.cancel_scope.cancel()


async def note(heard: set[str], name: str, stream: trio.SocketStream) -> None:
    heard.add(name)
    await stream.send_all(b"x")


async def test_workers_share_all_addresses_of_a_name(shared: Callable[[bool], None]) -> None:
    shared(False)
    for host in ("", "localhost"):
        listeners = await listen(f"{host}:0")
        assert listeners
        for one in listeners:
            await one.aclose()


async def test_what_stands_in_the_way_of_listening_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"^cannot listen on 127.0.0.1:{port}: address already in use; stop the other"):
            await listen(f"127.0.0.1:{port}")
    with pytest.raises(StartError, match=r"^cannot listen on 192\.0\.2\.1:0: .*; this machine has no such address$"):
        await listen("192.0.2.1:0")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "ü" * 300])
async def test_a_host_that_does_not_exist(host: str) -> None:
    with pytest.raises(StartError, match=f"^cannot listen on {host}:80: the host name is not known; use an IP address of this"):
        await listen(f"{host}:80")


# ── URLs and header fields ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://vendor.example/s3cret", "https://vendor.example:443"),
        ("http://me:s3cret@vendor.example:8080/v1?key=s3cret#s3cret", "http://vendor.example:8080"),
        ("ws://[::1]/", "ws://[::1]:80"),
        ("wss://h?key=s3cret", "wss://h:443"),
    ],
)
def test_the_public_part_of_a_url(url: str, public: str) -> None:
    assert public_url(url) == public
    assert authority(urlsplit(url)) == public.partition("://")[2]


@pytest.mark.parametrize("url", ["ws://h", "wss://h:1/a?b=c", "ws://user:pass@[::1]:8080/%20"])
def test_a_complete_url_is_taken_apart(url: str) -> None:
    assert check_url("url", url, ("ws", "wss")).geturl() == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "it does not begin with ws:// or wss://"),
        ("http://h/s3cret", "it does not begin with ws:// or wss://"),
        ("ws://:80/s3cret", "it names no host"),
        ("ws://h:0/s3cret", "its port is 0"),
        ("ws://h:s3cret", "it cannot be read"),
        ("ws://h:99999/s3cret", "it cannot be read"),
        ("ws://[s3cret", "it cannot be read"),
        ("ws://h/s3 cret", "it holds spaces"),
        ("ws://h/s3cret\n", "it holds spaces"),
        ("ws://h/s3crét", "it holds spaces"),
    ],
)
def test_a_url_that_is_none_is_explained_without_being_shown(url: str, fault: str) -> None:
    with pytest.raises(
        ValueError, match=f"^`proxy` is not a complete URL: {fault}.*; expected something like wss://"
    ) as caught:
        check_url("proxy", url, ("ws", "wss"))
    assert "s3" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_header_fields_that_can_be_sent() -> None:
    check_headers({"X-Key": "a b\t~", "authorization": "Bearer x", "Empty": ""})


@pytest.mark.parametrize("headers", [{"X": "s3cret\n"}, {"a b": "s3cret"}, {"": "s3cret"}, {"X": "s3crét"}, {"X:": "s3cret"}])
def test_header_fields_that_cannot_are_named_without_their_value(headers: dict[str, str]) -> None:
    (name,) = headers
    with pytest.raises(ValueError, match="has a name or value that HTTP does not allow") as caught:
        check_headers(headers)
    assert repr(name) in str(caught.value)
    assert "s3cr" not in str(caught.value)


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    own, other = ca.issue_cert("localhost"), ca.issue_cert("localhost")
    ca.cert_pem.write_to_path(str(folder / "ca"))
    own.cert_chain_pems[0].write_to_path(str(folder / "certificate"))
    own.private_key_pem.write_to_path(str(folder / "key"))
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / "both"))
    other.private_key_pem.write_to_path(str(folder / "another-key"))
    (folder / "locked-key").write_bytes(_locked(own.private_key_pem.bytes()))
    (folder / "text").write_text("not PEM")
    (folder / "broken").write_bytes((folder / "certificate").read_bytes()[:200] + b"\n-----END CERTIFICATE-----\n")
    return folder


def _locked(pem: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(pem, None)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"s3cret"))


@pytest.mark.parametrize(("certificate", "key"), [("certificate", "key"), ("both", None), ("both", "both")])
def test_a_certificate_and_its_key_may_be_in_one_file(files: Path, certificate: str, key: str | None) -> None:
    own, ca = str(files / certificate), str(files / "ca")
    name = None if key is None else str(files / key)
    assert server_context(ServerTls(certificate=own, key=name)).verify_mode == ssl.CERT_NONE
    assert server_context(ServerTls(certificate=own, key=name, client_ca=ca)).verify_mode == ssl.CERT_REQUIRED
    assert client_context(ClientTls(certificate=own, key=name)).verify_mode == ssl.CERT_REQUIRED


def test_only_the_named_authority_is_trusted(files: Path) -> None:
    assert len(client_context(ClientTls(ca=str(files / "ca"))).get_ca_certs()) == 1


def test_a_server_is_checked_unless_asked_otherwise() -> None:
    checking, trusting = client_context(ClientTls()), client_context(ClientTls(verify=False))
    assert (checking.verify_mode, checking.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (trusting.verify_mode, trusting.check_hostname) == (ssl.CERT_NONE, False)


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("none", "key", r"cannot use tls\.certificate \S+none: no such file or directory"),
        ("certificate", "none", r"cannot use tls\.key \S+none: no such file or directory"),
        (".", "key", r"cannot use tls\.certificate \S+: is a directory"),
        ("text", "key", r"cannot use tls\.certificate \S+text with tls\.key \S+key: no certificate in it; expected PEM"),
        ("certificate", "text", "no private key; expected PEM files that belong together"),
        ("certificate", None, r"cannot use tls\.certificate \S+certificate: no private key"),
        ("certificate", "another-key", "the private key does not belong to the certificate"),
        ("certificate", "locked-key", "the private key is protected by a password; store it without one"),
        ("broken", "key", "they cannot be read; expected PEM"),
    ],
)
def test_files_that_do_not_prove_who_we_are(files: Path, certificate: str, key: str | None, words: str) -> None:
    own, name = str(files / certificate), None if key is None else str(files / key)
    with pytest.raises(StartError, match=words):
        server_context(ServerTls(certificate=own, key=name))
    with pytest.raises(StartError, match=words):
        client_context(ClientTls(certificate=own, key=name))


@pytest.mark.parametrize(
    ("ca", "words"), [("none", "no such file"), ("text", "no certificate in it"), ("key", "no certificate")]
)
def test_files_that_name_nobody_to_trust(files: Path, ca: str, words: str) -> None:
    with pytest.raises(StartError, match=rf"^cannot use tls\.ca \S+{ca}: {words}"):
        client_context(ClientTls(ca=str(files / ca)))
    with pytest.raises(StartError, match=rf"^cannot use tls\.client_ca \S+{ca}: {words}"):
        server_context(ServerTls(certificate=str(files / "both"), client_ca=str(files / ca)))


def test_a_key_needs_a_certificate() -> None:
    with pytest.raises(msgspec.ValidationError, match="`key` needs `certificate`"):
        msgspec.convert({"key": "key.pem"}, ClientTls)
    with pytest.raises(msgspec.ValidationError, match="missing required field `certificate`"):
        msgspec.convert({"key": "key.pem"}, ServerTls)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "whatever"), "connection refused"),
        (OSError(errno.EMFILE, "whatever"), os.strerror(errno.EMFILE).lower()),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the host name is not known"),
        (OSError("all attempts failed"), "all attempts failed"),
        (OSError(), "OSError"),
    ],
)
def test_errors_in_words(error: Exception, words: str) -> None:
    assert reason_of(error) == words


def test_an_error_of_tls_in_words() -> None:
    received = ssl.MemoryBIO()
    received.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError) as caught:
        client_context(ClientTls(verify=False)).wrap_bio(received, ssl.MemoryBIO()).do_handshake()
    assert reason_of(caught.value) == "TLS failed: wrong version number"
