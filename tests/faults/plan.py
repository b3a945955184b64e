"""What happens in a round, drawn from its seed: for each life of the process its weather, its faults and its end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from msgspec import Struct, structs

from faults import shim
from faults.disk import Style
from faults.points import POINTS, Point
from faults.vendor import WEATHERS

DiskFault = Literal["full", "write-eio", "sync-eio", "short-writes", "slow"]


class Life(Struct, frozen=True):
    """One life of the process, up to ``secs`` long.

    ``point`` is where it is killed (``None``: when its time is over), on the ``nth`` passing; ``power`` is how much of what was
    not synced remains (``None``: all, for the system lives on). ``disk`` is a fault on the files of ``classes``,
    ``paused_secs`` is how long it is stopped (SIGSTOP), ``clock_secs`` how far the wall clock jumps. ``orderly``: when its time
    is over it is asked to stop (SIGTERM), and killed only if it does not. ``victim``: one of ``workers`` is killed before that.
    """

    secs: float = 1.5
    weather: str = "calm"
    point: str | None = None
    nth: int = 1
    power: Style | None = None
    disk: DiskFault | None = None
    classes: int = shim.ANY_FILE
    paused_secs: float = 0.0
    clock_secs: int = 0
    orderly: bool = False
    workers: int = 1
    victim: bool = False


_STYLES: Sequence[Style] = ("nothing", "all", "prefix", "any", "any")
_FAULTS: Sequence[DiskFault] = ("full", "write-eio", "sync-eio", "short-writes", "slow")
_CLASSES = (shim.LOG, shim.DATABASE, shim.LETTERS, shim.OTHER, shim.ANY_FILE)
_JUMPS = (-86_400, -60, 5, 3_600, 86_400)


def draw(random: Random, *, layer: bool, workers: int = 1) -> Life:
    """``layer``: whether there is a file layer, without which there are no faults of the disk. ``workers``: how many there are,
    as a rule; now and then there are fewer."""
    life = _draw(random, layer)
    if workers == 1:
        return life
    count = workers if random.random() < 0.7 else random.randint(1, workers)
    return structs.replace(life, secs=life.secs + 0.5, workers=count, victim=count > 1 and random.random() < 0.5)


def _draw(random: Random, layer: bool) -> Life:
    names = [name for name, point in POINTS.items() if layer or isinstance(point, Point)]
    point = random.choice(names) if random.random() < 0.6 else None
    return Life(
        secs=random.uniform(0.9, 1.8) if random.random() < 0.9 else random.uniform(0.1, 0.6),
        weather=random.choice(list(WEATHERS)) if random.random() < 0.5 else "calm",
        point=point,
        nth=_nth(point, random),
        power=random.choice(_STYLES) if layer and random.random() < 0.5 else None,
        disk=random.choice(_FAULTS) if layer and random.random() < 0.25 else None,
        classes=random.choice(_CLASSES),
        paused_secs=random.uniform(0.1, 2.0) if random.random() < 0.1 else 0.0,
        clock_secs=random.choice(_JUMPS) if layer and random.random() < 0.1 else 0,
        orderly=random.random() < 0.07,
    )


def _nth(point: str | None, random: Random) -> int:
    return 1 if point is None else random.randint(1, max(1, POINTS[point].usual))


def orders(life: Life, random: Random) -> dict[str, int]:
    """The disk fault, as the file layer takes it."""
    found = {"fault_mask": life.classes}
    match life.disk:
        case "full":
            found["room"] = random.randint(0, 60_000)
        case "write-eio":
            found["write_eio_in"] = random.randint(1, 40)
        case "sync-eio":
            found["sync_eio_in"] = random.randint(1, 10)
        case "short-writes":
            found["short_permille"] = random.randint(50, 900)
        case "slow":
            found["write_delay_us"] = random.randint(0, 3_000)
            found["sync_delay_us"] = random.randint(5_000, 150_000)
        case None:
            return {}
    return found
