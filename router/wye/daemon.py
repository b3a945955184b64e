"""Life and death: what starts before what, what outlives what, and how it all ends.

Three nurseries, one in the other: dead letters outlive sinks, sinks outlive sources. Sources end by themselves or when told to;
then the sinks are closed and drain; then the dead letters. One deadline lies around all of it once a stop was asked for.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence

import trio

from wye.batcher import Batcher
from wye.buffer import MemoryBuffer
from wye.config.model import Config, SinkConfig, SourceConfig
from wye.deadletters import DeadLetters
from wye.errors import Exit
from wye.ledger import Ledger
from wye.plugin import StartError
from wye.retry import Backoff
from wye.route import Dispatcher, Leg
from wye.sink import Sink

log = logging.getLogger("wye.daemon")


class Daemon:
    """A config, come alive. ``run`` once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.dead_letters = DeadLetters(config.data_dir / "dead-letters.jsonl")
        self.sinks = [_make_sink(sink, self.dead_letters) for sink in config.sinks]
        self._dispatchers = [Dispatcher(source.name, self._legs(source.name), self.dead_letters) for source in config.sources]
        self.ledger = Ledger([one.account for one in self._dispatchers], [sink.account for sink in self.sinks])
        self._everything = trio.CancelScope()
        self._stopping = False
        self._broken = False

    def _legs(self, source: str) -> list[Leg]:
        legs: list[Leg] = []
        for config, sink in zip(self._config.sinks, self.sinks, strict=True):
            for names in self._ways(source, config.options.inputs):
                by_name = {one.name: one.transform for one in self._config.transforms}
                legs.append(Leg(sink, [by_name[name] for name in names], config.where))
        return legs

    def _ways(self, source: str, inputs: Sequence[str]) -> list[list[str]]:
        """The chains of transforms that lead from ``source`` to something with these ``inputs``."""
        ways: list[list[str]] = [[] for one in inputs if one == source]
        for transform in self._config.transforms:
            if transform.name in inputs:
                ways.extend([*way, transform.name] for way in self._ways(source, transform.inputs))
        return ways

    async def run(self, on_started: Callable[[], None] = lambda: None) -> Exit:
        """Run until every source has ended and everything is settled, or until stopped. Raises ``StartError`` with one line
        for each part that cannot start."""
        try:
            with self._everything:
                async with trio.open_nursery() as watch:
                    watch.start_soon(self._watch_signals)
                    await self._run_parts(on_started)
                    watch.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            started, others = group.split(StartError)
            if others is not None or started is None:
                raise
            raise StartError("\n".join(dict.fromkeys(str(error) for error in _leaves(started)))) from None
        if self._broken:
            return Exit.BROKEN
        return Exit.UNFINISHED if self.ledger.in_flight else Exit.OK

    async def _run_parts(self, on_started: Callable[[], None]) -> None:
        async with trio.open_nursery() as letters:
            letters.start_soon(self.dead_letters.run)
            async with trio.open_nursery() as sinks:
                for sink in self.sinks:
                    await sinks.start(sink.run)
                async with trio.open_nursery() as sources:
                    for config, dispatcher in zip(self._config.sources, self._dispatchers, strict=True):
                        await sources.start(self._run_source, config, dispatcher)
                    on_started()
                for sink in self.sinks:
                    sink.close()
            self.dead_letters.close()

    async def _run_source(
        self, config: SourceConfig, dispatcher: Dispatcher, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        started = False

        class Started:
            def started(self, value: None = None) -> None:
                nonlocal started
                started = True
                task_status.started()

        try:
            await config.source.run(dispatcher, task_status=Started())
            if not started:
                task_status.started()
        except Exception as error:
            if not started:
                raise
            # A source that breaks must not leave a daemon that looks well and hears nothing.
            log.error("source %s broke; stopping", config.name, exc_info=not isinstance(error, StartError))
            self._broken = True
            self.stop()

    async def _watch_signals(self) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                if self._stopping:
                    log.warning("%s again: giving up what is in flight", signal.Signals(number).name)
                    self._everything.cancel()
                else:
                    log.info("%s: stopping, at most %g s", signal.Signals(number).name, self._config.grace_secs)
                    self.stop()

    def stop(self) -> None:
        """Take in no more, deliver what there is, and end within ``grace_secs``."""
        self._stopping = True
        self._everything.deadline = trio.current_time() + self._config.grace_secs
        for dispatcher in self._dispatchers:
            dispatcher.stop()


def _make_sink(config: SinkConfig, dead_letters: DeadLetters) -> Sink:
    options, default = config.options, config.batching
    batcher = Batcher(
        options.batch.max_events or default.max_events,
        options.batch.max_bytes or default.max_bytes,
        default.linger_secs if options.batch.linger_secs is None else options.batch.linger_secs,
    )
    buffer = MemoryBuffer(options.buffer.max_events, options.buffer.max_bytes, options.buffer.when_full)
    backoff = Backoff(options.retry.first_secs, options.retry.max_secs)
    return Sink(
        config.name, config.transport, config.encoder, buffer, batcher, backoff, options.retry.max_attempts, dead_letters
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])  # type: ignore
    return found
