"""How long, how many, and what happens when: everything that goes wrong on purpose comes round again in each cycle."""

from __future__ import annotations

from msgspec import Struct

CLICKSTREAM_EVENTS = 100
"""Events a request of Clickstream's; Moloco's carries one."""

WEATHERS = (
    ("calm", 0.30),
    ("busy", 0.10),
    ("calm", 0.15),
    ("resets", 0.10),
    ("stalling", 0.10),
    ("calm", 0.10),
    ("lying", 0.08),
    ("down", 0.07),
)
"""The vendor's, each with its share of a cycle."""

VISITS = (((0.10, 0.20),), ((0.10, 0.10), (0.20, 0.0)))
"""The visits of the subscriber that stalls: by turns it reads and does not read, for so large shares of a cycle. The first
stall is longer than wye waits for a sign of life, the second is not."""


class Setup(Struct, frozen=True):
    """``fraction`` of the highest rate, which is measured for ``highest_secs``, is kept up for ``secs``. ``ping_secs``: after
    twice that, a subscriber that gives no sign of life is cut off. ``timeout_secs``: how long an answer of the vendor's is
    waited for, and ``quiet_secs`` is longer: when nothing has come for so long, nothing more will."""

    secs: float
    seed: int
    fraction: float = 0.5
    highest_secs: float = 20.0
    cycle_secs: float = 150.0
    sample_secs: float = 5.0
    ping_secs: float = 10.0
    timeout_secs: float = 5.0
    quiet_secs: float = 12.0
    clickstream_clients: int = 12
    moloco_clients: int = 6
    visit_secs: float = 4.0
    leave_secs: float = 2.0
    file_bytes: int = 16_000_000


def short(seed: int) -> Setup:
    """A few seconds of the same."""
    return Setup(
        6.0,
        seed,
        highest_secs=1.0,
        cycle_secs=6.0,
        sample_secs=0.25,
        ping_secs=5.0,
        timeout_secs=2.0,
        quiet_secs=2.5,
        visit_secs=0.4,
        leave_secs=0.3,
        file_bytes=300_000,
    )
