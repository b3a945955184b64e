from __future__ import annotations

import subprocess
import sys

import wye_plugins.http as plugin
from plugins.http.http_kit import NoDecoder, Vendor
from wye.plugin import Inbound, SourceContext
from wye_plugins.http.config import HttpSourceOptions


def test_importing_the_plugin_imports_neither_parser_nor_client() -> None:
    code = "import sys, wye_plugins.http; print(sorted({'httpx', 'httptools', 'ssl'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "httpx" not in loaded
    assert "httptools" not in loaded


def test_its_parts() -> None:
    (source,) = plugin.wye_sources()
    (sink,) = plugin.wye_sinks()
    assert (source.name, source.adapters, sink.name) == ("http", "many", "http")
    assert (sink.batching.max_events, sink.batching.max_bytes, sink.batching.linger_secs) == (100, 524_288, 0.05)
    built = source.build(HttpSourceOptions(address=":0"), SourceContext("web", "", [Inbound(NoDecoder(), Vendor())]))
    assert built.listens == ["http://:0"]
