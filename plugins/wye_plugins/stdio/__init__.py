"""Standard input as a source, standard output as a sink: JSON lines."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from wye.options import Bytes, Options, OptionsError
from wye.plugin import Batching, SinkContext, SinkPart, Source, SourceContext, SourcePart, Transport, hookimpl


class StdinOptions(Options, frozen=True, kw_only=True):
    """Reads JSON lines from standard input until its end. There is no checkpoint: what was read cannot be read again."""

    max_line_bytes: Annotated[
        Bytes, Meta(description="A longer line is not decoded; its first bytes go to the dead letters. Bounds the memory.")
    ] = 1_048_576
    chunk_bytes: Annotated[
        Bytes, Meta(description="How much is read at most at a time; the whole lines in it go on as one batch.")
    ] = 262_144


class StdoutOptions(Options, frozen=True, kw_only=True):
    """Writes one document a line to standard output; delivered means written.

    Once the reader has closed its end, events go to the dead letters: no reader comes back to a closed pipe, and waiting for
    one would stop everything else.
    """


def build_source(options: StdinOptions, context: SourceContext) -> Source:
    """A source that reads standard input."""
    from wye_plugins.stdio.stdin import StdinSource

    return StdinSource(context.adapters[0].decoder, options.max_line_bytes, options.chunk_bytes)


def build_sink(options: StdoutOptions, context: SinkContext) -> Transport:
    """A sink that writes to standard output. Raises ``OptionsError`` when several workers would."""
    if context.workers > 1:
        message = f"{context.workers} workers would tear each other's lines on standard output; choose another sink"
        raise OptionsError([(("type",), message)])
    from wye_plugins.stdio.stdout import StdoutSink

    return StdoutSink(context.name)


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("stdin", StdinOptions, build_source)]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    batching = Batching(max_events=1000, max_bytes=1_048_576, linger_secs=0.02, requests=False)
    return [SinkPart("stdout", StdoutOptions, build_sink, batching)]
