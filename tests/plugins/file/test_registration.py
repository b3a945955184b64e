from __future__ import annotations

from pathlib import Path

from plugins.file.file_kit import WordDecoder
from wye.canonical import CanonicalEncoder
from wye.plugin import Inbound, Outbound, SinkContext, SourceContext
from wye_plugins.file import wye_sinks, wye_sources


def test_the_source_is_built_from_its_options(tmp_path: Path) -> None:
    (part,) = wye_sources()
    source = part.build(part.config(path="a/*.jsonl"), SourceContext("in", str(tmp_path), [Inbound(WordDecoder())]))
    assert (part.name, list(source.listens)) == ("file", ["a/*.jsonl"])


def test_the_sink_is_built_from_its_options() -> None:
    (part,) = wye_sinks()
    sink = part.build(part.config(path="a/{date}.jsonl"), SinkContext("out", Outbound(CanonicalEncoder())))
    assert (part.name, sink.target, sink.concurrency) == ("file", "a/{date}.jsonl", 1)
    assert not part.batching.requests
