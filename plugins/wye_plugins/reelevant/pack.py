"""Packs envelopes into requests to the collector."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wye.event import Event
from wye.message import HttpRequest, Shipment
from wye.plugin import Limits

_HEADER_TEXT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)


class Packer:
    """Sorts envelopes by user agent, and cuts each lot within ``limits``.

    The vendor looks at a request's user agent and drops the whole of it when that is a crawler's. So shoppers' own user agents
    go out as they came, and no crawler takes others with it.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        self._max_events = limits.max_events or 1
        self._max_bytes = (limits.max_bytes or 0) - limits.overhead_bytes

    def requests(self, shipment: Shipment) -> Iterator[HttpRequest]:
        """The shipment's requests; the events of one user agent keep their order."""
        lots: dict[str | None, list[int]] = {}
        for index, event in enumerate(shipment.events):
            lots.setdefault(_user_agent(event), []).append(index)
        for agent, indices in lots.items():
            for chunk in self._chunks(indices, shipment.documents):
                yield self._request(agent, chunk, shipment.documents)

    def _chunks(self, indices: Sequence[int], documents: Sequence[bytes]) -> Iterator[list[int]]:
        chunk: list[int] = []
        size = 0
        for index in indices:
            length = len(documents[index]) + 1
            # The last document of a request has no comma behind it.
            if chunk and (len(chunk) == self._max_events or size + length - 1 > self._max_bytes):
                yield chunk
                chunk, size = [], 0
            chunk.append(index)
            size += length
        if chunk:
            yield chunk

    def _request(self, agent: str | None, indices: list[int], documents: Sequence[bytes]) -> HttpRequest:
        """One envelope goes as the vendor's own clients send it, several as an array."""
        body = b",".join([documents[index] for index in indices])
        if len(indices) > 1:
            body = b"[" + body + b"]"
        headers = {"Content-Type": "application/json"}
        if agent:
            headers["User-Agent"] = agent
        return HttpRequest(indices, body, path=self._path, headers=headers)


def _user_agent(event: Event) -> str | None:
    agent = event.device and event.device.user_agent
    return agent if agent and _HEADER_TEXT.fullmatch(agent) else None
