"""Throws mutated samples at every vendor's decoder: ``make fuzz``, or ``PYTHONPATH=tests python -m laws.fuzz --help``.

What must hold for each input:

- decoding gives events and failures, and raises nothing;
- encoding what was decoded raises nothing, and what is written is read back;
- decoding takes no more than ``allowed_secs``, the best of several times for one that seems slow;
- memory stays flat: in the second half of the inputs the process never holds more than ``MAX_GROWTH`` bytes above what it held
  at most in the first.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal

from msgspec import Struct

from laws.mutations import MEBIBYTE, Mutator, seeds_in
from wye.event import Event
from wye.fidelity.formats import all_formats
from wye.fidelity.measure import Format
from wye.message import Failure, Payload, Unfit
from wye.registry import load

SAMPLES = Path(__file__).resolve().parents[1] / "samples"

FLOOR_SECS = 0.005
SECS_PER_MEBIBYTE = 0.050
SECS_PER_VALUE = 3e-6
MAX_GROWTH = 32 * MEBIBYTE
RECEIVED_MS = 1_700_000_000_000
SHARDS = 4


def allowed_secs(body: bytes) -> float:
    """How long decoding may take, in seconds of the processor: 50 ms a mebibyte, and 3 µs a value or line.

    The second part is for documents of a few bytes. ``[{},{},…]`` has 350,000 records in a mebibyte: each becomes an object
    with a reason, whoever reads it. Documents of 1 KB keep below the first part alone. 5 ms are for the clock.
    """
    values = body.count(b",") + body.count(b"{") + body.count(b"[") + body.count(b"\n")
    return FLOOR_SECS + SECS_PER_MEBIBYTE * len(body) / MEBIBYTE + SECS_PER_VALUE * values


class Finding(Struct):
    """An input that broke a rule, and where."""

    vendor: str
    rule: str
    detail: str
    payload: Payload


class Account(Struct):
    """What came of a number of inputs. ``slowest`` is the largest share of ``allowed_secs`` that one took."""

    inputs: int = 0
    events: int = 0
    failures: int = 0
    size: int = 0
    slowest: float = 0.0
    growth: int = 0
    peak: int = 0
    secs: float = 0.0
    findings: list[Finding] = []

    def add(self, other: Account) -> None:
        for name in ("inputs", "events", "failures", "size", "secs"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("slowest", "growth", "peak"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.findings += other.findings


class Fuzz:
    """One vendor's inputs, one after the other. ``patience`` stretches the time that is allowed, for a machine that is busy."""

    def __init__(
        self, target: Format, folders: Sequence[Path], seed: str, inflate_every: int = 5_000, patience: float = 1
    ) -> None:
        self._target = target
        self._patience = patience
        self._inputs = Mutator(seeds_in(*folders), random.Random(seed), inflate_every)
        self._account = Account()
        self._known: set[str] = set()

    def run(self, inputs: int) -> Account:
        began = time.perf_counter()
        peaks = [0, 0]
        for number in range(inputs):
            self._one(self._inputs.next(), "lines" if number % 4 == 0 else "message")
            if number % 500 == 0:
                half = number * 2 // inputs
                peaks[half] = max(peaks[half], resident_bytes())
        self._account.growth = max(0, peaks[1] - peaks[0])
        self._account.peak = max(peaks)
        if self._account.growth > MAX_GROWTH:
            self._found("memory", f"grew by {self._account.growth / MEBIBYTE:.0f} MiB", Payload(b""))
        self._account.secs = time.perf_counter() - began
        return self._account

    def _one(self, body: bytes, framing: Literal["lines", "message"]) -> None:
        payload = Payload(body, framing, RECEIVED_MS)
        account = self._account
        account.inputs += 1
        account.size += len(body)
        began = time.thread_time()
        try:
            decoded = self._target.inbound.decoder.decode(payload)
        except Exception:
            self._raised("decoding raises", payload)
            return
        self._judge_time(payload, time.thread_time() - began)
        account.events += len(decoded.events)
        account.failures += len(decoded.failures)
        if not all(type(one) is Event for one in decoded.events) or not all(type(one) is Failure for one in decoded.failures):
            self._found("decoding gives something else", "", payload)
        self._write(decoded.events, payload)

    def _write(self, events: Sequence[Event], payload: Payload) -> None:
        try:
            documents = self._target.outbound.encoder.encode(events)
        except Exception:
            self._raised("encoding raises", payload)
            return
        for document in documents[:20]:
            if isinstance(document, Unfit):
                continue
            again = self._target.inbound.decoder.decode(Payload(document, received_ms=RECEIVED_MS))
            if len(again.events) != 1 or again.failures:
                reason = again.failures[0].reason if again.failures else "nothing"
                self._found("what is written is not read back", reason, payload)

    def _judge_time(self, payload: Payload, secs: float) -> None:
        allowed = self._patience * allowed_secs(payload.body)
        for _ in range(5):
            if secs < allowed:
                break
            began = time.thread_time()
            self._target.inbound.decoder.decode(payload)
            secs = min(secs, time.thread_time() - began)
        share = secs / allowed
        self._account.slowest = max(self._account.slowest, share)
        if share > 1:
            detail = f"{secs * 1000:.1f} ms for {len(payload.body):,} bytes, {allowed * 1000:.1f} allowed"
            self._found("slow", detail, payload)

    def _raised(self, rule: str, payload: Payload) -> None:
        error = sys.exception()
        last = traceback.extract_tb(error.__traceback__)[-1] if error else None
        where = f"{Path(last.filename).name}:{last.lineno}" if last else ""
        self._found(rule, f"{type(error).__name__} in {where}: {str(error)[:200]!r}", payload)

    def _found(self, rule: str, detail: str, payload: Payload) -> None:
        """One of a kind is enough: the reason without its numbers."""
        kind = rule + "".join(char for char in detail if not char.isdigit()) if rule != "slow" else rule
        if kind not in self._known and len(self._known) < 100:
            self._known.add(kind)
            self._account.findings.append(Finding(self._target.name, rule, detail, payload))


def resident_bytes() -> int:
    """What the process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fuzz(vendor: str, inputs: int, seed: str, folders: Sequence[Path], inflate_every: int = 5_000) -> Account:
    """Some inputs for one vendor, in this process. The collector works as in ``wye run``."""
    target = next(one for one in all_formats(load()) if one.name == vendor)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    return Fuzz(target, [SAMPLES / vendor, *(folder / vendor for folder in folders)], seed, inflate_every).run(inputs)


def main() -> int:
    options = _options()
    print(f"seed {options.seed}", flush=True)
    vendors = options.vendor or [one.name for one in all_formats(load())]
    keep = options.keep or Path(tempfile.mkdtemp(prefix="wye-fuzz-"))
    each = options.inputs // SHARDS
    found = 0
    with ProcessPoolExecutor(options.processes, max_tasks_per_child=1) as pool:
        shards = {
            vendor: [
                pool.submit(fuzz, vendor, each, f"{options.seed}/{vendor}/{shard}", options.samples) for shard in range(SHARDS)
            ]
            for vendor in vendors
        }
        for vendor, running in shards.items():
            account = Account()
            for shard in running:
                account.add(shard.result())
            report(account, vendor, keep)
            found += len(account.findings)
    return 1 if found else 0


def report(account: Account, vendor: str, keep: Path) -> None:
    """The account, in words; inputs that broke a rule are put into a folder."""
    words = [
        f"{account.inputs:,} inputs ({account.size / MEBIBYTE:,.0f} MiB), {account.events:,} events",
        f"{account.failures:,} failures",
        f"the slowest took {account.slowest:.0%} of its time",
        f"{account.peak / MEBIBYTE:.0f} MiB of memory, {account.growth / MEBIBYTE:.1f} more in the second half",
        f"{account.secs:,.0f} s",
        f"{len(account.findings)} findings",
    ]
    print(f"{vendor}: {'; '.join(words)}", flush=True)
    for finding in account.findings:
        path = (
            keep
            / f"{vendor}-{finding.payload.framing}-{hashlib.sha1(finding.payload.body, usedforsecurity=False).hexdigest()[:12]}"
        )
        path.write_bytes(finding.payload.body)
        print(f"  {finding.rule}: {finding.detail}\n    {path}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Throw mutated samples at the vendors' decoders.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each vendor (default: 1000000)")
    parser.add_argument("--vendor", action="append", help="only this one; can be given again (default: all)")
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000_000, help="repeats a run")
    parser.add_argument("--samples", type=Path, action="append", default=[], help="a folder that has more of them, by vendor")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="(default: one a core)")
    parser.add_argument("--keep", type=Path, help="where inputs go that broke a rule (default: a new folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
