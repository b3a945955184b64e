"""Retries when the file of the dead letters fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from router.core_rig import Disk
from router.deadletters.test_retrier import Rig, one_sink, sent
from wye.testing.transport import FakeTransport


async def test_retries_end_when_their_file_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path, one_sink(FakeTransport()))
    rig.kept(sent("a"), sent("b"))
    with trio.fail_after(10):
        async with trio.open_nursery() as letters:
            await letters.start(rig.letters.run, rig.retrier.wake)
            Disk(monkeypatch).broken = True
            async with trio.open_nursery() as sinks:
                await sinks.start(rig.sinks[0].run)
                async with trio.open_nursery() as retries:
                    retries.start_soon(rig.retrier.run)
                    rig.retrier.finish()
                rig.sinks[0].close()
            rig.letters.close()
    assert [entry["marked"] for entry in rig.entries] == [True, True], "what was delivered is delivered again"
