"""The parent: starts the workers, keeps them running, tells them to stop, and adds up what they have counted.

It does no routing. The first worker starts alone: if the config is wrong, that is said once. The others follow. Who dies is
started again, after a wait that doubles while it goes on dying, and finds the files of its number.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
from collections.abc import Sequence

import trio

from wye.errors import Exit
from wye.ledger import Ledger, summed
from wye.stopping import signals, stop_signals
from wye.workers.channel import Line, Report, pair, read

log = logging.getLogger("wye.workers")

PROGRAM = [sys.executable, "-P", "-m", "wye"]
"""What a worker is started with, before its arguments. ``-P``: modules that lie about here are none of ours."""

FIRST_SECS, MOST_SECS, SOUND_SECS = 0.2, 30.0, 60.0
"""The wait before one is started again, at first and at most; who has run for so long is sound, and begins with the first."""

KILL_SECS = 5.0
"""What a worker has beyond ``grace_secs`` before it is killed."""

_HOPELESS = {Exit.FAULTY, Exit.USAGE, Exit.NOT_STARTED, Exit.BROKEN}
"""Codes of a first start that the next one would end with, too."""

_WORST = (Exit.BROKEN, Exit.UNFINISHED, Exit.NOT_STARTED, Exit.USAGE, Exit.FAULTY)


class Worker:
    """One number, and the processes that have it, one after the other. ``code`` is how the last one has ended."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.settled = trio.Event()
        """Set once it takes in events, or it is known that it does not."""
        self.code: Exit | None = None
        self.process: trio.Process | None = None
        self.line: Line | None = None
        self.report: Report | None = None
        self.ended: list[str] = []
        """Sources that have come to their end: a file that was read is not read again."""
        self.incomplete = False
        """Whether one of them, in whichever process, could not read all of its input."""
        self.before: list[Ledger] = []
        """What processes before this one have counted, and it does not count again."""

    @property
    def ledgers(self) -> list[Ledger]:
        return [*self.before, *([self.report.ledger] if self.report else [])]

    def forget_process(self) -> None:
        """What was in flight in its memory went with it, and was promised to nobody; what lies in files is its successor's to
        count."""
        if self.report is None:
            return
        gone = self.report
        for sink in gone.ledger.sinks:
            sink.received -= sink.in_flight
            sink.in_flight = 0
        for source in gone.ledger.sources:
            source.in_flight = 0
        sinks = [one for one in gone.ledger.sinks if one.name not in gone.kept]
        self.before = [summed([*self.before, Ledger(gone.ledger.sources, sinks)])]
        self.report = None


class Supervisor:
    """``run`` once. ``arguments`` are those of ``wye run`` that every worker gets."""

    def __init__(self, arguments: Sequence[str], count: int, grace_secs: float, held: int | None = None) -> None:
        self._arguments = arguments
        self._grace_secs = grace_secs
        self._held = held
        self._workers = [Worker(number) for number in range(count)]
        self._stopping = trio.Event()
        self._word = ""

    @property
    def ledger(self) -> Ledger:
        """One over all of them."""
        return summed([ledger for worker in self._workers for ledger in worker.ledgers])

    @property
    def letters(self) -> int:
        """Dead letters in all their files."""
        return sum(worker.report.letters for worker in self._workers if worker.report)

    @property
    def started(self) -> bool:
        """Whether any of them has taken in events."""
        return any(worker.ledgers for worker in self._workers)

    async def run(self) -> Exit:
        """Until they have ended by themselves or were told to stop. What one daemon would end with: the worst of theirs."""
        async with trio.open_nursery() as watch:
            await watch.start(self._watch_signals)
            async with trio.open_nursery() as keepers:
                watch.start_soon(self._hurry)
                for worker in self._workers:
                    keepers.start_soon(self._keep, worker)
                    if worker.number == 0:
                        await worker.settled.wait()
                    if self._stopping.is_set():
                        break
            watch.cancel_scope.cancel()
        codes = {worker.code for worker in self._workers}
        if any(worker.incomplete for worker in self._workers):
            codes.add(Exit.UNFINISHED)
        return next((code for code in _WORST if code in codes), Exit.OK)

    # ── one worker ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep(self, worker: Worker) -> None:
        """Process after process, until one has come to its end in order."""
        deaths = 0
        while True:
            began = trio.current_time()
            code = await self._live(worker)
            worker.code = Exit(code) if code in list(Exit) else Exit.BROKEN
            if not worker.settled.is_set() and worker.code in _HOPELESS and code >= 0:
                self._stop("stop")
            if self._stopping.is_set() or code == Exit.OK:
                break
            deaths = 1 if trio.current_time() - began > SOUND_SECS else deaths + 1
            wait_secs = min(FIRST_SECS * 2.0 ** min(deaths - 1, 30), MOST_SECS)
            log.error("worker %d %s; it is started again in %g s", worker.number, _words(code), wait_secs)
            with trio.move_on_after(wait_secs):
                await self._stopping.wait()
                break
            worker.forget_process()
        worker.settled.set()

    async def _live(self, worker: Worker) -> int:
        """One process, from its start to its end. Returns its exit code; negative, the signal."""
        line, theirs = pair()
        with theirs:
            held = [] if self._held is None else [self._held]
            command = [*PROGRAM, "run", *self._own_arguments(worker, theirs.fileno()), *self._arguments]
            process = await trio.lowlevel.open_process(command, pass_fds=[theirs.fileno(), *held], preexec_fn=_hear_parent_only)
        worker.process, worker.line = process, line
        log.info("worker %d: pid %d", worker.number, process.pid)
        if self._word:
            line.say(self._word.encode())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, worker, line)
            code = await process.wait()
        line.close()
        worker.process = worker.line = None
        return code

    def _own_arguments(self, worker: Worker, descriptor: int) -> list[str]:
        first = [] if worker.settled.is_set() or worker.number else ["--first"]
        count = len(self._workers)
        ended = [f"--ended={name}" for name in worker.ended]
        return ["--worker", str(worker.number), "--workers", str(count), "--channel", str(descriptor), *first, *ended]

    async def _listen(self, worker: Worker, line: Line) -> None:
        async for said in line.lines():
            worker.report = read(said)
            worker.ended = worker.report.ended
            worker.incomplete |= worker.report.incomplete
            if worker.report.started:
                worker.settled.set()

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch_signals(self, *, task_status: trio.TaskStatus[None]) -> None:
        async with signals() as names:
            task_status.started()
            async for name in names:
                self.stop(name)

    def stop(self, word: str) -> None:
        """Tell everybody; told again, they give up what is in flight."""
        log.info("%s: the workers stop", word)
        self._stop(word)

    def _stop(self, word: str) -> None:
        self._word = word
        self._stopping.set()
        for worker in self._workers:
            if worker.line is not None:
                worker.line.say(word.encode())

    async def _hurry(self) -> None:
        """Nobody stays for ever."""
        await self._stopping.wait()
        await trio.sleep(self._grace_secs + KILL_SECS if math.isfinite(self._grace_secs) else math.inf)
        for worker in self._workers:
            if worker.process is not None:
                log.error("worker %d does not stop; it is killed", worker.number)
                worker.process.kill()


def _hear_parent_only() -> None:
    """In a worker to be, before its first instruction: its parent says when to stop, so that a signal to all of a group counts
    once, and ends nobody who is just starting."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _words(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
