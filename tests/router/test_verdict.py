from __future__ import annotations

from typing import Any

import pytest

from wye.verdict import DELIVERED, Verdict, per_event


def test_one_verdict_stands_for_every_event() -> None:
    busy = Verdict("busy")
    each = per_event(busy, 3)
    assert each == [Verdict("busy", of=3)] * 3
    assert each[0] is each[2]
    assert per_event([busy, DELIVERED], 2) == [busy, DELIVERED]


@pytest.mark.parametrize("odd", [[], [DELIVERED], [DELIVERED] * 3])
def test_another_number_of_verdicts_is_refused(odd: list[Verdict]) -> None:
    with pytest.raises(ValueError, match=f"{len(odd)} verdicts for 2 events"):
        per_event(odd, 2)


def test_what_is_no_verdict_is_refused() -> None:
    odd: list[Any] = [DELIVERED, "delivered"]
    with pytest.raises(ValueError, match="expected verdicts, found str"):
        per_event(odd, 2)
