"""The reckoning: what was sent, what arrived, what lies in the dead letters and what the ledger says have to be one account."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from bench import record as bench_record
from faults import events, letters
from faults import record as faults_record
from faults.process import unbalanced
from faults.world import DECODE
from soak.process import Sample
from soak.record import Account, Memory, Row, Run
from soak.run import Soak
from soak.subscribers import Visit

FLAT_PERCENT = 5.0
LEAST_MINUTES = 10.0
"""In less time memory cannot be judged: it is still warming up."""

IDLE_THREAD_SECS = 10.0
"""Trio keeps a thread for so long that has nothing to do."""

LEAST_TIMEOUT_SECS = 5.0
"""With less patience, a busy machine alone makes an answer come too late, and its events twice."""

ROW_MINUTES = 5.0
_MIB = 1_048_576
_CUT = re.compile(r"subscriber 127\.0\.0\.1:(\d+): no answer to a ping")
_DROPPED = re.compile(r"subscriber 127\.0\.0\.1:(\d+) has left; (\d+) events were dropped")


class _Source(msgspec.Struct):
    received: int
    undecodable: int


class _Ledger(msgspec.Struct):
    sources: list[_Source]
    sinks: list[Account]


def reckon(soak: Soak) -> Run:
    """The figures of a run that has ended, and what is wrong."""
    soak.world.unbury()
    letters.read(soak.folder / "wye-data", soak.world)
    if soak.seen.exit_code != 0:
        return _run(soak, [], [f"did not stop in order: {soak.seen.exit_code}"])
    ledger = msgspec.json.decode(soak.process.ledger.read_bytes(), type=_Ledger)
    run = _run(soak, ledger.sinks, [])
    problems = [*unbalanced(soak.process.ledger), *_owed(soak), *_told(soak, ledger), *_missed(soak), *_held(soak, run)]
    run.problems = problems
    return run


def _owed(soak: Soak) -> Iterator[str]:
    """What the harness itself knows: everything acknowledged is somewhere, unchanged."""
    lost = soak.world.lost()
    yield from soak.world.faults[:10]
    yield from [f"event {number} was acknowledged and is lost to {sink}" for sink, number in lost[:10]]
    if soak.seen.torn_lines:
        yield f"{soak.seen.torn_lines} pieces of the files cannot be read"
    for name, view in soak.world.sinks.items():
        if soak.setup.timeout_secs >= LEAST_TIMEOUT_SECS and view.duplicates > soak.world.resent + view.unanswered:
            yield f"{name} got {view.duplicates} duplicates, and {soak.world.resent + view.unanswered} are to be expected"


def _told(soak: Soak, ledger: _Ledger) -> Iterator[str]:
    """What the ledger says, against what was seen from outside."""
    sinks, resent = soak.world.sinks, soak.world.resent
    for account in ledger.sinks:
        view = sinks[account.name]
        there = sum(came and not gave_up for came, gave_up in zip(map(bool, view.arrived), view.dead, strict=True))
        said = f"{account.name}: the ledger says {account}, the harness"
        if not there <= account.delivered <= there + resent:
            yield f"{said} saw {there} events arrive that are not in the dead letters"
        if account.dead_lettered != sum(view.dead):
            yield f"{said} found {sum(view.dead)} dead letters"
        if account.filtered > resent or account.dropped:
            yield f"{said} sent {resent} events again"
    received = {account.received for account in ledger.sinks} | {source.received for source in ledger.sources}
    owed = soak.world.acknowledged - sum(
        a and b == events.BROKEN for a, b in zip(soak.world.acked, soak.world.kinds, strict=True)
    )
    if len(received) != 1 or not owed <= min(received) <= owed + soak.crowd.seen.unread + resent:
        yield f"the ledger says that {received} events were received, the harness had {owed} acknowledged"
    found = sum(soak.world.undecodable.dead)
    if sum(source.undecodable for source in ledger.sources) != found:
        yield f"the ledger says {ledger.sources}, the harness found {found} dead letters that nobody could decode"


def _missed(soak: Soak) -> Iterator[str]:
    """A subscriber misses just what was dropped for it; who left with something unread cannot have seen all of that."""
    dropped, cut = dropped_by_port(soak), set(cut_ports(soak))
    by_port: dict[int, list[Visit]] = {}
    for visit in soak.audience.visits:
        by_port.setdefault(visit.port, []).append(visit)
    for port, visits in by_port.items():
        missed = sum(soak.audience.order.missed(visit) for visit in visits)
        told = dropped[port]
        if missed > told or (missed < told and port not in cut and all(visit.whole for visit in visits)):
            yield f"the subscriber {visits} missed {missed} events, and the log says that {told} were dropped"


def dropped_by_port(soak: Soak) -> Counter[int]:
    """Events that were dropped for a subscriber, as the log says, by the port that it came from."""
    found: Counter[int] = Counter()
    for port, count in _DROPPED.findall(soak.process.log.read_text(errors="replace")):
        found[int(port)] += int(count)
    return found


def cut_ports(soak: Soak) -> list[int]:
    """The ports of subscribers that were cut off, as the log says."""
    return [int(port) for port in _CUT.findall(soak.process.log.read_text(errors="replace"))]


def _held(soak: Soak, run: Run) -> Iterator[str]:
    """Descriptors, threads and, in a run that is long enough, memory."""
    if run.descriptors[1] > run.descriptors[0]:
        news = Counter(soak.seen.kinds[1]) - Counter(soak.seen.kinds[0])
        yield f"descriptors without load: {run.descriptors[0]} before, {run.descriptors[1]} after; new: {dict(news)}"
    if run.threads[1] > run.threads[0] + (1 if soak.setup.quiet_secs > IDLE_THREAD_SECS else 4):
        yield f"threads without load: {run.threads[0]} before, {run.threads[1]} after"
    if run.minutes >= LEAST_MINUTES and abs(run.memory.change) > FLAT_PERCENT:
        yield f"memory is not flat: {run.memory}"


def _run(soak: Soak, sinks: list[Account], problems: list[str]) -> Run:
    seen, crowd, world = soak.seen, soak.crowd.seen, soak.world
    visits = soak.audience.visits
    return Run(
        date=faults_record.today(),
        commit=faults_record.commit(),
        machine=bench_record.machine(soak.folder),
        load_average=bench_record.busy(),
        minutes=round(seen.secs / 60, 1),
        highest=round(seen.highest),
        rate=round(seen.rate),
        achieved=round(seen.achieved),
        acknowledged=world.acknowledged,
        requests=sum(crowd.requests.values()),
        answer_ms=_spread(crowd.latencies),
        sent_ms=_spread(crowd.after_sent),
        resent=world.resent,
        reconnects=crowd.reconnects,
        left_early=dict(sorted(crowd.left_early.items())),
        vendor_requests=soak.vendor.requests,
        faults={**dict(sorted(soak.vendor.stumbles.items())), "refused": soak.vendor.refused},
        arrived={name: view.total - view.duplicates for name, view in world.sinks.items()},
        duplicates={name: view.duplicates for name, view in world.sinks.items()},
        letters={**{name: sum(view.dead) for name, view in world.sinks.items()}, DECODE: sum(world.undecodable.dead)},
        visits={
            "subscriptions": len(visits),
            "cut off by wye": len(cut_ports(soak)),
            "events seen": sum(visit.seen for visit in visits),
            "events dropped": sum(dropped_by_port(soak).values()),
        },
        memory=_memory(seen.samples, seen.secs),
        descriptors=[one.descriptors - ends for one, ends in zip(seen.quiet, seen.open_ends, strict=True)],
        threads=[one.threads for one in seen.quiet],
        rows=_rows(seen.samples, seen.secs),
        ledger=sinks,
        problems=problems,
    )


def _spread(latencies: Sequence[float]) -> dict[str, float]:
    ordered = sorted(latencies) or [0.0]
    picks = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "most": 1.0}
    return {name: round(1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1) for name, share in picks.items()}


def _memory(samples: Sequence[Sample], secs: float) -> Memory:
    def median(first: float, last: float) -> float:
        found = [one.rss for one in samples if first <= 6 * one.at / secs < last]
        return statistics.median(found or [samples[-1].rss])

    later = [one for one in samples if 6 * one.at >= secs]
    slope = statistics.linear_regression([one.at / 3600 for one in later], [one.rss for one in later]).slope
    return Memory(round(median(1, 2), 2), round(median(5, 6), 2), round(slope, 2))


def _rows(samples: Sequence[Sample], secs: float) -> list[Row]:
    """One for every few minutes."""
    step = min(60 * ROW_MINUTES, secs)
    rows: list[Row] = []
    for number in range(round(secs / step)):
        part = [one for one in samples if number * step <= one.at < (number + 1) * step]
        if len(part) < 2:
            continue
        rows.append(
            Row(
                minute=round((number + 1) * step / 60, 2),
                rss=round(statistics.median(one.rss for one in part), 1),
                pss=round(statistics.median(one.pss for one in part), 1),
                descriptors=max(one.descriptors for one in part),
                threads=max(one.threads for one in part),
                cores=round((part[-1].cpu - part[0].cpu) / (part[-1].at - part[0].at), 2),
                waiting=max(one.waiting for one in part),
                spool=round(max(one.spool for one in part) / _MIB, 1),
            )
        )
    return rows
