from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from wye.breaker import FAILURES, Breaker
from wye.retry import Backoff


class Suspect:
    """Counts what is said of it."""

    def __init__(self) -> None:
        self.on_trial = 0
        self.charged = 0

    def convict(self) -> None:
        self.charged += self.on_trial
        self.on_trial = 0

    def acquit(self) -> None:
        self.on_trial = 0


def make_breaker(random: float = 1.0) -> Breaker:
    return Breaker(Backoff(1, 8), lambda: random)


def fail(breaker: Breaker, suspect: Suspect, now: float = 0.0) -> None:
    permit = breaker.sending()
    suspect.on_trial += 1
    breaker.failed(suspect, permit, now)


def test_a_vendor_that_says_it_is_busy_is_left_alone_for_a_while() -> None:
    breaker = make_breaker()
    breaker.down(breaker.sending(), now=100.0)
    assert breaker.is_open
    assert breaker.ready_at() == 101.0


def test_after_the_wait_there_is_one_probe_at_a_time() -> None:
    breaker = make_breaker()
    breaker.down(breaker.sending(), now=0.0)
    breaker.sending()
    assert breaker.ready_at() == math.inf
    breaker.passed()
    assert breaker.ready_at() == -math.inf
    assert not breaker.is_open


def test_a_probe_that_fails_makes_the_next_wait_longer() -> None:
    breaker = make_breaker()
    waits: list[float] = []
    for _ in range(6):
        breaker.down(breaker.sending(), now=0.0)
        waits.append(breaker.ready_at())
    assert waits == [1, 2, 4, 8, 8, 8]


def test_many_who_are_told_the_same_at_once_do_not_make_the_wait_longer() -> None:
    breaker = make_breaker()
    permits = [breaker.sending() for _ in range(8)]
    for permit in permits:
        breaker.down(permit, now=0.0)
    assert breaker.ready_at() == 1.0


def test_the_longest_wait_that_was_asked_for_is_kept() -> None:
    breaker = make_breaker()
    permits = [breaker.sending() for _ in range(3)]
    for permit, asked in zip(permits, (5.0, 60.0, 20.0), strict=True):
        breaker.down(permit, 0.0, asked)
    assert breaker.ready_at() == 60.0


def test_when_several_fail_and_nothing_gets_through_it_is_nobodys_fault() -> None:
    breaker, one, other = make_breaker(), Suspect(), Suspect()
    for suspect in (one, other, one, other):
        fail(breaker, suspect)
    assert breaker.is_open
    breaker.passed()
    assert (one.charged, other.charged) == (0, 0)


def test_who_fails_while_others_get_through_pays_for_it() -> None:
    breaker, bad = make_breaker(), Suspect()
    for _ in range(3):
        fail(breaker, bad)
        breaker.passed()
    assert bad.charged == 3
    assert not breaker.is_open


def test_one_alone_that_fails_does_not_prove_that_the_vendor_is_down() -> None:
    breaker, bad = make_breaker(), Suspect()
    for _ in range(3 * FAILURES):
        fail(breaker, bad)
    assert not breaker.is_open
    assert bad.on_trial == 3 * FAILURES


def test_while_the_vendor_is_down_a_failing_probe_pays_nothing() -> None:
    breaker, probe = make_breaker(), Suspect()
    breaker.down(breaker.sending(), now=0.0)
    for _ in range(20):
        fail(breaker, probe)
    breaker.passed()
    assert probe.charged == 0


Step = st.sampled_from(["send", "pass", "down", "fail", "wait"])


@settings(max_examples=500)
@given(steps=st.lists(Step, max_size=60), random=st.floats(0, 0.999))
def test_it_is_never_stuck_and_never_lets_two_probes_out(steps: list[str], random: float) -> None:
    breaker, now = make_breaker(random), 0.0
    out: list[tuple[int, bool]] = []
    suspects = [Suspect(), Suspect()]
    for number, step in enumerate(steps):
        if step == "wait":
            now += 3.0
        elif step == "send" and breaker.ready_at() <= now:
            out.append((breaker.sending(), breaker.is_open))
        elif out and step != "send":
            permit, _ = out.pop(0)
            if step == "pass":
                breaker.passed()
            elif step == "down":
                breaker.down(permit, now)
            else:
                suspects[number % 2].on_trial += 1
                breaker.failed(suspects[number % 2], permit, now)
        if not out:
            assert breaker.ready_at() <= now + 8.0
        if breaker.is_open:
            assert sum(probe for _, probe in out if probe) <= 1 or not math.isinf(breaker.ready_at())
