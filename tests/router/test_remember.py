from __future__ import annotations

from wye.remember import Bounded, remembered


def test_a_result_is_worked_out_once() -> None:
    asked: list[str] = []

    @remembered(10)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [length("a"), length("bc"), length("a")] == [1, 2, 1]
    assert asked == ["a", "bc"]


def test_nothing_is_a_result_too() -> None:
    asked: list[int] = []

    @remembered(10)
    def nothing(number: int) -> None:
        asked.append(number)

    nothing(1)
    nothing(1)
    assert asked == [1]


def test_only_so_many_are_kept() -> None:
    known: Bounded[int, int] = Bounded(3)
    for number in range(4):
        assert known.keep(number, -number) == -number
    assert known == {3: -3}


def test_nothing_large_is_kept() -> None:
    known: Bounded[str | tuple[str, ...] | tuple[tuple[str, ...], int], int] = Bounded(100, 1_000)
    for large in ("x" * 1_000, "é" * 1_000, ("x",) * 100, (("x",) * 100, 1)):
        assert known.keep(large, 1) == 1
    assert not known
    for small in ("x" * 900, ("x",) * 10, (("x",) * 10, 1)):
        known.keep(small, 1)
    assert len(known) == 3


def test_what_is_not_kept_is_worked_out_again() -> None:
    asked: list[str] = []

    @remembered(10, max_key_bytes=100)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [length("x" * 100), length("x" * 100)] == [100, 100]
    assert len(asked) == 2


def test_what_failed_is_not_kept() -> None:
    asked: list[str] = []

    @remembered(10)
    def number(text: str) -> int:
        asked.append(text)
        return int(text)

    for _ in range(2):
        try:
            number("x")
        except ValueError:
            continue
    assert asked == ["x", "x"]
