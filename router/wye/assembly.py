"""From what a config says of a sink to the sink: its queue, its policies, its encoder with the operator's word around it."""

from __future__ import annotations

import math
from operator import attrgetter

from wye.batcher import Batcher
from wye.buffer import MemoryBuffer
from wye.config.model import SinkConfig, SinkOptions
from wye.deadletters import DeadLetters
from wye.fidelity.leaves import CLASSES
from wye.fitting import Fitting, FittingEncoder, Policies
from wye.ledger import TypeLosses
from wye.rate import Rate
from wye.retry import Backoff
from wye.sink import Sending, Sink


def make_sink(config: SinkConfig, dead_letters: DeadLetters) -> Sink:
    """The sink that ``config`` describes, not open yet."""
    options, default = config.options, config.batching
    batcher = Batcher(
        options.batch.max_events or default.max_events,
        options.batch.max_bytes or default.max_bytes,
        default.linger_secs if options.batch.linger_secs is None else options.batch.linger_secs,
    )
    buffer = MemoryBuffer(options.buffer.max_events, options.buffer.max_bytes, options.buffer.when_full)
    sending = Sending(
        batcher,
        Backoff(options.retry.first_secs, options.retry.max_secs),
        options.retry.max_attempts,
        math.inf if options.retry.max_age_secs is None else options.retry.max_age_secs,
        attrgetter(options.key) if options.ordering == "key" else None,
        None if options.rate is None else Rate(options.rate.events_per_sec, options.rate.burst),
    )
    losses: dict[str, TypeLosses] = {}
    encoder = FittingEncoder(config.name, config.encoder, _fitting(options), config.readback, losses)
    sink = Sink(config.name, config.transport, encoder, buffer, sending, dead_letters)
    sink.account.losses = losses
    return sink


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
