"""A few seconds of the soak. Memory is not judged in so short a time."""

from __future__ import annotations

import secrets

import trio

from soak.plan import short
from soak.reckon import reckon
from soak.run import Soak


def test_a_few_seconds_leak_no_descriptor_and_the_accounts_agree() -> None:
    soak = Soak(short(secrets.randbelow(1 << 30)))
    trio.run(soak.run)
    run = reckon(soak)
    assert run.problems == [], f"its folder is kept: {soak.folder}"
    assert run.acknowledged > 0
    assert run.faults["refused"] > 0
    soak.forget()
