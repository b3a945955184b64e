from __future__ import annotations

import pytest

from router.fakes import Configs
from wye.assembly import make_sink, spool_path
from wye.buffer import DiskBuffer, MemoryBuffer
from wye.deadletters import DeadLetters

SINK = """
[sources.a]
type = "fake"
[sinks.{name}]
type = "fake"
inputs = ["a"]
buffer = {buffer}
"""


def text(buffer: str, name: str = "y") -> str:
    return SINK.format(buffer=buffer, name=name)


@pytest.mark.parametrize(
    ("buffer", "said"),
    [
        ('{ path = "queues" }', 'path is for a buffer of type "disk"; set type = "disk" or leave path out'),
        ('{ type = "disk", max_events = 7 }', 'max_events is for a buffer of type "memory"; a file is bounded by max_bytes'),
        ('{ type = "disk", max_bytes = 1000 }', 'max_bytes is 1000; a buffer of type "disk" has at least 1048576'),
        ('{ type = "disc" }', 'did you mean "disk"?'),
    ],
)
def test_keys_that_do_not_fit_the_type_are_errors(configs: Configs, buffer: str, said: str) -> None:
    printed = configs.said(text(buffer))
    assert "[sinks.y] buffer" in printed
    assert said in printed


def test_what_is_left_out_depends_on_the_type(configs: Configs) -> None:
    letters = DeadLetters(configs.folder / "unused.db")
    bounds: list[object] = []
    for buffer in ("{}", '{ type = "disk" }', '{ type = "disk", max_bytes = 2000000, when_full = "drop_oldest" }'):
        (sink,) = configs.load(text(buffer)).sinks
        made = make_sink(sink, letters, configs.folder).buffer
        assert isinstance(made, MemoryBuffer | DiskBuffer)
        bounds.append((type(made), made.max_bytes, made.when_full))
    assert bounds == [
        (MemoryBuffer, 67_108_864, "block"),
        (DiskBuffer, 268_435_456, "block"),
        (DiskBuffer, 2_000_000, "drop_oldest"),
    ]


@pytest.mark.parametrize(
    ("name", "path", "file"),
    [
        ("y", "", "data/spool/y.db"),
        ('"a/../b"', "", "data/spool/a%2F..%2Fb.db"),
        ("y", ', path = "queues"', "data/queues/y.db"),
        ("y", ', path = "/var/queues"', "/var/queues/y.db"),
    ],
)
def test_the_file_is_the_sinks_by_its_name(configs: Configs, name: str, path: str, file: str) -> None:
    config = configs.load('data_dir = "data"\n' + text(f'{{ type = "disk"{path} }}', name))
    (sink,) = config.sinks
    assert str(spool_path(config.data_dir, sink.options.buffer, sink.name)) == file
