"""google-auth against a token endpoint and a metadata server on 127.0.0.1."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import _helpers
from google.auth.compute_engine import _metadata

from wye.message import Reply
from wye.plugin import AuthError
from wye.testing import HttpPartner, Post
from wye_plugins.google_retail import GoogleRetailSinkOptions, build_sink
from wye_plugins.google_retail.auth import SCOPE, GoogleAuth

JSON = (("Content-Type", "application/json"), ("Metadata-Flavor", "Google"))


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def key_file(folder: Path, pem: str, partner: HttpPartner) -> str:
    file = folder / "key.json"
    account = {
        "type": "service_account",
        "private_key": pem,
        "private_key_id": "k1",
        "client_email": "wye@shop.iam.gserviceaccount.com",
        "token_uri": f"{partner.url}/token",
    }
    file.write_text(json.dumps(account))
    return str(file)


class Tokens:
    """Gives tokens t1, t2, …, or what ``refuse`` says."""

    def __init__(self, expires_in: int = 3600) -> None:
        self.given = 0
        self.expires_in = expires_in
        self.refuse: Reply | None = None

    def __call__(self, post: Post) -> Reply:
        if self.refuse is not None:
            return self.refuse
        if "/service-accounts/" in post.target and not post.target.partition("?")[0].endswith("token"):
            return Reply(200, JSON, b'{"email":"machine@shop.iam.gserviceaccount.com","scopes":["x"]}')
        self.given += 1
        token = {"access_token": f"t{self.given}", "expires_in": self.expires_in, "token_type": "Bearer"}
        return Reply(200, JSON, json.dumps(token).encode())


async def token_of(auth: GoogleAuth) -> str:
    return (await auth.headers())["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets google-auth's clock run ahead."""
    real: Any = _helpers.utcnow

    def run_ahead(secs: float) -> None:
        def ahead() -> datetime:
            return real() + timedelta(seconds=secs)

        monkeypatch.setattr(_helpers, "utcnow", ahead)

    return run_ahead


async def test_a_service_account_signs_for_a_token_and_keeps_it(tmp_path: Path, pem: str) -> None:
    async with HttpPartner(Tokens()).listening() as partner:
        auth = GoogleAuth("service_account", key_file(tmp_path, pem, partner))
        assert [await token_of(auth) for _ in range(3)] == ["t1", "t1", "t1"]
    (post,) = partner.posts
    asked = parse_qs(post.body.decode())
    assert asked["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = msgspec.json.decode(_padded(asked["assertion"][0].split(".")[1]))
    assert (claims["iss"], claims["scope"]) == ("wye@shop.iam.gserviceaccount.com", SCOPE)


def _padded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_a_token_is_renewed_before_it_expires(tmp_path: Path, pem: str, later: Callable[[float], None]) -> None:
    async with HttpPartner(Tokens()).listening() as partner:
        auth = GoogleAuth("service_account", key_file(tmp_path, pem, partner))
        assert await token_of(auth) == "t1"
        later(3600 - 300)
        assert await token_of(auth) == "t1"
        later(3600 - 200)
        assert await token_of(auth) == "t2"


async def test_while_the_old_token_serves_a_failed_renewal_is_only_said_once(
    tmp_path: Path, pem: str, later: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wye")
    tokens = Tokens()
    async with HttpPartner(tokens).listening() as partner:
        auth = GoogleAuth("service_account", key_file(tmp_path, pem, partner))
        await token_of(auth)
        tokens.refuse = Reply(400, JSON, b'{"error":"invalid_grant","error_description":"s3cret"}')
        later(3600 - 200)
        assert [await token_of(auth), await token_of(auth)] == ["t1", "t1"]
        tokens.refuse = None
        assert await token_of(auth) == "t2"
    assert len(caplog.messages) == 2
    assert "invalid_grant" in caplog.messages[0]
    assert not any(secret in caplog.text for secret in ("s3cret", "t1", "t2", "PRIVATE"))


async def test_a_refused_account_is_the_operators_fault(tmp_path: Path, pem: str) -> None:
    tokens = Tokens()
    tokens.refuse = Reply(401, JSON, b'{"error":"invalid_client","error_description":"s3cret"}')
    async with HttpPartner(tokens).listening() as partner:
        with pytest.raises(AuthError, match=r"no access token for the service account in .*: invalid_client$") as found:
            await GoogleAuth("service_account", key_file(tmp_path, pem, partner)).headers()
    assert not found.value.passing


async def test_a_token_endpoint_that_cannot_be_reached_may_pass(tmp_path: Path, pem: str) -> None:
    async with HttpPartner().listening() as partner:
        file = key_file(tmp_path, pem, partner)
    with pytest.raises(AuthError, match="TransportError") as found:
        await GoogleAuth("service_account", file).headers()
    assert found.value.passing


@pytest.mark.parametrize("answer", [b"[]", b"null", b'{"access_token":"t","expires_in":1e400}', b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_token_endpoint_that_answers_like_none_costs_no_event_an_attempt(
    tmp_path: Path, pem: str, answer: bytes, status: int
) -> None:
    tokens = Tokens()
    tokens.refuse = Reply(status, JSON, answer)
    async with HttpPartner(tokens).listening() as partner:
        with pytest.raises(AuthError, match="no access token for the service account in "):
            await GoogleAuth("service_account", key_file(tmp_path, pem, partner)).headers()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://user:s3cret@127.0.0.1:9"),
        ("HTTP_PROXY", "http://user:s3cret@[::"),
        ("HTTP_PROXY", "s3cret://127.0.0.1"),
        ("SSL_CERT_FILE", "/s3cret"),
    ],
)
async def test_an_environment_that_cannot_be_used_is_the_operators_fault(
    tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    async with HttpPartner(Tokens()).listening() as partner:
        with pytest.raises(AuthError, match=r"no access token .*: look at HTTPS_PROXY, .* and SSL_CERT_FILE") as found:
            await GoogleAuth("service_account", key_file(tmp_path, pem, partner)).headers()
    assert not found.value.passing
    assert "s3cret" not in str(found.value)


async def test_a_key_file_that_names_no_url_for_tokens_costs_no_event_an_attempt(tmp_path: Path, pem: str) -> None:
    async with HttpPartner().listening() as partner:
        file = Path(key_file(tmp_path, pem, partner))
    account = json.loads(file.read_text())
    for uri in ("http://1.2.3.999/", 5):
        file.write_text(json.dumps({**account, "token_uri": uri}))
        with pytest.raises(AuthError, match="no access token for the service account in "):
            await GoogleAuth("service_account", str(file)).headers()


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"type":"authorized_user"}', "s3cret"])
async def test_a_key_file_that_is_none_is_the_operators_fault(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(AuthError, match="credentials_file") as found:
        await GoogleAuth("service_account", str(file)).headers()
    assert not found.value.passing
    assert "s3cret" not in str(found.value)


async def test_a_key_file_that_was_replaced_is_read_again(tmp_path: Path, pem: str, autojump_clock: Any) -> None:
    file = tmp_path / "key.json"
    auth = GoogleAuth("service_account", str(file))
    with pytest.raises(AuthError):
        await auth.headers()
    await auth.invalidate()
    file.write_text('{"type":"service_account"}')
    with pytest.raises(AuthError, match="is no key file"):
        await auth.headers()


async def test_a_token_that_was_refused_is_replaced_unless_it_is_brand_new(
    tmp_path: Path, pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with HttpPartner(Tokens()).listening() as partner:
        auth = GoogleAuth("service_account", key_file(tmp_path, pem, partner))
        assert await token_of(auth) == "t1"
        await auth.invalidate()
        assert await token_of(auth) == "t1"
        monkeypatch.setattr("wye_plugins.google_retail.auth._FRESH_SECS", 0.0)
        await auth.invalidate()
        assert await token_of(auth) == "t2"


async def test_the_metadata_server_gives_a_machine_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with HttpPartner(Tokens()).listening() as partner:
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"127.0.0.1:{partner.port}")
        assert await token_of(GoogleAuth("metadata")) == "t1"
    assert partner.posts[-1].target.startswith("/computeMetadata/v1/instance/service-accounts/default/token")
    assert partner.posts[-1].headers["metadata-flavor"] == "Google"


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def options(**given: str) -> GoogleRetailSinkOptions:
    return msgspec.convert(given, GoogleRetailSinkOptions)


def test_a_credentials_file_means_a_service_account() -> None:
    assert isinstance(build_sink(options(credentials_file="key.json")).auth, GoogleAuth)
    assert isinstance(build_sink(options(auth="metadata")).auth, GoogleAuth)
    assert build_sink(options()).auth is None
    assert build_sink(options(auth="none")).auth is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"auth": "service_account"}, "expected a `credentials_file`"),
        ({"auth": "metadata", "credentials_file": "k"}, "`credentials_file` is for"),
        ({"auth": "none", "credentials_file": "k"}, "`credentials_file` is for"),
        ({"auth": "password"}, "auth"),
    ],
)
def test_options_that_cannot_work_are_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        options(**given)


def test_without_google_auth_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wye_plugins.google_retail.auth", None)
    with pytest.raises(ValueError, match=r'pip install "wye\[google\]"'):
        build_sink(options(auth="metadata"))
