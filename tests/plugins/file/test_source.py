from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.file.file_kit import checkpoint_of, following, ids, read_all, source_of, until
from wye.plugin import StartError
from wye.testing import FakeIntake


async def start(folder: Path, path: str | list[str] = "*.jsonl", follow: bool = False) -> None:
    async with trio.open_nursery() as nursery:
        intake = FakeIntake("in")
        await nursery.start(source_of(folder, path, follow=follow).run, intake)
        intake.stop()


def one_error(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        (group,) = group.exceptions  # type: ignore[reportUnknownMemberType]
    assert isinstance(group, StartError)
    return str(group)


async def start_error(folder: Path, path: str | list[str] = "*.jsonl", follow: bool = False) -> str:
    with pytest.raises(BaseExceptionGroup) as raised:
        await start(folder, path, follow)
    return one_error(raised.value)


async def test_nothing_to_read_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("")
    assert await start_error(tmp_path, ["*.log", "*.jsonl"]) == (
        f"source in: no file matches {tmp_path}/*.jsonl; mend `path`, or wait for one with `follow = true`"
    )


async def test_a_file_that_cannot_be_read_is_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("1\n")

    def nothing(*_: object) -> bool:
        return False

    monkeypatch.setattr("os.access", nothing)  # the tests may run as root, whom nothing is forbidden
    assert await start_error(tmp_path) == f"source in: cannot read {tmp_path}/a.jsonl: permission denied"


@pytest.mark.parametrize("follow", [True, False])
async def test_zstd_without_its_library_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follow: bool
) -> None:
    (tmp_path / "a.zst").write_text("")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert "install wye[zstd]" in await start_error(tmp_path, "*.zst", follow)


async def test_a_checkpoint_that_cannot_be_read_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n")
    checkpoint_of(tmp_path).mkdir(parents=True)
    assert await start_error(tmp_path) == f"source in: cannot read {checkpoint_of(tmp_path)}: Is a directory"


async def test_a_corrupt_checkpoint_means_from_the_beginning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    checkpoint_of(tmp_path).parent.mkdir(parents=True)
    checkpoint_of(tmp_path).write_text("{")
    assert ids(await read_all(tmp_path)) == ["1", "2"]
    assert checkpoint_of(tmp_path).with_suffix(".bad").exists()
    assert "cannot be understood" in caplog.text


async def test_it_ends_when_all_is_settled(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    intake = FakeIntake("in")
    intake.settle_at_once = False
    async with trio.open_nursery() as nursery:
        await nursery.start(source_of(tmp_path, chunk_bytes=2).run, intake)
        await until(lambda: intake.unsettled == 2)
        intake.settle()
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        intake.settle()


async def test_a_full_sink_keeps_it_waiting_and_a_stop_ends_that(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    intake = FakeIntake("in")
    intake.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(source_of(tmp_path).run, intake)
        await trio.testing.wait_all_tasks_blocked(0.01)
        intake.stop()
    assert intake.batches == []
    assert ids(await read_all(tmp_path)) == ["1", "2"]


async def test_what_was_given_up_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("1\n2\n")
    intake = FakeIntake("in")
    intake.safe = False
    await source_of(tmp_path).run(intake, task_status=trio.TASK_STATUS_IGNORED)
    assert checkpoint_of(tmp_path).exists()
    assert ids(await read_all(tmp_path)) == ["1", "2"]


class Plan:
    """What happens in one run: how many batches are taken, which of them are settled and how, and how the run ends."""

    def __init__(self, batches: int, words: list[bool | None], order: list[int], killed: bool) -> None:
        self.batches = batches
        self.words = words
        self.order = order
        self.killed = killed


plans = st.builds(
    Plan,
    st.integers(1, 8),
    st.lists(st.sampled_from([True, True, True, False, None]), min_size=8, max_size=8),
    st.permutations(range(8)),
    st.booleans(),
)


async def carry_out(folder: Path, plan: Plan, chunk_bytes: int, left: int) -> list[tuple[list[str], bool]]:
    """One run, with so many events left to read. Returns the batches in order, each with whether it was settled safely."""
    intake = FakeIntake("in")
    intake.settle_at_once = False
    words = dict(enumerate(plan.words))
    settles: dict[int, bool] = {}

    def settle(index: int, safe: bool) -> None:
        callbacks = intake._waiting  # pyright: ignore[reportPrivateUsage]  in any order, which the kit's settle cannot
        settles[index] = safe
        callbacks[index](safe)

    with trio.CancelScope() as killed:
        async with trio.open_nursery() as nursery:
            source = source_of(folder, chunk_bytes=chunk_bytes, checkpoint_secs=0)
            await nursery.start(source.run, intake)
            await until(lambda: len(intake.batches) >= plan.batches or len(ids(intake)) >= left)
            taken = len(intake.batches)
            intake.stop()
            for index in plan.order:
                if index < taken and words[index] is not None:
                    settle(index, bool(words[index]))
            if plan.killed:
                killed.cancel()
            await trio.testing.wait_all_tasks_blocked()
            for index in range(len(intake.batches)):
                if index not in settles:
                    settle(index, False)
    return [([event.id for event in batch.events], settles.get(index, False)) for index, batch in enumerate(intake.batches)]


@settings(max_examples=40, deadline=None)
@given(st.lists(plans, max_size=4), st.integers(2, 20))
def test_however_often_it_is_interrupted_nothing_is_lost_and_only_what_was_unsettled_is_repeated(
    tmp_path_factory: pytest.TempPathFactory, runs: list[Plan], chunk_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    everything = [f"{number:02}" for number in range(12)]
    (folder / "a.jsonl").write_text("\n".join(everything))
    safe = 0
    for plan in runs:
        batches = trio.run(carry_out, folder, plan, chunk_bytes, len(everything) - safe)
        assert [one for batch, _ in batches for one in batch] == everything[
            safe : safe + sum(len(batch) for batch, _ in batches)
        ]
        for batch, settled in batches:
            if not settled:
                break
            safe += len(batch)
        if safe == len(everything):
            break
    last = trio.run(read_all, folder)
    assert ids(last) in ([everything[safe:]] if 0 < safe < 12 else [everything, []])


async def test_following_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("1\n2\nhal")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["1", "2"])
    with path.open("a") as file:
        file.write("f\n4\n")
    async with following(tmp_path) as intake:
        await until(lambda: ids(intake) == ["half", "4"])
