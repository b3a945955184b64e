"""How an operator asks wye to stop."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import trio


def stop_signals() -> list[signal.Signals]:
    """SIGTERM; SIGINT; and SIGHUP, which a terminal sends that is closed, unless it is ignored, as ``nohup`` has it."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT] if ignored else [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@asynccontextmanager
async def signals() -> AsyncGenerator[AsyncIterator[str]]:
    """The names of those that come. SIGHUP counts once: the shell and the system both send it when a terminal is closed."""
    with trio.open_signal_receiver(*stop_signals()) as numbers:
        yield _names(numbers)


async def _names(numbers: AsyncIterator[int]) -> AsyncIterator[str]:
    hung_up = False
    async for number in numbers:
        if number == signal.SIGHUP:
            if hung_up:
                continue
            hung_up = True
        yield signal.Signals(number).name
