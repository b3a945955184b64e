"""Every row runs, with next to no work and without the peers that have to be installed; no time is asserted. What the programs
write is the same work: the same documents."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from bench import install, payloads, tools
from bench.limits import steps
from bench.measure import TINY, Bench, Contender, Goal, Result, Row, turns
from bench.page import TABLES, page
from bench.plan import ROWS
from bench.record import Record
from bench.rows.files import CONFIG
from samples.payloads import exact, same
from wye.message import Payload
from wye_plugins.clickstream.decode import ClickstreamDecoder

LACKING = {"python", "modules", *(() if install.NODE else ("node",))}


def bench_in(folder: Path) -> Bench:
    """A bench with a tiny file of events."""
    folder.mkdir(exist_ok=True)
    events = payloads.write(folder / "in.jsonl", TINY.file_events)
    return Bench(folder, TINY, events, None, None, install.NODE)


def programs() -> list[Row]:
    """The rows with each way of measuring once: who differs from another in a number only is left out."""
    seen: set[object] = set()
    rows: list[Row] = []
    for row in ROWS:
        contenders: list[Contender] = []
        for one in row.contenders:
            run = one.run
            texts = [one for one in run.args if isinstance(one, str)] if isinstance(run, partial) else []
            way = (run.func if isinstance(run, partial) else run, *texts)
            if one.needs not in LACKING and way not in seen:
                seen.add(way)
                contenders.append(one)
        rows.append(structs.replace(row, contenders=contenders))
    return rows


def test_every_way_of_measuring_works(tmp_path: Path) -> None:
    def run(row: Row) -> Result:
        return turns(row, bench_in(tmp_path / row.name), {}, lambda text: None)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, programs()))
    for row, result in zip(programs(), results, strict=True):
        assert result.faults == {}
        for one in row.contenders:
            assert result.spread(one.name, row.metrics[0].name) is not None
    text = page(Record(results={one.row: one for one in results}))
    for row in ROWS:
        assert f"## {row.name}: {row.title}" in text


def test_goals_speak_of_what_is_measured() -> None:
    for row in ROWS:
        names, metrics = {one.name for one in row.contenders}, {one.name for one in row.metrics}
        for goal in row.goals:
            assert {goal.ours, goal.base or goal.ours} <= names
            assert goal.metric in metrics


def test_the_programs_write_the_documents_that_wye_writes(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    wye, limit, node = (tmp_path / f"{name}.jsonl" for name in ("wye", "limit", "node"))
    commands = {
        wye: tools.ours(tmp_path, CONFIG.format(events=bench.events, out=wye)),
        limit: tools.module("limits.file", bench.events, limit),
        **{(out := tmp_path / f"{name}.jsonl"): tools.module("limits.steps", name, bench.events, out) for name in steps.STEPS},
    }
    if bench.node is not None:
        commands[node] = tools.peer(bench, "file.mjs", bench.events, node)
    for command in commands.values():
        tools.secs_of(command, bench)
    expected = [exact(line) for line in wye.read_bytes().splitlines()]
    assert len(expected) == TINY.file_events
    for out in commands:
        found = [exact(line) for line in out.read_bytes().splitlines()]
        assert len(found) == len(expected)
        for ours, theirs in zip(expected, found, strict=True):
            assert same(ours, theirs), (ours, theirs)


def test_the_canonical_events_of_the_steps_are_those_of_the_decoder() -> None:
    text = b"\n".join(payloads.lines(TINY.file_events))
    theirs = ClickstreamDecoder().decode(Payload(text, "lines")).events
    assert steps.events(text) == theirs


ODD = (
    (b'"visitor-00000000"', b'"unknown"'),
    (b'"user-00000000"', b'""'),
    (b"1.00", b"1.0000001"),
    (b'"USD"', b"7"),
    (b'"live"', b'""'),
)


@pytest.mark.parametrize(("usual", "odd"), ODD, ids=lambda text: text.decode())
def test_the_last_step_before_wye_asks(usual: bytes, odd: bytes) -> None:
    text = next(payloads.lines(1))
    assert steps.asked(text)
    with pytest.raises(steps.OddError):
        steps.asked(text.replace(usual, odd))


def test_a_ratio_is_of_the_same_round() -> None:
    figures: dict[str, list[dict[str, float] | None]] = {
        "ours": [{"rate": 2.0}, None, {"rate": 9.0}],
        "limit": [{"rate": 4.0}, {"rate": 1.0}, {"rate": 3.0}],
    }
    result = Result("W1", 3, figures, {"ours": "failed once"})
    found = result.reached(Goal("of the limit", "ours", "rate", 0.75, "limit"))
    assert found is not None
    assert (found.low, found.median, found.high) == (0.5, 1.75, 3.0)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_what_was_done_and_tried_is_on_the_page_in_three_columns(table: Path) -> None:
    rows = table.read_text().splitlines()
    assert len(rows) > 2
    for row in rows:
        assert row.replace("\\|", "").count("|") == 4, row
        assert row in page(Record()).splitlines()


def test_who_fails_is_named_and_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(ChildProcessError, match="exit code"):
        tools.secs_of(tools.module("limits.file", tmp_path / "none", tmp_path / "out"), bench_in(tmp_path))


def test_an_unknown_row_is_said(tmp_path: Path) -> None:
    command = [*map(str, tools.module("__main__")), "--only", "W99", "--folder", str(tmp_path)]
    done = subprocess.run(command, env={"PYTHONPATH": str(tools.TESTS)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("there is no row W99; there are W1, W2a")
