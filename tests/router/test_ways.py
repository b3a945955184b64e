"""Ways from sources to sinks, through transforms."""

from __future__ import annotations

from typing import Any

import trio

from router.fakes import Configs
from router.life import Life
from wye.errors import Exit
from wye.event import Event
from wye.testing import make_event

EVENTS = tuple(make_event(f"{kind}-{number}", type=kind) for kind in ("purchase", "search") for number in range(2))


async def through(configs: Configs, text: str) -> Life:
    life = Life(configs, '[sources.a]\ntype = "fake"\n' + text)
    life.sources["a"].events = EVENTS
    assert await life.run() is Exit.OK
    return life


async def test_a_filter_on_the_way(configs: Configs, autojump_clock: trio.testing.MockClock) -> None:
    life = await through(
        configs,
        """
[transforms.buys]
type = "filter"
inputs = ["a"]
where = { type = "purchase" }
[sinks.z]
type = "fake"
inputs = ["buys"]
""",
    )
    assert life.sinks["z"].got == ["purchase-0", "purchase-1"]
    assert life.account("z") == {"received": 4, "delivered": 2, "filtered": 2}


async def test_two_filters_in_a_row_and_a_condition_of_the_sink(
    configs: Configs, autojump_clock: trio.testing.MockClock
) -> None:
    life = await through(
        configs,
        """
[transforms.second]
type = "filter"
inputs = ["first"]
where = { id = ["purchase-1", "search-1", "purchase-0"] }
[transforms.first]
type = "filter"
inputs = ["a"]
where = { type = "purchase" }
[sinks.z]
type = "fake"
inputs = ["second"]
where = { id = ["purchase-1", "search-0"] }
""",
    )
    assert life.sinks["z"].got == ["purchase-1"]
    assert life.account("z") == {"received": 4, "delivered": 1, "filtered": 3}


async def test_two_ways_to_one_sink(configs: Configs, autojump_clock: trio.testing.MockClock) -> None:
    life = await through(
        configs,
        """
[transforms.buys]
type = "filter"
inputs = ["a"]
where = { type = "purchase" }
[transforms.firsts]
type = "filter"
inputs = ["a"]
where = { id = ["purchase-0", "search-0"] }
[sinks.z]
type = "fake"
inputs = ["buys", "firsts"]
""",
    )
    assert sorted(life.sinks["z"].got) == ["purchase-0", "purchase-0", "purchase-1", "search-0"]
    assert life.account("z") == {"received": 8, "delivered": 4, "filtered": 4}


async def test_options_of_a_sink_win_over_those_of_its_kind(configs: Configs, autojump_clock: trio.testing.MockClock) -> None:
    life = Life(
        configs,
        """
[sources.a]
type = "fake"
[sinks.z]
type = "fake"
inputs = ["a"]
batch = { max_events = 2 }
""",
    )
    sizes: list[int] = []
    sink = life.sinks["z"]
    send = sink.send

    async def counting(shipment: Any, /) -> Any:
        sizes.append(len(shipment.events))
        return await send(shipment)

    sink.send = counting  # type: ignore[method-assign]
    events: list[Event] = [make_event(str(number)) for number in range(5)]
    life.sources["a"].events = events
    assert await life.run() is Exit.OK
    assert (sum(sizes), max(sizes)) == (5, 2)
