"""Files of JSON lines: a source that reads or follows them, and a sink that appends to them."""

from __future__ import annotations

from wye.options import OptionsError
from wye.plugin import Batching, SinkContext, SinkPart, Source, SourceContext, SourcePart, Transport, hookimpl
from wye_plugins.file.config import FileSinkOptions, FileSourceOptions
from wye_plugins.file.template import PathTemplate


def build_source(options: FileSourceOptions, context: SourceContext) -> Source:
    """A source that reads files once, or follows them."""
    from wye_plugins.file.source import FileSource

    return FileSource(options, context)


def build_sink(options: FileSinkOptions, context: SinkContext) -> Transport:
    """A sink that appends to files. Raises ``OptionsError`` when several workers would have one file."""
    from wye_plugins.file.sink import FileSink

    if context.workers > 1 and not PathTemplate(options.path, context.name).per_worker:
        message = (
            f"{options.path!r} is one file for {context.workers} workers; each needs its own: put {{worker}} into the path"
        )
        raise OptionsError([(("path",), message)])
    return FileSink(options, context.name, worker=context.worker)


@hookimpl
def wye_sources() -> list[SourcePart]:
    return [SourcePart("file", FileSourceOptions, build_source)]


@hookimpl
def wye_sinks() -> list[SinkPart]:
    # While one batch is written and synced the next gathers anyway: whatever comes meanwhile shares a sync. Every answer that
    # waits for the file would wait for a lingering batch too, with nobody at work.
    batching = Batching(max_events=1000, max_bytes=1_048_576, linger_secs=0, requests=False)
    return [SinkPart("file", FileSinkOptions, build_sink, batching)]
