"""A disk that is really full, under the real process: a small tmpfs in a name space of its own, which needs no root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio

from e2e.kit import EDGE, SPOOLED_PARTNER, Wye, clickstream_event, free_port, post, until
from wye.errors import Exit
from wye.testing import HttpPartner

CONFIG = 'data_dir = "disk"\n' + EDGE + "overload_wait_secs = 0.5\n" + SPOOLED_PARTNER

MOUNT = "mkdir -p disk && mount -t tmpfs -o size=6m none disk"


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = 'cd "$(mktemp -d)" && ' + MOUNT
    return subprocess.run(["unshare", "-r", "-m", "sh", "-c", trial], capture_output=True).returncode == 0


@asynccontextmanager
async def on_a_small_disk(folder: Path, config: str) -> AsyncGenerator[tuple[Wye, Path]]:
    """``wye run`` with a data directory of 6 MiB, and the way there from outside."""
    (folder / "wye.toml").write_text(config)
    command = f"{MOUNT} && exec {sys.executable} -m wye run wye.toml --ledger ledger.json 2>printed"
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, ["unshare", "-r", "-m", "sh", "-c", command], cwd=folder, check=False)
        process: trio.Process = await nursery.start(start)
        yield Wye(folder, process), Path(f"/proc/{process.pid}/root{folder}/disk")
        nursery.cancel_scope.cancel()


@pytest.mark.skipif(
    not _can_mount(), reason="this machine lets no one mount a tmpfs in a name space of his own (unshare -r -m)"
)
async def test_a_full_disk_is_answered_503_and_goes_on_by_itself(tmp_path: Path) -> None:
    ports = {"edge": free_port(), "partner": free_port()}
    async with on_a_small_disk(tmp_path, CONFIG.format(**ports)) as (wye, disk):
        await wye.listening(ports["edge"])
        acknowledged = [0]
        assert (await post(ports["edge"], [clickstream_event(0)])).status_code == 200
        with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(1024))
        number, answers = 1, list[int]()
        while 503 not in answers:
            # What was taken in before the disk was found full waits for room; its sender gives up here.
            with trio.move_on_after(2):
                answers.append((await post(ports["edge"], [clickstream_event(number)])).status_code)
                if answers[-1] == 200:
                    acknowledged.append(number)
            number += 1
        assert set(answers) <= {200, 503}
        async with HttpPartner().listening(ports["partner"]) as partner:
            await until(lambda: {event["event_id"] for event in partner.accepted()} >= {f"purchase-{n}" for n in acknowledged})
            (disk / "ballast").unlink()
            while (await post(ports["edge"], [clickstream_event(1_000_000)])).status_code != 200:
                await trio.sleep(0.1)
            await until(lambda: "purchase-1000000" in {event["event_id"] for event in partner.accepted()})
            assert await wye.stop() == Exit.OK
    printed = (tmp_path / "printed").read_text()
    assert printed.count("events wait until it can be written") == 1
    assert printed.count("can be written again") == 1
