"""The HTTP source: one port, the endpoints of all its adapters."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

import trio

from wye.net import bound_address, listen, server_context
from wye.plugin import Endpoint, Intake, SourceContext
from wye_plugins.http.claims import Endpoints
from wye_plugins.http.config import HttpSourceOptions
from wye_plugins.http.reception import attend
from wye_plugins.http.server import Server
from wye_plugins.http.site import Site

log = logging.getLogger("wye.http")


class HttpSource:
    """Raises ``ValueError`` when there is no adapter, or one without an HTTP endpoint."""

    def __init__(self, options: HttpSourceOptions, context: SourceContext) -> None:
        self._options = options
        self._endpoints = _endpoints(context)
        self._adapters = [adapter.name for adapter in context.adapters]
        self._scheme = "http" if options.tls is None else "https"
        self._listens = [f"{self._scheme}://{options.address}"]

    @property
    def listens(self) -> Sequence[str]:
        return self._listens

    async def run(self, intake: Intake, /, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until wye stops taking in events and the last answer is out. Raises ``StartError`` when it cannot listen."""
        options = self._options
        tls = None if options.tls is None else server_context(options.tls)
        listeners = [socket.socket(fileno=one.socket.detach()) for one in await listen(options.address)]
        try:
            self._listens = [f"{self._scheme}://{bound_address(listener)}" for listener in listeners]
            site = Site(options, Endpoints(self._endpoints, intake.name, self._adapters), intake)
            server = Server(site, tls)
            log.info("source %s: listening on %s", intake.name, ", ".join(self._listens))
            async with trio.open_nursery() as beside:
                beside.start_soon(server.sweep)
                beside.start_soon(attend, site)
                await _serve(server, listeners, intake, task_status)
                beside.cancel_scope.cancel()
        finally:
            _close(listeners)


async def _serve(
    server: Server, listeners: Sequence[socket.socket], intake: Intake, task_status: trio.TaskStatus[None]
) -> None:
    """The connections' nursery outlives the accepting: at the end the answers under way are still given."""
    async with trio.open_nursery() as connections:
        task_status.started()
        with intake.until_stopped():
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(server.accept, listener, connections)
        _close(listeners)
        server.stop()


def _close(listeners: Sequence[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def _endpoints(context: SourceContext) -> list[Endpoint]:
    endpoints = [adapter.endpoint for adapter in context.adapters]
    if not endpoints:
        raise ValueError("an http source needs at least one adapter")
    for adapter, endpoint in zip(context.adapters, endpoints, strict=True):
        if endpoint is None:
            raise ValueError(f'adapter "{adapter.name}" has no HTTP endpoint; use it with a file or websocket source instead')
    return [endpoint for endpoint in endpoints if endpoint is not None]
