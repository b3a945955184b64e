from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from router.core_rig import letters_in, until, writing
from wye.deadletters import DeadLetter, DeadLetters, undecodable
from wye.testing import make_event


def letter(reason: str = "no", **fields: object) -> DeadLetter:
    return DeadLetter(time="2024-01-01T00:00:00.000Z", stage="send", reason=reason, **fields)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "letters.jsonl"


async def test_letters_are_lines_of_json_that_only_their_owner_can_read(path: Path) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("one", event=make_event("a")), letter("two")], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["one", "two"]
    assert letters_in(path)[0]["event"]["id"] == "a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_nobody_is_told_before_the_letters_are_on_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def noting(descriptor: int) -> None:
        real(descriptor)
        synced.append(path.read_bytes())

    monkeypatch.setattr("wye.deadletters.os.fsync", noting)
    letters = DeadLetters(path)
    told: list[int] = []
    letters.submit([letter()], lambda: told.append(len(synced)))
    await wait_all_tasks_blocked()
    assert (told, letters.count) == ([], 0)
    async with writing(letters):
        pass
    assert (told, letters.count) == ([2], 1)  # the file and its directory
    assert b'"reason":"no"' in synced[0]


async def test_all_who_wait_share_one_sync(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter()], lambda: None)
        await until(lambda: letters.count == 1)
        syncs: list[int] = []
        monkeypatch.setattr("wye.deadletters.os.fsync", syncs.append)
        for _ in range(100):
            letters.submit([letter()], lambda: None)
    assert letters.count == 101
    assert len(syncs) == 1


async def test_half_a_line_left_by_a_crash_is_not_glued_to_the_next(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"reason":"whole"}\n{"reason":"ha')
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("after")], lambda: None)
    whole, half, after = path.read_bytes().splitlines()
    assert (whole, half) == (b'{"reason":"whole"}', b'{"reason":"ha')
    assert json.loads(after)["reason"] == "after"


async def test_what_was_there_before_stays(path: Path) -> None:
    for reason in ("first run", "second run"):
        letters = DeadLetters(path)
        async with writing(letters):
            letters.submit([letter(reason)], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["first run", "second run"]


async def test_a_disk_that_refuses_is_said_once_and_tried_until_it_takes_them(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a directory should be")
    letters = DeadLetters(blocked / "letters.jsonl")
    told: list[str] = []
    async with writing(letters):
        letters.submit([letter("one")], lambda: told.append("one"))
        await until(lambda: bool(caplog.records))
        letters.submit([letter("two")], lambda: told.append("two"))
        began = trio.current_time()
        await until(lambda: trio.current_time() > began + 5)
        assert told == []
        blocked.unlink()
    assert told == ["one", "two"]
    assert [one["reason"] for one in letters_in(letters.path)] == ["one", "two"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "events wait until it can be written" in caplog.text


async def test_a_write_that_fails_half_way_leaves_no_half_line(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    calls: list[int] = []

    def full_disk(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) // 2] if len(calls) == 1 else data)

    monkeypatch.setattr("wye.deadletters.os.write", full_disk)
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter("x" * 1000)], lambda: None)
    assert [one["reason"] for one in letters_in(path)] == ["x" * 1000]
    assert calls[2] == calls[0]


async def test_the_files_name_is_synced_even_when_the_first_write_failed(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, kinds = os.fsync, list[str]()

    def failing_once(descriptor: int) -> None:
        directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        kinds.append("directory" if directory else "file")
        if len(kinds) == 1:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr("wye.deadletters.os.fsync", failing_once)
    letters = DeadLetters(path)
    async with writing(letters):
        letters.submit([letter()], lambda: None)
    assert kinds == ["file", "file", "directory"]


async def test_closing_writes_what_is_left_and_ends(path: Path) -> None:
    letters = DeadLetters(path)
    letters.submit([letter()], lambda: None)
    letters.close()
    with trio.fail_after(5):
        await letters.run()
    assert len(letters_in(path)) == 1


async def test_closing_without_any_letter_leaves_no_file(path: Path) -> None:
    letters = DeadLetters(path)
    async with writing(letters):
        await wait_all_tasks_blocked()
    assert not path.exists()


async def test_reasons_hold_no_secret(path: Path) -> None:
    """A vendor may answer with the very key that it was sent."""
    letters = DeadLetters(path, lambda text: text.replace("hunter22", "***"))
    async with writing(letters):
        letters.submit([letter("400: no such key: hunter22", event=make_event("a"))], lambda: None)
    assert letters_in(path)[0]["reason"] == "400: no such key: ***"


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


async def test_an_event_that_cannot_be_written_or_even_shown_does_not_hide_the_others(path: Path) -> None:
    letters = DeadLetters(path)
    events = [make_event("a", attrs={"x": deep(100_000)}), make_event("b", user_id="\udcff"), make_event("c")]
    async with writing(letters):
        letters.submit([letter("\ud800", event=event) for event in events], lambda: None)
    first, second, third = letters_in(path)
    assert "cannot even be shown" in first["original"]
    assert "\\udcff" in second["original"]
    assert "id='c'" in third["original"]
    assert [one["reason"] for one in (first, second, third)] == ["\\ud800"] * 3


def test_a_bad_record_is_kept_as_text_where_it_is_text() -> None:
    assert undecodable("in", "bad", "line 1", "é{".encode()).original == "é{"
    bad = undecodable("in", "bad", "line 1", b"\x00\xff")
    assert (bad.original, bad.original_base64) == (None, "AP8=")
