"""WebSocket in both directions: a source and a sink, each as a client (``url``) or as a server (``address``)."""

from __future__ import annotations

from wye.plugin import Batching, SinkContext, SinkPart, Source, SourceContext, SourcePart, Transport, hookimpl
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions


def build_source(options: WebSocketSourceOptions, context: SourceContext) -> Source:
    """Raises ``ValueError`` when ``url`` is given with several adapters."""
    from wye_plugins.websocket import parts

    return parts.source(options, context)


def build_sink(options: WebSocketSinkOptions, context: SinkContext) -> Transport:
    """A sink that serves subscribers or sends to a server."""
    from wye_plugins.websocket import parts

    return parts.sink(options, context)


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("websocket", WebSocketSourceOptions, build_source, adapters="many")]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    return [SinkPart("websocket", WebSocketSinkOptions, build_sink, Batching(max_events=1000, linger_secs=0))]
