"""Packs envelopes into requests to the collector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wye.event import Event
from wye.lots import lots
from wye.message import HttpRequest, Shipment
from wye.plugin import Limits
from wye.values import header_text


class Packer:
    """Sorts envelopes by user agent, and cuts each lot within ``limits``.

    The vendor looks at a request's user agent and drops the whole of it when that is a crawler's. So shoppers' own user agents
    go out as they came, and no crawler takes others with it.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        self._limits = limits

    def requests(self, shipment: Shipment) -> Iterator[HttpRequest]:
        """The shipment's requests; the events of one user agent keep their order."""
        for agent, indices in lots(shipment, _user_agent, self._limits):
            yield self._request(agent, indices, shipment.documents)

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
    return None if event.device is None else header_text(event.device.user_agent)
