"""TLS of the sink: whom it trusts, and who it is."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec
import pytest
import trustme

from plugins.http.sink_kit import OK, Recorder, new_sink, recording, verdicts_of
from wye.net import ClientTls
from wye.plugin import StartError
from wye.verdict import DELIVERED

pytestmark = pytest.mark.usefixtures("way")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def ca_file(authority: trustme.CA, folder: Path) -> str:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


async def test_https_with_an_own_authority(authority: trustme.CA, tmp_path: Path) -> None:
    async with recording(Recorder(), server_context(authority)) as port:
        tls = ClientTls(ca=ca_file(authority, tmp_path))
        assert await verdicts_of(new_sink(f"https://127.0.0.1:{port}", tls=tls), "a") == [DELIVERED]


async def test_https_with_a_client_certificate(authority: trustme.CA, tmp_path: Path) -> None:
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    authority.issue_cert("me@example.org").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    async with recording(Recorder(), context) as port:
        tls = ClientTls(ca=ca_file(authority, tmp_path), certificate=str(tmp_path / "me.pem"))
        assert await verdicts_of(new_sink(f"https://127.0.0.1:{port}", tls=tls), "a") == [DELIVERED]


async def test_a_certificate_that_is_not_trusted_holds_the_events(authority: trustme.CA) -> None:
    async with recording(Recorder(), server_context(authority)) as port:
        (verdict,) = await verdicts_of(new_sink(f"https://127.0.0.1:{port}"), "a")
        assert verdict.kind == "hold"
        assert verdict.reason.startswith(f"certificate of 127.0.0.1:{port} not accepted: ")
        unchecked = new_sink(f"https://127.0.0.1:{port}", tls=ClientTls(verify=False))
        assert await verdicts_of(unchecked, "a") == [DELIVERED]


async def test_tls_to_a_port_that_speaks_none_is_busy() -> None:
    async with recording(Recorder()) as port:
        (verdict,) = await verdicts_of(new_sink(f"https://127.0.0.1:{port}", timeout_secs=2, connect_timeout_secs=0.2), "a")
    assert verdict.kind == "busy"


@pytest.mark.parametrize("option", ["ca", "certificate"])
async def test_missing_files_are_start_errors(option: str, tmp_path: Path) -> None:
    path = str(tmp_path / "none.pem")
    with pytest.raises(StartError, match=rf"cannot use tls\.{option} {path}: no such file or directory"):
        await verdicts_of(new_sink("https://127.0.0.1:1", tls=msgspec.convert({option: path}, ClientTls)), "a")


async def test_a_connection_over_tls_is_kept(authority: trustme.CA, tmp_path: Path) -> None:
    recorder = Recorder(OK, OK)
    async with recording(recorder, server_context(authority)) as port:
        tls = ClientTls(ca=ca_file(authority, tmp_path))
        assert await verdicts_of(new_sink(f"https://127.0.0.1:{port}", tls=tls), "a", "b") == [DELIVERED, DELIVERED]
    assert len(recorder.bodies) == 2
    assert recorder.connections <= 2, "the probe's, and one for both requests"


async def test_a_body_that_does_not_fit_into_one_write(authority: trustme.CA, tmp_path: Path) -> None:
    recorder = Recorder()
    async with recording(recorder, server_context(authority)) as port:
        tls = ClientTls(ca=ca_file(authority, tmp_path))
        assert await verdicts_of(new_sink(f"https://127.0.0.1:{port}", tls=tls), "a" * 5_000_000) == [DELIVERED]
    assert recorder.bodies == [b"a" * 5_000_000]
