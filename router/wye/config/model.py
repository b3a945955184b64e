"""The tables of a config file: what every source, sink and transform has, whatever its type; and the config as understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from wye.config.secrets import Secrets
from wye.event import Event
from wye.fidelity.leaves import LossClass
from wye.fidelity.measure import Format
from wye.fitting import OnLoss, Unmapped
from wye.options import Bytes, Count, LettersWhenFull, Options, Positive, Seconds, WhenFull
from wye.plugin import Batching, Encoder, Inbound, Source, Transform, Transport

AdapterReference = str | dict[str, Any]
"""An adapter's name, or a table with its ``type`` and its options."""


class BatchOptions(Options, frozen=True):
    """How events are gathered. What is left out is the sink type's own default, and never more than the vendor takes."""

    max_events: Annotated[Count | None, Meta(description="Events in one batch, at most.")] = None
    max_bytes: Annotated[Bytes | None, Meta(description="Bytes of encoded events in one batch, at most.")] = None
    linger_secs: Annotated[Seconds | None, Meta(description="How long the first event of a batch waits for others.")] = None


class RetryOptions(Options, frozen=True):
    """When and how often an event is tried again."""

    max_attempts: Annotated[
        Count,
        Meta(
            description="Attempts at one event before it goes to the dead letters. Only failures of the event's own count; "
            "while the sink as a whole cannot be reached, answers 429 or 503, or lets nothing through, nothing is used up."
        ),
    ] = 8
    max_age_secs: Annotated[
        Positive | None,
        Meta(
            description="An event that fails on its own account when it came longer ago than this goes to the dead letters, "
            "whatever attempts it has left. Left out, age is no reason."
        ),
    ] = None
    first_secs: Annotated[Positive, Meta(description="Longest wait before the second attempt; it doubles from there.")] = 0.2
    max_secs: Annotated[
        Positive, Meta(description="Longest wait between two attempts. The wait itself is drawn at random.")
    ] = 30.0

    def __post_init__(self) -> None:
        if self.first_secs > self.max_secs:
            raise ValueError("first_secs is larger than max_secs")


LEAST_DISK_BYTES = 1_048_576
"""The least ``max_bytes`` of a buffer on disk: its rows are as large as that."""


class BufferOptions(Options, frozen=True):
    """The sink's queue. Events in flight count against its bounds."""

    type: Annotated[
        Literal["memory", "disk"],
        Meta(
            description="`memory`: a source is answered when its events are delivered. `disk`: a source is answered when its "
            "events are in a file and synced; they outlive the process."
        ),
    ] = "memory"
    max_events: Annotated[
        Count | None, Meta(description="For `memory`: events held for this sink, at most. Left out, 10000.")
    ] = None
    max_bytes: Annotated[
        Bytes | None,
        Meta(
            description="For `memory`: bytes of these events as they were received, at most; left out, 67108864. For `disk`: "
            "bytes of their canonical JSON in the file, at most; left out, 268435456, and 1048576 or more."
        ),
    ] = None
    path: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="For `disk`: the folder of the sink's file. Relative to `data_dir`; left out, `spool`."),
    ] = None
    when_full: Annotated[
        WhenFull,
        Meta(
            description="`block` makes the sources wait (and with them the sinks they share); `drop_newest` and `drop_oldest` "
            "give events up, counted as dropped."
        ),
    ] = "block"

    def __post_init__(self) -> None:
        if self.type == "memory" and self.path is not None:
            raise ValueError('path is for a buffer of type "disk"; set type = "disk" or leave path out')
        if self.type == "disk" and self.max_events is not None:
            raise ValueError('max_events is for a buffer of type "memory"; a file is bounded by max_bytes')
        if self.type == "disk" and self.max_bytes is not None and self.max_bytes < LEAST_DISK_BYTES:
            raise ValueError(f'max_bytes is {self.max_bytes}; a buffer of type "disk" has at least {LEAST_DISK_BYTES}')


class RateOptions(Options, frozen=True):
    """How fast a sink may be sent to. Events wait for it; none is dropped."""

    events_per_sec: Annotated[Positive, Meta(description="Events a second, on average.")]
    burst: Annotated[Count, Meta(description="Events that may go at once after a rest.")] = 1


class DefaultsOptions(Options, frozen=True):
    """What an event means where it does not say so itself: your word, not wye's."""

    currency: Annotated[
        Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None,
        Meta(description="The currency (ISO 4217) of events that have money and name none."),
    ] = None
    channel_type: Annotated[
        Literal["APP", "SITE", "DESKTOP_SITE", "MOBILE_SITE"] | None,
        Meta(description="The channel of events that name none."),
    ] = None

    def by_leaf(self) -> dict[str, str]:
        """Those that are set, by the canonical leaf that they are for."""
        given = {"currency": self.currency, "channel": self.channel_type and self.channel_type.lower()}
        return {leaf: value for leaf, value in given.items() if value}


class Acknowledgement(Options, frozen=True):
    """A loss that you know of."""

    leaf: Annotated[str, Meta(description="Its name, as `wye explain` prints it.", min_length=1)]
    reason: Annotated[str, Meta(description="Why it may be lost; for who reads this next.", min_length=1)]


class DedupeOptions(Options, frozen=True):
    """Repeats of events that are safe already, known by their ids. What is known is gone with the process."""

    window_secs: Annotated[Positive, Meta(description="How long an event is known once it is safe.")] = 600.0
    max_events: Annotated[Count, Meta(description="How many are known, at most: about 250 bytes of memory each.")] = 100_000


class SourceOptions(Options, frozen=True):
    """What every `[sources.NAME]` has."""

    type: Annotated[str, Meta(description="The kind of source; `wye plugins` lists what is installed.")]
    adapter: Annotated[
        AdapterReference | None,
        Meta(
            description="The format that comes in: an adapter's name, or a table with its `type` and options. "
            "Left out, canonical JSON."
        ),
    ] = None
    adapters: Annotated[
        Annotated[list[AdapterReference], Meta(min_length=1)] | None,
        Meta(description="For sources that serve several formats at once (`http`, `websocket`): all of them."),
    ] = None
    dedupe: Annotated[
        DedupeOptions | None,
        Meta(description="Drop events that come again, as clients send what they got no answer for; they count as filtered."),
    ] = None
    keep_original: Annotated[
        bool,
        Meta(description="Keep the original bytes of every event beside it, for dead letters and replay. It costs memory."),
    ] = False


class SinkOptions(Options, frozen=True):
    """What every `[sinks.NAME]` has."""

    type: Annotated[str, Meta(description="The kind of sink; `wye plugins` lists what is installed.")]
    inputs: Annotated[list[str], Meta(description="The sources and transforms whose events this sink gets.", min_length=1)]
    adapter: Annotated[
        AdapterReference | None,
        Meta(
            description="The format that goes out: an adapter's name, or a table with its `type` and options. "
            "Left out, canonical JSON."
        ),
    ] = None
    where: Annotated[
        dict[str, Any] | None,
        Meta(description="Which events this sink gets, by canonical fields; the others count as filtered. See *Conditions*."),
    ] = None
    batch: Annotated[BatchOptions, Meta(description="How events are gathered into batches.")] = BatchOptions()
    retry: Annotated[RetryOptions, Meta(description="When and how often an event is tried again.")] = RetryOptions()
    ordering: Annotated[
        Literal["none", "key"],
        Meta(
            description="`key`: events with the same `key` reach the sink one after the other, in the order in which they "
            "came, retries included; others go on meanwhile. No two of them travel in one request, so one busy key is slow."
        ),
    ] = "none"
    key: Annotated[
        Literal["visitor_id", "user_id", "session_id", "order_id"],
        Meta(description="What `ordering` goes by. Events without it are in no order."),
    ] = "visitor_id"
    rate: Annotated[
        RateOptions | None, Meta(description="How fast the sink may be sent to. Left out, as fast as it takes.")
    ] = None
    buffer: Annotated[BufferOptions, Meta(description="The queue in front of this sink.")] = BufferOptions()
    stall_secs: Annotated[
        Positive, Meta(description="An event that waits for longer than this is worth a line in the log, with how many wait.")
    ] = 300.0
    unmapped: Annotated[
        Unmapped,
        Meta(
            description="What to do with events of a type that the format has no name for: drop them (they count as filtered), "
            "send the `nearest` type that says nothing false, or put them into the dead letters."
        ),
    ] = "drop"
    defaults: Annotated[
        DefaultsOptions, Meta(description="What an event means where it does not say so itself. wye never makes this up.")
    ] = DefaultsOptions()
    on_loss: Annotated[
        OnLoss | dict[LossClass, OnLoss],
        Meta(
            description="What to do with an event of which the format cannot hold something, for all or by class (`money`, "
            "`identity`, `items`, `attributes`, `context`): allow it, warn once a leaf, or put it into the dead letters. "
            "Whatever is lost is counted in the ledger, from a sample; with `warn` or `dead_letter` every event is measured."
        ),
    ] = "allow"
    carry: Annotated[
        bool,
        Meta(
            description="Carry what the format has no place for among its free attributes (`x_carry…`), so that it comes back "
            "when wye reads it again. Only for formats that have such attributes."
        ),
    ] = False
    acknowledge: Annotated[
        list[Acknowledgement], Meta(description="Losses that are known and neither counted nor acted upon.")
    ] = field(default_factory=list[Acknowledgement])


class TransformOptions(Options, frozen=True):
    """What every `[transforms.NAME]` has."""

    type: Annotated[str, Meta(description="The kind of transform; `wye plugins` lists what is installed.")]
    inputs: Annotated[list[str], Meta(description="The sources and transforms whose events it gets.", min_length=1)]


class DeadLettersOptions(Options, frozen=True):
    """The file of dead letters, `dead-letters.db` in `data_dir`."""

    max_bytes: Annotated[
        Bytes, Meta(description="Bytes of letters (events, original bytes and reasons), at most. The file is somewhat larger.")
    ] = 1_073_741_824
    when_full: Annotated[
        LettersWhenFull,
        Meta(
            description="`block` loses nothing: what should become a letter waits, and before long so do the sources; "
            "`drop_oldest` gives the oldest letters up and says how many."
        ),
    ] = "block"


MOST_WORKERS = 256


class RootOptions(Options, frozen=True):
    """What concerns wye as a whole; stands outside of the tables of parts."""

    data_dir: Annotated[
        str,
        Meta(
            description="Where wye keeps what must survive a restart: dead letters, checkpoints, buffers on disk.", min_length=1
        ),
    ] = "wye-data"
    grace_secs: Annotated[
        Seconds, Meta(description="How long a stop (SIGTERM, SIGINT, SIGHUP) waits for events in flight before it gives up.")
    ] = 30.0
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_WORKERS)],
        Meta(
            description="Processes that share the work, each a whole wye on this config. Connections to what listens are "
            "spread over them; other sources run in the first one only. See *Workers* in docs/operations.md."
        ),
    ] = 1
    dead_letters: Annotated[
        DeadLettersOptions, Meta(description="A table of its own: what was given up, and how much of it is kept.")
    ] = DeadLettersOptions()


class SourceConfig(Struct, frozen=True):
    """One source, built but not running, and the adapters that it was built with."""

    name: str
    type: str
    source: Source
    adapters: Sequence[Inbound]
    dedupe: DedupeOptions | None = None
    spreads: bool = True
    """Whether every worker runs it; otherwise only the first one does."""


class SinkConfig(Struct, frozen=True):
    """One sink, built but not open."""

    name: str
    options: SinkOptions
    transport: Transport
    encoder: Encoder
    readback: Format | None
    batching: Batching
    where: Callable[[Event], bool] | None


class TransformConfig(Struct, frozen=True):
    """One transform, built."""

    name: str
    type: str
    transform: Transform
    inputs: Sequence[str]


class Config(Struct, frozen=True):
    """A config without mistakes."""

    data_dir: Path
    grace_secs: float
    sources: Sequence[SourceConfig]
    transforms: Sequence[TransformConfig]
    sinks: Sequence[SinkConfig]
    secrets: Secrets
    dead_letters: DeadLettersOptions
    workers: int = 1
    worker: int = 0
    """Which of the ``workers`` this process is."""
