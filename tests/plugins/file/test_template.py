from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.file.template import PathTemplate

TIME_MS = int(datetime(2024, 2, 29, 23, 59, 59, 999_000, UTC).timestamp() * 1000)


def test_date_and_hour_are_the_events_own_in_utc() -> None:
    assert PathTemplate("out/{date}/{hour}.jsonl", "s").render(TIME_MS) == "out/2024-02-29/23.jsonl"
    assert PathTemplate("out/{date}/{hour}.jsonl", "s").render(TIME_MS + 1) == "out/2024-03-01/00.jsonl"


@given(st.integers(0, 253_402_300_799_999))
def test_every_time_that_has_a_date_is_named_by_it(time_ms: int) -> None:
    time = datetime.fromtimestamp(time_ms // 1000, UTC)
    assert PathTemplate("{date}T{hour}", "s").render(time_ms) == time.strftime("%Y-%m-%dT%H").rjust(13, "0")


@pytest.mark.parametrize("time_ms", [-1, -(10**18), 253_402_300_800_000, 10**18])
def test_a_time_that_has_none_is_unknown(time_ms: int) -> None:
    assert PathTemplate("{date}-{hour}.jsonl", "s").render(time_ms) == "unknown-unknown.jsonl"


def test_a_sink_cannot_lead_out_of_its_directory() -> None:
    assert PathTemplate("out/{sink}.jsonl", "../../etc/x").fixed == "out/_.._etc_x.jsonl"
    assert PathTemplate("out/{sink}", "..").fixed == "out/_"


def test_without_a_time_the_path_is_fixed() -> None:
    assert PathTemplate("a/{sink}.jsonl", "s").fixed == "a/s.jsonl"
    assert PathTemplate("a/{date}.jsonl", "s").fixed is None


def test_a_worker_has_a_path_of_its_own() -> None:
    template = PathTemplate("{worker}/{sink}-{date}.jsonl", "s", 3)
    assert template.per_worker
    assert template.render(TIME_MS) == "3/s-2024-02-29.jsonl"
    assert str(template.fixed_directory) == "3"
    assert not PathTemplate("{sink}.jsonl", "s").per_worker


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("out/{date}/{hour}.jsonl", "out"),
        ("{date}.jsonl", "."),
        ("/a/{sink}/b-{hour}.jsonl", "/a/s"),
        ("/a/x{date}/b", "/a"),
    ],
)
def test_the_directory_that_is_known_beforehand(text: str, directory: str) -> None:
    assert str(PathTemplate(text, "s").fixed_directory) == directory


def test_doubled_braces_are_braces() -> None:
    assert PathTemplate("{{a}}.jsonl", "s").fixed == "{a}.jsonl"


@pytest.mark.parametrize("text", ["{day}", "{date:x}", "{date!r}", "{}", "{0}", "{date", "a}"])
def test_other_placeholders_are_refused_with_the_valid_ones_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"\{date\}, \{hour\}, \{sink\}"):
        PathTemplate(text, "s")


@pytest.mark.parametrize(("text", "reason"), [("out/", "ends in a directory"), ("a.zst", r"end it in `\.gz`")])
def test_what_cannot_be_written_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        PathTemplate(text, "s")
