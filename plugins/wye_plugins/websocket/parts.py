"""Builds the sources and sinks from their options. Imported when the first of them is built: it pulls in trio-websocket."""

from __future__ import annotations

from wye.plugin import SinkContext, Source, SourceContext, Stream, Transport
from wye.retry import Backoff
from wye_plugins.websocket.client import WebSocketClientSource
from wye_plugins.websocket.config import WebSocketSinkOptions, WebSocketSourceOptions
from wye_plugins.websocket.dial import Dial
from wye_plugins.websocket.listen import WebSocketListenSource
from wye_plugins.websocket.push import WebSocketPushSink
from wye_plugins.websocket.receive import ReceiveLimits
from wye_plugins.websocket.serve import WebSocketServeSink


def source(options: WebSocketSourceOptions, context: SourceContext) -> Source:
    """Raises ``ValueError`` when ``url`` is given with several adapters."""
    limits = ReceiveLimits(
        options.max_message_bytes,
        options.max_batch_events,
        options.ping_interval_secs,
        options.ping_timeout_secs,
        options.silence_timeout_secs,
    )
    if options.url is None:
        return WebSocketListenSource(context.name, options, limits, context.adapters)
    if len(context.adapters) != 1:
        raise ValueError(f"`url` takes exactly one adapter, and there are {len(context.adapters)}")
    adapter = context.adapters[0]
    dial = _dial(options, options.url, adapter.stream)
    return WebSocketClientSource(context.name, dial, adapter.decoder, limits, _backoff(options))


def sink(options: WebSocketSinkOptions, context: SinkContext) -> Transport:
    """Either kind of sink."""
    stream = context.adapter.stream
    if options.url is None:
        return WebSocketServeSink(context.name, options, stream)
    dial = _dial(options, options.url, stream)
    ping = options.ping_interval_secs, options.ping_timeout_secs
    return WebSocketPushSink(context.name, dial, _backoff(options), *ping)


def _dial(options: WebSocketSourceOptions | WebSocketSinkOptions, url: str, stream: Stream | None) -> Dial:
    whole = url if stream is None else stream.connect_url(url)
    return Dial(whole, options.headers, options.tls, options.connect_timeout_secs, options.max_message_bytes)


def _backoff(options: WebSocketSourceOptions | WebSocketSinkOptions) -> Backoff:
    return Backoff(options.reconnect.first_secs, options.reconnect.max_secs)
