"""Life and death: what starts before what, what outlives what, and how it all ends.

Three nurseries, one in the other: dead letters outlive sinks, sinks outlive sources. Sources end by themselves or when told to;
then the sinks are closed and drain; then the dead letters. One deadline lies around all of it once a stop was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import cast

import trio

from wye.assembly import make_dedupe, make_sink, spool_paths, strays
from wye.config.model import Config, SourceConfig
from wye.deadletters import NAME, DeadLetters
from wye.deadletters.retrier import Retrier
from wye.errors import Exit
from wye.ledger import Ledger
from wye.plugin import IncompleteError, StartError
from wye.route import Dispatcher, Leg
from wye.sink import Sink
from wye.stopping import signals
from wye.watch import Watch
from wye.workers.adopt import adopt
from wye.workers.files import check_writable, of_worker

log = logging.getLogger("wye.daemon")


Stops = Callable[[], AbstractAsyncContextManager[AsyncIterator[str]]]
"""The operator's words to stop: after the first, what is in flight is waited for; after the second, no more."""


class Daemon:
    """A config, come alive. ``run`` once. ``ended`` names the sources that have come to their end: a process that follows this
    one is told of them, and does not run them again. ``incomplete``: one of them could not read all of its input."""

    def __init__(self, config: Config, ended: Sequence[str] = ()) -> None:
        self._config = config
        self.ended = list(ended)
        bound, worker = config.dead_letters, config.worker
        letters = of_worker(config.data_dir / NAME, worker)
        self.dead_letters = DeadLetters(letters, config.secrets.redact, bound.max_bytes, bound.when_full, worker)
        self.sinks = [make_sink(one, self.dead_letters, config.data_dir, worker, config.workers) for one in config.sinks]
        self._dispatchers = [
            Dispatcher(source.name, self._legs(source.name), self.dead_letters, make_dedupe(source))
            for source in config.sources
        ]
        self._retrier = Retrier(
            self.dead_letters,
            self.sinks,
            {one.name: one for one in self._dispatchers},
            {one.name: one.adapters for one in config.sources},
        )
        self.ledger = Ledger([one.account for one in self._dispatchers], [sink.account for sink in self.sinks])
        self._watch = Watch([(s, one.options.stall_secs) for s, one in zip(self.sinks, config.sinks, strict=True)])
        self._everything = trio.CancelScope()
        self._signalled = False
        self._stopped = False
        self._broken = False
        self.incomplete = False

    def _legs(self, source: str) -> list[Leg]:
        legs: list[Leg] = []
        for config, sink in zip(self._config.sinks, self.sinks, strict=True):
            for names in self._ways(source, config.options.inputs):
                by_name = {one.name: one.transform for one in self._config.transforms}
                legs.append(Leg(sink, [by_name[name] for name in names], config.where, source, names))
        return legs

    def _ways(self, source: str, inputs: Sequence[str]) -> list[list[str]]:
        """The chains of transforms that lead from ``source`` to something with these ``inputs``."""
        ways: list[list[str]] = [[] for one in inputs if one == source]
        for transform in self._config.transforms:
            if transform.name in inputs:
                ways.extend([*way, transform.name] for way in self._ways(source, transform.inputs))
        return ways

    async def run(self, on_started: Callable[[], None] = lambda: None, stops: Stops = signals) -> Exit:
        """Run until every source has ended and everything is settled, or until stopped, by what ``stops`` gives or by
        ``stop``. Raises ``StartError`` with one line for each part that cannot start."""
        check_writable(self._config.data_dir)
        if self._config.worker == 0:
            adopt(spool_paths(self._config), self._config.data_dir / NAME, self._config.workers)
            for path, events in strays(self._config):
                log.warning("%s belongs to no sink of this config; %d events wait in it", path, events)
        try:
            with self._everything:
                async with trio.open_nursery() as watch:
                    await watch.start(self._watch_stops, stops)
                    watch.start_soon(self._watch.run)
                    await self._run_parts(on_started)
                    watch.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            started, others = group.split(StartError)
            if others is not None or started is None:
                raise
            raise StartError("\n".join(dict.fromkeys(str(error) for error in _leaves(started)))) from None
        if self._broken:
            return Exit.BROKEN
        # Letters and unread input are in no sink's account: whoever had to be cut off was not finished.
        unsafe = any(source.in_flight for source in self.ledger.sources) or any(
            sink.account.in_flight > sink.buffer.safe_events for sink in self.sinks
        )
        return Exit.UNFINISHED if unsafe or self.incomplete or self._everything.cancelled_caught else Exit.OK

    async def _run_parts(self, on_started: Callable[[], None]) -> None:
        async with trio.open_nursery() as letters:
            await letters.start(self.dead_letters.run, self._retrier.wake)
            async with trio.open_nursery() as sinks:
                await self._start_sinks(sinks)
                async with trio.open_nursery() as retries:
                    async with trio.open_nursery() as sources:
                        for config, dispatcher in zip(self._config.sources, self._dispatchers, strict=True):
                            if self._has_to_run(config):
                                await sources.start(self._run_source, config, dispatcher)
                        retries.start_soon(self._retrier.run)
                        on_started()
                    self._retrier.finish()
                # What is safe in a file can wait for the next start, if it was asked to stop.
                under_way_secs = (self._everything.deadline - trio.current_time()) / 2
                for sink in self.sinks:
                    sink.close(leave=self._stopped, under_way_secs=under_way_secs)
            self.dead_letters.close()

    def _has_to_run(self, source: SourceConfig) -> bool:
        return (source.spreads or self._config.worker == 0) and source.name not in self.ended

    async def _start_sinks(self, nursery: trio.Nursery) -> None:
        """All of them, so that all which cannot start are told of at once."""
        faults: list[str] = []
        for sink in self.sinks:
            try:
                await nursery.start(self._run_sink, sink)
            except StartError as error:
                faults.append(str(error))
        if faults:
            raise StartError("\n".join(faults))

    async def _run_sink(self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        start = _Start(task_status)
        with start.faults_of(f"sink {sink.name}"):
            await sink.run(task_status=start)

    async def _run_source(
        self, config: SourceConfig, dispatcher: Dispatcher, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        start = _Start(task_status)
        try:
            with start.faults_of(f"source {config.name}"):
                await config.source.run(dispatcher, task_status=start)
            start.started()
            if not self._stopped:
                self.ended.append(config.name)
        except IncompleteError as error:
            start.started()
            log.error("source %s has ended, and not all of its input was read: %s", config.name, error)
            self.incomplete = True
            self.ended.append(config.name)
        except Exception as error:
            if not start.done:
                raise
            # A source that breaks must not leave a daemon that looks well and hears nothing.
            log.error("source %s broke; stopping: %s", config.name, error, exc_info=not isinstance(error, StartError))
            self._broken = True
            self.stop()

    async def _watch_stops(self, stops: Stops, *, task_status: trio.TaskStatus[None]) -> None:
        async with stops() as words:
            task_status.started()
            async for word in words:
                if self._signalled:
                    log.warning("%s again: giving up what is in flight", word)
                    self._everything.cancel()
                else:
                    log.info("%s: stopping, at most %g s", word, self._config.grace_secs)
                    self._signalled = True
                    self.stop()

    def stop(self) -> None:
        """Take in no more, deliver what there is, and end within ``grace_secs`` of the first such call."""
        self._stopped = True
        self._everything.deadline = min(self._everything.deadline, trio.current_time() + self._config.grace_secs)
        self._retrier.stop()
        for dispatcher in self._dispatchers:
            dispatcher.stop()


class _Start:
    """A part's word that it has started, taken once; what it raises before that is why it cannot."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status = status
        self.done = False

    def started(self, value: None = None) -> None:
        if not self.done:
            self.done = True
            self._status.started(value)

    @contextmanager
    def faults_of(self, part: str) -> Generator[None]:
        """Turns what is the operator's to mend into one ``StartError``, a line for each, that begins with ``part``."""
        try:
            yield
        except Exception as error:
            leaves = _leaves(error)
            if self.done or not all(isinstance(leaf, StartError | OSError) for leaf in leaves):
                error.add_note(f"raised in {part}")
                raise
            raise StartError("\n".join(dict.fromkeys(_line(part, leaf) for leaf in leaves))) from error


def _line(part: str, error: BaseException) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = " ".join(text.split()) or type(error).__name__
    return text if text.startswith(f"{part}:") else f"{part}: {text}"


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast(BaseExceptionGroup[BaseException], error)
    return [leaf for one in group.exceptions for leaf in _leaves(one)]
