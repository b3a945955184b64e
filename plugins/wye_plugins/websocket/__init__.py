"""WebSocket in both directions: a source and a sink, each as a client (``url``) or as a server (``address``).

To read in this order:

- ``config``: the options.
- What a connection is: ``link`` is an open one; ``dial`` makes one to a server, ``door`` lets clients in; ``watch`` finds out
  when one is dead, and ``outage`` says in the log when one is lost and back.
- The sources: ``client`` (``url``) and ``listen`` (``address``) both ``receive`` messages, which gather in an ``inbox``.
- The sinks: ``push`` (``url``), and ``serve`` (``address``) with one ``subscription`` for each subscriber.

trio-websocket is imported when a part is built, not here: whoever does not use it does not pay for it.
"""

from __future__ import annotations

from wye.options import OptionsError
from wye.plugin import Batching, SinkContext, SinkPart, Source, SourceContext, SourcePart, Transport, hookimpl
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions


def build_source(options: WebSocketSourceOptions, context: SourceContext) -> Source:
    """Raises ``ValueError`` when ``url`` is given with several adapters."""
    if options.url is None:
        from wye_plugins.websocket.listen import WebSocketListenSource

        return WebSocketListenSource(options, context)
    from wye_plugins.websocket.client import WebSocketClientSource

    return WebSocketClientSource(options, context)


def build_sink(options: WebSocketSinkOptions, context: SinkContext) -> Transport:
    """A sink that serves subscribers or sends to a server. Raises ``OptionsError`` when several workers would serve."""
    if options.url is None:
        if context.workers > 1:
            message = f"each of {context.workers} workers would serve its own events only; use url, or leave workers out"
            raise OptionsError([(("address",), message)])
        from wye_plugins.websocket.serve import WebSocketServeSink

        return WebSocketServeSink(options, context)
    from wye_plugins.websocket.push import WebSocketPushSink

    return WebSocketPushSink(options, context)


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("websocket", WebSocketSourceOptions, build_source, adapters="many", spreads=_listens)]


def _listens(options: WebSocketSourceOptions) -> bool:
    return options.address is not None


@hookimpl
def wye_sinks() -> list[SinkPart]:
    return [SinkPart("websocket", WebSocketSinkOptions, build_sink, Batching(max_events=1000, linger_secs=0, requests=False))]
