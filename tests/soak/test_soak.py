"""A few seconds of the soak, and its reckoning judged. Memory says nothing in so short a time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import trio
from msgspec import structs

from soak import page
from soak.plan import short
from soak.reckon import reckon
from soak.run import Soak

Wrong = Callable[[Soak, pytest.MonkeyPatch, Path], None]


@pytest.fixture(scope="module")
def soak() -> Generator[Soak]:
    ended = Soak(short(secrets.randbelow(1 << 30)))
    trio.run(ended.run)
    yield ended
    if not reckon(ended).problems:
        ended.forget()


def test_a_few_seconds_leak_no_descriptor_and_the_accounts_agree(soak: Soak) -> None:
    run = reckon(soak)
    assert run.problems == [], f"its folder is kept: {soak.folder}"
    assert run.acknowledged > 0
    assert run.faults["refused"] > 0
    assert all(0 < run.sent_ms[name] <= ms for name, ms in run.answer_ms.items()), "what is due is sent later, never before"
    assert "<!--" not in page.render(run)


def an_event_is_lost(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    view = soak.world.sinks["archive"]
    acknowledged = next(n for n, there in enumerate(view.arrived) if there and soak.world.acked[n])
    patch.setattr(view, "arrived", view.arrived[:acknowledged] + b"\0" + view.arrived[acknowledged + 1 :])


def the_ledger_says_more_than_arrived(soak: Soak, patch: pytest.MonkeyPatch, folder: Path) -> None:
    ledger = json.loads(soak.process.ledger.read_bytes())
    ledger["sinks"][0]["received"] += 1
    ledger["sinks"][0]["delivered"] += 1
    other = folder / "ledger.json"
    other.write_text(json.dumps(ledger))
    patch.setattr(soak.process, "ledger", other)


def a_letter_is_missing(soak: Soak, patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(soak, "folder", folder)


def a_subscriber_missed_something(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    visit = next(one for one in soak.audience.visits if one.seen)
    patch.setattr(visit, "seen", visit.seen - 1)


def a_descriptor_is_left_open(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    before, after = soak.seen.quiet
    more = structs.replace(after, descriptors=after.descriptors + 8)
    patch.setattr(soak.seen, "quiet", [before, more])


def threads_are_left(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    before, after = soak.seen.quiet
    patch.setattr(soak.seen, "quiet", [before, structs.replace(after, threads=before.threads + 9)])


def memory_grows(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    sample = soak.seen.samples[0]
    patch.setattr(soak.seen, "samples", [structs.replace(sample, at=at, rss=50 + at / 300) for at in range(0, 3600, 5)])
    patch.setattr(soak.seen, "secs", 3600.0)


def it_did_not_stop(soak: Soak, patch: pytest.MonkeyPatch, _: Path) -> None:
    patch.setattr(soak.seen, "exit_code", None)


WRONG: dict[Wrong, str] = {
    an_event_is_lost: "lost to archive",
    the_ledger_says_more_than_arrived: "events arrive",
    a_letter_is_missing: "lost to vendor",
    a_subscriber_missed_something: "were dropped",
    a_descriptor_is_left_open: "descriptors without load",
    threads_are_left: "threads without load",
    memory_grows: "memory is not flat",
    it_did_not_stop: "did not stop",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found(wrong: Wrong, soak: Soak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong(soak, monkeypatch, tmp_path)
    assert any(WRONG[wrong] in problem for problem in reckon(soak).problems)
