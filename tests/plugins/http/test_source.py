from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path

import pytest
import trio
import trustme

from plugins.http.http_kit import Client, NoDecoder, Vendor, connect, get, new_source, port_of, post, serving
from wye.message import Head, Received, Reply
from wye.net import ServerTls
from wye.plugin import Accepted, Claim, Inbound, SourceContext, StartError
from wye.testing import FakeIntake
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.source import HttpSource


class Fixed:
    """An endpoint with one claim for all paths."""

    def __init__(self, claim: Claim | None, words: bytes = b"") -> None:
        self._claim = claim
        self._words = words

    def claim(self, head: Head, /) -> Claim | None:
        return self._claim

    def receive(self, request: Received, /) -> Accepted | Reply:
        return Reply(200, (), self._words)

    def refusal(self, head: Head, status: int, words: str, /) -> Reply:
        return Reply(status, (), self._words)


def source_of(*endpoints: Fixed | Vendor | None) -> HttpSource:
    options = HttpSourceOptions(address="127.0.0.1:0")
    return HttpSource(options, SourceContext("web", "", [Inbound(NoDecoder(), one, name="crm") for one in endpoints]))


def test_an_adapter_without_an_endpoint_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match='adapter "crm" has no HTTP endpoint'):
        source_of(Vendor(), None)


def test_no_adapter_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one adapter"):
        source_of()


async def test_the_first_claim_without_a_reply_wins_and_then_the_first_with_one() -> None:
    refusing, other = Fixed(Claim(Reply(401))), Fixed(Claim(Reply(403)))
    willing, late = Fixed(Claim(), b"mine"), Fixed(Claim(), b"late")
    for endpoints, status, body in (
        ((refusing, Fixed(None), willing, late), 200, b"mine"),
        ((Fixed(None), refusing, other), 401, b""),
        ((Fixed(None), Fixed(None)), 404, b"no adapter serves this path\n"),
    ):
        async with serving(source_of(*endpoints)) as port:
            async with await connect(port) as client:
                answer = await client.ask(post(b"x"))
                assert (answer.status, answer.body) == (status, body)


async def test_it_says_where_it_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wye")
    source = new_source()
    assert source.listens == ["http://127.0.0.1:0"]
    async with serving(source) as port:
        assert port > 0
        assert source.listens == [f"http://127.0.0.1:{port}"]
        assert f"source web: listening on http://127.0.0.1:{port}" in caplog.text


async def test_a_port_in_use_is_a_start_error_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"^cannot listen on 127.0.0.1:{port}: address already in use; stop"):
            await new_source(address=f"127.0.0.1:{port}").run(FakeIntake())


async def test_an_unknown_host_is_a_start_error() -> None:
    with pytest.raises(StartError, match=r"cannot listen on no-such-host\.invalid:80: the host name is not known"):
        await new_source(address="no-such-host.invalid:80").run(FakeIntake())


async def test_it_listens_on_ipv6_where_there_is_any() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    source = new_source(address="[::1]:0")
    async with serving(source):
        assert source.listens[0].startswith("http://[::1]:")
        stream = await trio.open_tcp_stream("::1", port_of(source))
        async with Client(stream) as client:
            assert (await client.ask(get())).status == 200


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, folder: Path, client_ca: bool = False) -> ServerTls:
    leaf = authority.issue_cert("localhost")
    certificate, key, ca = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    leaf.private_key_pem.write_to_path(str(key))
    for i, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(str(certificate), append=i > 0)
    authority.cert_pem.write_to_path(str(ca))
    return ServerTls(certificate=str(certificate), key=str(key), client_ca=str(ca) if client_ca else None)


async def secure_client(port: int, authority: trustme.CA, *, identified: bool = False) -> Client:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    if identified:
        authority.issue_cert("client@example.org").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    plain = await trio.open_tcp_stream("127.0.0.1", port)
    return Client(trio.SSLStream(plain, context, server_hostname="localhost"))


async def test_https(authority: trustme.CA, tmp_path: Path) -> None:
    source = new_source(tls=server_tls(authority, tmp_path))
    async with serving(source) as port, await secure_client(port, authority) as client:
        assert source.listens == [f"https://127.0.0.1:{port}"]
        for body in (b"x" * 10, b"y" * 200_000):
            assert (await client.ask(post(body, "/echo"))).body == body
        assert (await client.ask(get("/ping", "Connection: close"))).body == b"pong"
        assert await client.ended()


async def test_a_failed_handshake_costs_only_itself(authority: trustme.CA, tmp_path: Path) -> None:
    async with serving(new_source(tls=server_tls(authority, tmp_path))) as port:
        async with await connect(port) as plain:
            await plain.send(get())
            await plain.ended()
        async with await secure_client(port, trustme.CA()) as doubting:
            with pytest.raises(trio.BrokenResourceError):
                await doubting.ask(get())
        async with await secure_client(port, authority) as client:
            assert (await client.ask(get())).status == 200


async def test_a_handshake_that_stalls_is_ended(authority: trustme.CA, tmp_path: Path) -> None:
    async with serving(new_source(tls=server_tls(authority, tmp_path), header_timeout_secs=0.1)) as port:
        async with await connect(port) as silent:
            assert await silent.ended()


async def test_clients_without_a_certificate_are_turned_away_where_one_is_asked_for(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with serving(new_source(tls=server_tls(authority, tmp_path, client_ca=True))) as port:
        async with await secure_client(port, authority) as nobody:
            with pytest.raises((trio.BrokenResourceError, EOFError)):
                await nobody.ask(get())
        async with await secure_client(port, authority, identified=True) as somebody:
            assert (await somebody.ask(get())).status == 200


@pytest.mark.parametrize("missing", ["certificate", "client_ca"])
async def test_missing_files_are_start_errors(authority: trustme.CA, tmp_path: Path, missing: str) -> None:
    tls = server_tls(authority, tmp_path, client_ca=True)
    path = getattr(tls, missing)
    Path(path).unlink()
    with pytest.raises(StartError, match=rf"cannot use tls\.{missing} {path}.*: no such file"):
        await new_source(tls=tls).run(FakeIntake())


async def test_a_file_that_is_no_certificate_is_a_start_error(authority: trustme.CA, tmp_path: Path) -> None:
    tls = server_tls(authority, tmp_path)
    Path(tls.certificate).write_text("not PEM")
    with pytest.raises(StartError, match="expected PEM files that belong together"):
        await new_source(tls=tls).run(FakeIntake())
