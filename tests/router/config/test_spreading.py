"""What several workers cannot have is refused with the key that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wye.assembly import make_rate
from wye.config import Config, load_config
from wye.config.model import RateOptions
from wye.errors import ConfigError
from wye.registry import load

EDGE = """
[sources.edge]
type = "http"
address = "127.0.0.1:8080"
adapters = ["clickstream"]
"""
VENDOR = """
[sinks.vendor]
type = "http"
inputs = ["edge"]
url = "http://127.0.0.1:9/"
adapter = "clickstream"
"""


def loaded(folder: Path, text: str, worker: int = 0, workers: int | None = None) -> Config:
    (folder / "wye.toml").write_text(text)
    return load_config([str(folder / "wye.toml")], load(), {}, worker=worker, workers=workers)


def refused(folder: Path, text: str) -> list[str]:
    """The mistakes, without the file's name; none with one worker."""
    loaded(folder, text)
    with pytest.raises(ConfigError) as caught:
        loaded(folder, "workers = 2\n" + text)
    return [f"{one.table} {one.key}: {one.message}".strip() for one in caught.value.problems]


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        (
            'type = "file"\npath = "out/{date}.jsonl"',
            "sinks.s path: 'out/{date}.jsonl' is one file for 2 workers; each needs its own: put {worker} into the path",
        ),
        (
            'type = "stdout"',
            "sinks.s type: 2 workers would tear each other's lines on standard output; choose another sink",
        ),
        (
            'type = "websocket"\naddress = "127.0.0.1:8081"',
            "sinks.s address: each of 2 workers would serve its own events only; use url, or leave workers out",
        ),
    ],
)
def test_a_sink_that_cannot_be_shared(tmp_path: Path, sink: str, said: str) -> None:
    assert refused(tmp_path, f'{EDGE}[sinks.s]\ninputs = ["edge"]\n{sink}\n') == [said]


@pytest.mark.parametrize(
    "sink", ['type = "file"\npath = "{worker}/{date}.jsonl"', 'type = "websocket"\nurl = "ws://127.0.0.1:9/"']
)
def test_a_sink_that_can(tmp_path: Path, sink: str) -> None:
    config = loaded(tmp_path, f'workers = 3\n{EDGE}[sinks.s]\ninputs = ["edge"]\n{sink}\n', worker=2)
    assert (config.worker, config.workers) == (2, 3)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            'type = "file"\npath = "in.jsonl"',
            "workers: there is nothing to share: no source listens, and the others run in one process only; leave workers out",
        ),
        (
            'type = "websocket"\nurl = "ws://127.0.0.1:9/"',
            "workers: there is nothing to share: no source listens, and the others run in one process only; leave workers out",
        ),
        (
            'type = "websocket"\naddress = "127.0.0.1:0"',
            "sources.edge address: port 0 gives every worker a port of its own; name one they can share, or leave workers out",
        ),
    ],
)
def test_sources_that_cannot_be_shared(tmp_path: Path, source: str, said: str) -> None:
    assert refused(tmp_path, f'[sources.edge]\n{source}\nadapter = "clickstream"\n{VENDOR}') == [said]


def test_only_what_listens_runs_in_every_worker(tmp_path: Path) -> None:
    others = """
[sources.history]
type = "file"
path = "in.jsonl"
[sources.stream]
type = "websocket"
url = "ws://127.0.0.1:9/"
[sources.push]
type = "websocket"
address = "127.0.0.1:8082"
[sources.pipe]
type = "stdin"
"""
    vendor = VENDOR.replace('["edge"]', '["edge", "history", "stream", "push", "pipe"]')
    config = loaded(tmp_path, f"workers = 2\n{EDGE}{others}{vendor}")
    assert {one.name: one.spreads for one in config.sources} == {
        "edge": True,
        "history": False,
        "stream": False,
        "push": True,
        "pipe": False,
    }


def test_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    assert loaded(tmp_path, f"workers = 2\n{EDGE}{VENDOR}", workers=5).workers == 5
    assert loaded(tmp_path, EDGE + VENDOR).workers == 1


@pytest.mark.parametrize("count", ["0", "257", '"two"'])
def test_a_number_of_workers_is_a_number(tmp_path: Path, count: str) -> None:
    with pytest.raises(ConfigError, match="workers"):
        loaded(tmp_path, f"workers = {count}\n{EDGE}{VENDOR}")


def test_all_workers_together_keep_to_the_rate() -> None:
    options = RateOptions(events_per_sec=100, burst=10)
    alone, shares = make_rate(options, 1), [make_rate(options, 4) for _ in range(4)]
    for rate in (alone, *shares):
        rate.spend(1000, 0.0)
    assert alone.ready_at(1, 0.0) == pytest.approx(9.91)
    assert [rate.ready_at(1, 0.0) for rate in shares] == [pytest.approx(39.96)] * 4
    assert make_rate(RateOptions(events_per_sec=1), 4).ready_at(1, 0.0) == 0.0
