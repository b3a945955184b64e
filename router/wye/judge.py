"""What becomes of a parcel's events after an answer: settled, refused, tried again, or sent again in halves. Sans-io.

A vendor that refuses a request without saying which event is at fault, or says only how many are, is asked again with halves of
it, if that does no harm: for k faulty events of n that takes at most 2·k·log2(n) + 1 requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field, structs

from wye.batch import Parcel
from wye.verdict import Verdict


class Judgement(Struct):
    """Places in the parcel. ``refused`` have the verdicts in ``why``; ``halves`` are groups to be sent each by itself."""

    delivered: list[int] = field(default_factory=list[int])
    refused: list[int] = field(default_factory=list[int])
    why: list[Verdict] = field(default_factory=list[Verdict])
    again: list[int] = field(default_factory=list[int])
    halves: list[list[int]] = field(default_factory=list[list[int]])


def judge(
    parcel: Parcel, verdicts: Sequence[Verdict], max_attempts: int, too_old: Sequence[bool], divisible: bool
) -> Judgement:
    """``parcel.attempts`` already count the attempt that was answered. ``too_old``: for each event whether its time for being
    tried is over."""
    found = Judgement()
    suspects: dict[int, list[int]] = {}
    for place, verdict in enumerate(verdicts):
        if verdict.kind == "delivered":
            found.delivered.append(place)
        elif verdict.kind == "rejected" or (
            verdict.kind == "retry" and (parcel.tried(place) >= max_attempts or too_old[place])
        ):
            suspects.setdefault(id(verdict), []).append(place)
        else:
            found.again.append(place)
    for places in suspects.values():
        _suspect(found, places, verdicts[places[0]], divisible)
    return found


def _suspect(found: Judgement, places: list[int], verdict: Verdict, divisible: bool) -> None:
    """Events that got one answer together."""
    if verdict.of > 1 and len(places) > 1 and divisible and verdict.faulty != verdict.of:
        middle = (len(places) + 1) // 2
        found.halves += [places[:middle], places[middle:]]
        return
    found.refused += places
    found.why += [_told_apart(verdict, divisible)] * len(places)


def _told_apart(verdict: Verdict, divisible: bool) -> Verdict:
    if verdict.faulty is None or verdict.faulty >= verdict.of or divisible:
        return verdict
    reason = f"{verdict.reason} ({verdict.faulty} of {verdict.of} events, it is not said which; the others may have been taken)"
    return structs.replace(verdict, reason=reason)
