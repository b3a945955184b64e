"""What the parent makes of what its workers say. How it starts, stops and restarts them is shown with real processes."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from wye.ledger import Ledger, SinkAccount, SourceAccount, TypeLosses, summed
from wye.workers.channel import Report, read
from wye.workers.supervisor import Worker


def report(received: int, in_flight: int, kept: list[str]) -> Report:
    accounts = [SinkAccount(name, received, received - in_flight, in_flight=in_flight) for name in ("file", "disk")]
    return Report(Ledger([SourceAccount("edge", received, in_flight=1)], accounts), 4, kept, True, [])


def test_a_report_comes_through_as_it_was() -> None:
    sent = report(9, 2, ["disk"])
    sent.ledger.sinks[0].filtered_types["login"] = 3
    sent.ledger.sinks[0].losses["purchase"] = TypeLosses(5, 1, Counter({"lost cost": 1}))
    heard = read(msgspec.json.encode(sent))
    assert heard == sent
    assert isinstance(heard.ledger.sinks[0].losses["purchase"].leaves, Counter)


def test_what_a_dead_worker_counted_is_counted_once() -> None:
    """What is in a file its successor counts again; what was in memory went with it and was promised to nobody."""
    worker = Worker(1)
    worker.report = report(10, 4, ["disk"])
    worker.forget_process()
    worker.report = report(3, 1, ["disk"])
    worker.forget_process()
    assert worker.report is None
    total = summed(worker.ledgers)
    assert total.balanced
    assert total.sources == [SourceAccount("edge", 13)]
    assert total.sinks == [SinkAccount("file", 8, 8)]
    worker.report = report(20, 5, ["disk"])
    assert {one.name: one.received for one in summed(worker.ledgers).sinks} == {"file": 28, "disk": 20}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_sum_of_ledgers_has_every_count(count: int) -> None:
    one = report(10, 4, []).ledger
    one.sinks[0].filtered_types["login"] = 2
    one.sinks[0].losses["purchase"] = TypeLosses(5, 1, Counter({"lost cost": 1}))
    total = summed([one] * count)
    assert [vars_of(sink) for sink in total.sinks] == [
        {name: value * count for name, value in vars_of(sink).items()} for sink in one.sinks[: 2 * count]
    ]
    if count:
        assert total.sinks[0].filtered_types == {"login": 2 * count}
        assert total.sinks[0].losses == {"purchase": TypeLosses(5 * count, count, Counter({"lost cost": count}))}


def vars_of(account: SinkAccount) -> dict[str, int]:
    return {name: value for name, value in msgspec.structs.asdict(account).items() if isinstance(value, int)}
