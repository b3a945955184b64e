from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from wye.lines import LineChunk
from wye_plugins.file.progress import Flight, Mark, Progress


def chunk(number: int, unended: int = 0) -> LineChunk:
    return LineChunk(b"", number, number * 10, number * 10 + 10, number + 1, unended)


@given(
    st.lists(st.sampled_from(["safe", "unsafe", "open"]), max_size=8).flatmap(
        lambda w: st.tuples(st.just(w), st.permutations(range(len(w))))
    )
)
def test_it_stands_before_the_first_that_is_not_safe(words_and_order: tuple[list[str], list[int]]) -> None:
    words, order = words_and_order
    progress = Progress(Mark())
    settles = [progress.sent(chunk(number)) for number in range(len(words))]
    for number in order:
        if words[number] != "open":
            settles[number](words[number] == "safe")
    first = next((number for number, word in enumerate(words) if word != "safe"), len(words))
    assert progress.safe == (Mark(first * 10, first) if first else Mark())
    assert progress.caught_up == (first == len(words))


def test_a_last_line_without_newline_is_marked() -> None:
    progress = Progress(Mark(5, 1))
    progress.sent(chunk(3, unended=4))(True)
    assert progress.safe == Mark(40, 4, 4)


async def test_landing_is_waited_for() -> None:
    flight = Flight()
    await flight.all_landed()
    flight.took_off()
    flight.took_off()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flight.all_landed)
        await trio.testing.wait_all_tasks_blocked()
        flight.landed(safe=True)
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        flight.landed(safe=False)
    assert (flight.count, flight.unsafe, flight.changed.is_set()) == (0, 1, True)
