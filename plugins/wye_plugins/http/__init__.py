"""HTTP: a source that serves any number of vendors' endpoints on one port, and a sink that posts to a vendor.

To read in this order:

- ``config``: the options of both.
- The source: ``source`` listens; ``server`` holds the connections, and ``site`` what they share; ``connection`` is one client's
  life, over the bytes of a ``link``; the ``reception`` answers many of them together, where nobody has to wait. ``protocol``
  makes requests of bytes; ``head`` says what follows from a head, ``claims`` which endpoint a request belongs to; ``asking``
  is its way to a reply, ``settlement`` the word that it may have to wait for; ``body`` bounds what is held; ``answer``
  makes bytes of replies.
- The sink: ``sink`` puts verdicts on events; ``client`` is one exchange with the vendor, ``reason`` why there was none. Plain
  requests go the ``lean`` way, over connections that are ``kept``, and ``incoming`` makes answers of their bytes; the others go
  the ``thorough`` one, which is httpx.

The parser and the client are imported when a part is built, not here: whoever uses neither does not pay for them.
"""

from __future__ import annotations

from wye.plugin import Batching, SinkContext, SinkPart, Source, SourceContext, SourcePart, Transport, hookimpl
from wye_plugins.http.config import HttpSinkOptions, HttpSourceOptions


def build_source(options: HttpSourceOptions, context: SourceContext) -> Source:
    """Raises ``ValueError`` when an adapter has no HTTP endpoint."""
    from wye_plugins.http.source import HttpSource

    return HttpSource(options, context)


def build_sink(options: HttpSinkOptions, context: SinkContext) -> Transport:
    """Raises ``ValueError`` when the adapter does not make HTTP requests, or when nobody says where to send them."""
    from wye_plugins.http.sink import HttpSink

    return HttpSink(options, context)


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("http", HttpSourceOptions, build_source, adapters="many", spreads=lambda _: True)]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    batching = Batching(max_events=100, max_bytes=524_288, linger_secs=0.05)
    return [SinkPart("http", HttpSinkOptions, build_sink, batching=batching)]
