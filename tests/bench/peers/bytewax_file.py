# pyright: basic, reportMissingImports=false
"""W1 with bytewax: ``python -m bench.peers.bytewax_file FROM TO``"""

from __future__ import annotations

import sys
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main

from bench.limits.convert import documents

LOT = 1000


def converted(lines: list[str]) -> list[tuple[str, str]]:
    """A lot of lines to documents; files want a key."""
    return [("", document.decode()) for document in documents([line.encode() for line in lines])]


flow = Dataflow("clickstream_to_google_retail")
lines = op.input("lines", flow, FileSource(sys.argv[1], batch_size=LOT))
op.output("out", op.flat_map_batch("convert", lines, converted), FileSink(Path(sys.argv[2])))
run_main(flow)
