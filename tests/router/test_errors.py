from __future__ import annotations

import pytest

from wye.errors import ConfigError, Exit, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("wye.toml", 3, "sinks.z", "batch.max_events", "no"), "wye.toml:3: [sinks.z] batch.max_events: no"),
        (Problem("wye.toml", 3, "sinks.z", "", "no"), "wye.toml:3: [sinks.z]: no"),
        (Problem("wye.toml", 3, "", "grace_secs", "no"), "wye.toml:3: grace_secs: no"),
        (Problem("wye.toml", 0, "", "", "cannot read it"), "wye.toml: cannot read it"),
    ],
)
def test_a_problem_is_a_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_all_problems_are_the_error() -> None:
    error = ConfigError([Problem("a", 1, "", "x", "no"), Problem("b", 0, "", "", "no")])
    assert str(error) == "a:1: x: no\nb: no"


def test_exit_codes_stay_what_they_are() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "FAULTY": 1,
        "USAGE": 2,
        "NOT_STARTED": 3,
        "UNFINISHED": 4,
        "BROKEN": 70,
    }
