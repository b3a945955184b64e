"""Google's access tokens: for a service account, from its key file, or for the machine, from the metadata server.

google-auth does the work. It blocks, so it runs in a thread; one refresh at a time, and well before the old token expires. A
token or a key never goes into a message.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, cast

import google.auth.exceptions as failures
import httpx
import trio
from google.auth import transport
from google.auth.compute_engine import Credentials as MachineCredentials
from google.auth.credentials import TokenState
from google.oauth2 import service_account

from wye.plugin import AuthError
from wye.words import cut

log = logging.getLogger("wye.google_retail")

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_SECS = 20.0
_FRESH_SECS = 10.0


class GoogleAuth:
    """Header fields with an access token. ``kind`` says whose; ``credentials_file`` is the key of a service account."""

    def __init__(self, kind: Literal["service_account", "metadata"], credentials_file: str | None = None) -> None:
        self._kind = kind
        self._file = credentials_file
        self._credentials: Any | None = None
        self._lock = trio.Lock()
        self._refreshed_at = -_FRESH_SECS
        self._struggling = False

    async def headers(self) -> Mapping[str, str]:
        """Raises ``AuthError``."""
        async with self._lock:
            state = TokenState.INVALID if self._credentials is None else self._credentials.token_state
            fresh: Any = self._credentials
            if state is not TokenState.FRESH:
                fresh = await self._refresh(needed=state is TokenState.INVALID)
            return {"Authorization": f"Bearer {fresh.token}"}

    async def invalidate(self) -> None:
        """Forget the token, and what was read from the key file, which may have been replaced. A token that has only just been
        obtained is kept: another would be refused as well."""
        async with self._lock:
            if trio.current_time() - self._refreshed_at >= _FRESH_SECS:
                self._credentials = None

    async def _refresh(self, *, needed: bool) -> Any:
        """Credentials with a new token. Where the old one still serves, a failure is only said."""
        try:
            self._credentials = await trio.to_thread.run_sync(self._refreshed, self._credentials, abandon_on_cancel=True)
        except AuthError as error:
            if needed:
                raise
            if not self._struggling:
                self._struggling = True
                log.warning("cannot renew the access token, which expires soon: %s", error)
            return self._credentials
        self._refreshed_at = trio.current_time()
        if self._struggling:
            self._struggling = False
            log.info("the access token is renewed again")
        return self._credentials

    # ── in a thread ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refreshed(self, credentials: Any) -> Any:
        if credentials is None:
            credentials = self._loaded()
        with self._client() as client:
            try:
                credentials.refresh(Exchange(client))
            except failures.RefreshError as error:
                raise _refused(error, self._whom()) from None
            except Exception as error:  # google-auth takes an answer for what it should be, and raises whatever comes of it
                raise AuthError(f"no access token for {self._whom()}: {type(error).__name__}", passing=True) from None
        return credentials

    def _client(self) -> httpx.Client:
        """Raises ``AuthError`` for what the environment says and nobody can use. Its text may hold a proxy's password."""
        try:
            # The metadata server is on this machine's own network, whatever proxy the environment names.
            return httpx.Client(timeout=_TIMEOUT_SECS, trust_env=self._kind == "service_account")
        except Exception as error:
            raise AuthError(
                f"no access token for {self._whom()}: look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE of"
                f" the environment, which cannot be used ({type(error).__name__})"
            ) from None

    def _loaded(self) -> Any:
        if self._kind == "metadata":
            return MachineCredentials(scopes=[SCOPE])
        file = cast(str, self._file)
        try:
            account: Any = service_account.Credentials
            return account.from_service_account_file(file, scopes=[SCOPE])
        except OSError as error:
            raise AuthError(f"cannot read `credentials_file` {file}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, failures.GoogleAuthError):
            raise AuthError(f"`credentials_file` {file} is no key file of a service account (JSON)") from None

    def _whom(self) -> str:
        return f"the service account in {self._file}" if self._kind == "service_account" else "this machine's service account"


def _refused(error: failures.RefreshError, whom: str) -> AuthError:
    """Google's word for it (``invalid_grant``) at the most: the rest of such an exception may quote what was sent."""
    causes = [error.__cause__, *error.args]
    passing = bool(cast(Any, error).retryable) or any(isinstance(cause, failures.TransportError) for cause in causes)
    words = [str(cast(dict[str, Any], one)["error"]) for one in error.args if isinstance(one, dict) and "error" in one]
    return AuthError(f"no access token for {whom}: {cut(words[0], 60) if words else 'refused'}", passing=passing)


class Exchange(transport.Request):
    """google-auth's way to make a request, by httpx."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Answer:
        try:
            found = self._client.request(
                method, url, content=body, headers=dict(headers or {}), timeout=timeout or _TIMEOUT_SECS
            )
        except httpx.HTTPError as error:
            raise failures.TransportError(type(error).__name__) from error
        return Answer(found)


class Answer(transport.Response):
    """google-auth's view of an answer."""

    def __init__(self, found: httpx.Response) -> None:
        self._found = found

    @property
    def status(self) -> int:
        return self._found.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._found.headers

    @property
    def data(self) -> bytes:
        return self._found.content
