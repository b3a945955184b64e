"""Packs documents into requests to ``/collect``."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from wye.event import Event
from wye.lots import lots
from wye.message import HttpRequest, Shipment
from wye.plugin import Limits
from wye.values import header_text

_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}", re.ASCII)


class Client(Struct, frozen=True):
    """What all events of a request share: the app, and the shopper's address and program, which travel as headers."""

    app_id: str
    ip: str | None = None
    user_agent: str | None = None


class Packer:
    """Sorts documents by app and client, and cuts each lot within ``limits``."""

    def __init__(self, app_of: Callable[[Event], str], limits: Limits, *, compress: bool, hash_code: bool) -> None:
        self._app_of = app_of
        self._limits = limits
        self._compress = compress
        self._hash_code = hash_code

    def requests(self, shipment: Shipment) -> Iterator[HttpRequest]:
        """The shipment's requests; within one client its events keep their order."""
        for client, indices in lots(shipment, self._client, self._limits):
            yield self._request(client, indices, shipment)

    def _client(self, event: Event) -> Client:
        device = event.device
        if device is None:
            return Client(self._app_of(event))
        ip = device.ip if device.ip and _ADDRESS.fullmatch(device.ip) else None
        return Client(self._app_of(event), ip, header_text(device.user_agent))

    def _request(self, client: Client, indices: list[int], shipment: Shipment) -> HttpRequest:
        body = b"[" + b",".join([shipment.documents[index] for index in indices]) + b"]"
        query = {"appId": client.app_id}
        platform = _shared_platform([shipment.events[index] for index in indices])
        if platform:
            query["platform"] = platform
        if self._compress:
            body = base64.b64encode(gzip.compress(body, mtime=0))
            query["compression"] = "gzip"
        if self._hash_code:
            query["hashCode"] = hashlib.sha256(body).hexdigest()[:8]
        return HttpRequest(indices, body, query=query, headers=_headers(client))


def _shared_platform(events: Sequence[Event]) -> str | None:
    platforms = {event.device.platform if event.device else None for event in events}
    return platforms.pop() if len(platforms) == 1 else None


def _headers(client: Client) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if client.ip:
        headers["X-Forwarded-For"] = client.ip
    if client.user_agent:
        headers["User-Agent"] = client.user_agent
    return headers
