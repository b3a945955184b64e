from __future__ import annotations

import os
from pathlib import Path

from wye_plugins.file.find import find, look, renamed


def found(folder: Path, *patterns: str) -> list[str]:
    files, _ = find([str(folder / pattern) for pattern in patterns])
    return [str(Path(file.path).relative_to(folder)) for file in files]


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_matches_are_sorted_within_their_pattern(tmp_path: Path) -> None:
    make(tmp_path, "b.jsonl", "a.jsonl", "z.log", "y.log")
    assert found(tmp_path, "*.log", "*.jsonl") == ["y.log", "z.log", "a.jsonl", "b.jsonl"]


def test_two_stars_are_any_depth(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "x/b.jsonl", "x/y/c.jsonl", "x/y/d.txt")
    assert found(tmp_path, "**/*.jsonl") == ["a.jsonl", "x/b.jsonl", "x/y/c.jsonl"]


def test_a_file_is_found_once_however_many_names_it_has(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl")
    (tmp_path / "b.jsonl").hardlink_to(tmp_path / "a.jsonl")
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "a.jsonl")
    assert found(tmp_path, "*.jsonl", "a.jsonl") == ["a.jsonl"]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_exists(tmp_path: Path) -> None:
    make(tmp_path, "a[1].jsonl", "a1.jsonl")
    assert found(tmp_path, "a[1].jsonl") == ["a[1].jsonl"]


def test_only_regular_files_count(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    pattern = str(tmp_path / "*.jsonl")
    assert find([pattern]) == ([], [pattern])


def test_patterns_without_a_match_are_named(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl")
    _, barren = find([str(tmp_path / "*.jsonl"), str(tmp_path / "b.log"), str(tmp_path / "*.txt")])
    assert barren == [str(tmp_path / "b.log"), str(tmp_path / "*.txt")]


def test_a_renamed_file_is_found_by_what_it_is(tmp_path: Path) -> None:
    make(tmp_path, "a.log", "b.log")
    before = look(str(tmp_path / "a.log"))
    assert before is not None
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    make(tmp_path, "a.log")
    after = renamed([(before.path, before.key)]).get(before.key)
    assert after is not None
    assert after.path == str(tmp_path / "a.log.1")
    (tmp_path / "a.log.1").unlink()
    assert renamed([(str(tmp_path / "gone" / "a.log"), before.key)]) == {}
