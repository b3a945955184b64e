"""From what a config says to what runs: a sink with its queue, its policies and the operator's word, a source's memory."""

from __future__ import annotations

import math
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from wye.batcher import Batcher
from wye.buffer import Buffer, DiskBuffer, MemoryBuffer
from wye.buffer.offline import opened
from wye.buffer.rows import read_totals
from wye.config.model import BufferOptions, Config, RateOptions, SinkConfig, SinkOptions, SourceConfig
from wye.database import StoreError
from wye.deadletters import DeadLetters
from wye.dedupe import Dedupe
from wye.fidelity.leaves import CLASSES
from wye.fitting import Fitting, FittingEncoder, Policies
from wye.ledger import TypeLosses
from wye.rate import Rate
from wye.retry import Backoff
from wye.sending import Sending
from wye.sink import Sink
from wye.workers.files import of_all, of_worker


def make_dedupe(config: SourceConfig) -> Dedupe | None:
    """What knows the source's repeats, where its config asks for that."""
    options = config.dedupe
    return None if options is None else Dedupe(options.window_secs, options.max_events)


def make_sink(config: SinkConfig, dead_letters: DeadLetters, data_dir: Path, worker: int = 0, workers: int = 1) -> Sink:
    """The sink that ``config`` describes, not open yet, in the process ``worker`` of ``workers``."""
    options, default = config.options, config.batching
    batcher = Batcher(
        options.batch.max_events or default.max_events,
        options.batch.max_bytes or default.max_bytes,
        default.linger_secs if options.batch.linger_secs is None else options.batch.linger_secs,
        default.requests,
    )
    buffer = _make_buffer(config.name, options.buffer, dead_letters, data_dir, worker)
    sending = Sending(
        batcher,
        Backoff(options.retry.first_secs, options.retry.max_secs),
        options.retry.max_attempts,
        math.inf if options.retry.max_age_secs is None else options.retry.max_age_secs,
        attrgetter(options.key) if options.ordering == "key" else None,
        None if options.rate is None else make_rate(options.rate, workers),
    )
    losses: dict[str, TypeLosses] = {}
    encoder = FittingEncoder(config.name, config.encoder, _fitting(options), config.readback, losses)
    sink = Sink(config.name, config.transport, encoder, buffer, sending, dead_letters)
    sink.account.losses = losses
    return sink


def make_rate(options: RateOptions, workers: int) -> Rate:
    """Its part of what the vendor takes of all workers together."""
    return Rate(options.events_per_sec / workers, max(1, options.burst // workers))


def _make_buffer(name: str, options: BufferOptions, dead_letters: DeadLetters, data_dir: Path, worker: int) -> Buffer:
    if options.type == "memory":
        return MemoryBuffer(options.max_events or 10_000, options.max_bytes or 67_108_864, options.when_full)
    path = of_worker(spool_path(data_dir, options, name), worker)
    return DiskBuffer(name, path, options.max_bytes or 268_435_456, options.when_full, dead_letters)


def spool_path(data_dir: Path, options: BufferOptions, name: str) -> Path:
    """The file of the sink's buffer on disk, the first worker's. It is the sink's by its name, whatever characters it has."""
    return data_dir / (options.path or "spool") / f"{quote(name, safe=' ')}.db"


def spool_paths(config: Config) -> list[Path]:
    """The first worker's files of all buffers on disk."""
    sinks = [one for one in config.sinks if one.options.buffer.type == "disk"]
    return [spool_path(config.data_dir, one.options.buffer, one.name) for one in sinks]


def strays(config: Config) -> list[tuple[Path, int]]:
    """Files of buffers in which events wait that no sink of ``config`` has, and how many: somebody has renamed a sink."""
    first = spool_paths(config)
    own = {path for one in first for path in of_all(one).values()}
    found: list[tuple[Path, int]] = []
    for folder in sorted({config.data_dir / "spool", *(path.parent for path in first)}):
        for path in sorted(set(folder.glob("*.db")) - own):
            with suppress(StoreError), opened(path) as connection:
                found.append((path, read_totals(connection).events))
    return [(path, events) for path, events in found if events]


def _fitting(options: SinkOptions) -> Fitting:
    on_loss = options.on_loss
    policies: Policies = on_loss if isinstance(on_loss, dict) else dict.fromkeys(CLASSES, on_loss)
    return Fitting(
        options.unmapped,
        options.defaults.by_leaf(),
        policies,
        frozenset(one.leaf for one in options.acknowledge),
        options.carry,
    )
