"""What a config says of how a sink sends."""

from __future__ import annotations

import math

from msgspec import Struct

from wye.batcher import Batcher
from wye.outbox import KeyOf
from wye.rate import Rate
from wye.retry import Backoff


class Sending(Struct, frozen=True):
    """How a sink sends: when its events make a parcel, and how often an event is tried. ``max_attempts`` and ``max_age_secs``
    (since it came) count against an event for failures of its own only. With ``key_of``, events of one key are sent one after
    the other, in their order. ``rate`` gives the sink its own bucket."""

    batcher: Batcher
    backoff: Backoff
    max_attempts: int
    max_age_secs: float = math.inf
    key_of: KeyOf | None = None
    rate: Rate | None = None
