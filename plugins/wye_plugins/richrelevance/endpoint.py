"""RichRelevance's WebSocket API, seen from either end: where the stream is, and who may have it.

The vendor's page contradicts itself: its samples put the site key into the path and call the client's key ``clientApiKey``;
its table has ``apiKey`` and ``apiClientKey`` as parameters. Both are understood; the samples' form is written. All words are
case-sensitive. What the vendor answers to bad credentials is documented nowhere: here it is 401 when they are missing
and 403 when they are wrong.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from wye.message import Head, Reply

PATH = "/upsevents/api/v2/service/UserProfileStream"

_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_NOT_FOUND = Reply(404, _TEXT, b"no such stream; it is at " + PATH.encode() + b"/{apiKey}\n")


class RichRelevanceStream:
    """The stream with its three credentials; each is checked where it is configured, and added to a URL that lacks it."""

    def __init__(self, api_key: str | None, client_api_key: str | None, client_secret: str | None) -> None:
        self._api_key = api_key
        self._client_api_key = client_api_key
        self._client_secret = client_secret

    def admit(self, head: Head) -> Reply | None:
        """``None`` for the vendor's path with the configured credentials; 404, 401 or 403 otherwise."""
        if head.path != PATH and not head.path.startswith(PATH + "/"):
            return _NOT_FOUND
        in_path = head.path[len(PATH) + 1 :]
        if "/" in in_path and in_path != self._api_key:
            return _NOT_FOUND
        given = (
            ("apiKey", self._api_key, in_path or head.query.get("apiKey")),
            ("clientApiKey", self._client_api_key, _client_api_key(head.query)),
            ("clientSecret", self._client_secret, head.query.get("clientSecret")),
        )
        checked = [(name, expected, found) for name, expected, found in given if expected]
        for name, _, found in checked:
            if not found:
                return Reply(401, _TEXT, f"{name} is missing\n".encode())
        # All are compared, so that the time it takes does not say which one was wrong.
        right = [hmac.compare_digest(expected.encode(), (found or "").encode()) for _, expected, found in checked]
        return None if all(right) else Reply(403, _TEXT, b"these credentials do not open this stream\n")

    def connect_url(self, url: str) -> str:
        """``url`` with the vendor's path, where it has none, and the credentials that it lacks. Whatever it has stays."""
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        path = PATH if parts.path in ("", "/") else parts.path
        if self._api_key and "apiKey" not in query and path.rstrip("/").endswith("/UserProfileStream"):
            path = f"{path.rstrip('/')}/{quote(self._api_key, safe='')}"
        added: list[str] = []
        if self._client_api_key and "clientApiKey" not in query and "apiClientKey" not in query:
            added.append(f"clientApiKey={quote(self._client_api_key, safe='')}")
        if self._client_secret and "clientSecret" not in query:
            added.append(f"clientSecret={quote(self._client_secret, safe='')}")
        joined = "&".join(([parts.query] if parts.query else []) + added)
        return urlunsplit(parts._replace(path=path, query=joined))


def _client_api_key(query: Mapping[str, str]) -> str | None:
    return query.get("clientApiKey") or query.get("apiClientKey")
