from __future__ import annotations

from typing import Any, cast

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from wye.config.positions import find_positions, line_of
from wye.errors import Path

TEXT = '''\
# a comment with [brackets] = and "quotes"
top = 1
"quoted key" = 2
'a.b' = 3
"esc\\u0061ped" = 4
dotted . "in side".key = 5

[table] # [not.this]
text = """
one = 1
two = "2" \\""" still
[three]
"""
raw = \'\'\'
x = 'y'\'\'\'
after = 1
list = [
  1, # one
  "a ] b", 'c',
  { x = 1, y = [2,
    3] },
]

inline = { a = 1, b = { c = 2 } }
long = {
  d = 1, # d
  e = [
    1],
}
date = 1979-05-27 07:32:00
last = 1

[[array]]
n = 1
[array.sub]
m = 2
[[array]]
n = 3
[[array.deep]]
o = 4
[[array.deep]]
o = 5
[ spaced . "out" ]
p = 6
'''


def paths_in(value: Any, path: Path = ()) -> list[Path]:
    """Every table, key and member of a parsed document."""
    if isinstance(value, dict):
        members: Any = cast(dict[str, Any], value).items()
    elif isinstance(value, list):
        members = enumerate(cast(list[Any], value))
    else:
        return []
    return [one for key, member in members for one in ((*path, key), *paths_in(member, (*path, key)))]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("a.b",), 4),
        (("escaped",), 5),
        (("dotted",), 6),
        (("dotted", "in side", "key"), 6),
        (("table",), 8),
        (("table", "text"), 9),
        (("table", "raw"), 14),
        (("table", "after"), 16),
        (("table", "list"), 17),
        (("table", "list", 0), 18),
        (("table", "list", 1), 19),
        (("table", "list", 2), 19),
        (("table", "list", 3, "y"), 20),
        (("table", "list", 3, "y", 1), 21),
        (("table", "inline", "b", "c"), 24),
        (("table", "long", "d"), 26),
        (("table", "long", "e", 0), 28),
        (("table", "date"), 30),
        (("table", "last"), 31),
        (("array", 0, "n"), 34),
        (("array", 0, "sub", "m"), 36),
        (("array", 1), 37),
        (("array", 1, "n"), 38),
        (("array", 1, "deep", 1, "o"), 42),
        (("spaced", "out", "p"), 44),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_of_keys(path: Path, line: int, newline: str) -> None:
    assert find_positions(TEXT.replace("\n", newline))[path] == line


def test_everything_in_the_document_has_a_line_and_nothing_else_has() -> None:
    assert set(find_positions(TEXT)) == set(paths_in(tomli.loads(TEXT)))


def test_a_table_of_its_own_counts_more_than_one_within_it() -> None:
    positions = find_positions("[a.b]\nx = 1\n[a]\ny = 1\n")
    assert positions[("a",)] == 3


def test_what_is_not_there_stands_where_its_table_does() -> None:
    positions = find_positions("[a]\n[b.c]\n")
    assert line_of(positions, ("b", "c", "d", 3)) == 2
    assert line_of(positions, ("b", "x")) == 2
    assert line_of(positions, ("z",)) == 0
    assert line_of(positions, ()) == 0


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)
scalars = st.one_of(
    st.integers(-(2**60), 2**60),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cs"]), max_size=12),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


def basic(text: str) -> str:
    """A TOML basic string."""
    return '"' + "".join(char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08X}" for char in text) + '"'


def spelled(value: Any, draw: Any) -> str:
    """``value`` in TOML, with line breaks and comments wherever they may be."""
    gap = draw(st.sampled_from(["", " ", "\n", ' # ] } , = "\n', "\n\n\t"]))
    if isinstance(value, dict):
        members = [f"{gap}{basic(key)} = {spelled(one, draw)}" for key, one in cast(dict[str, Any], value).items()]
        return "{" + ",".join(members) + gap + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap + spelled(one, draw) + gap for one in cast(list[Any], value)) + gap + "]"
    if isinstance(value, str):
        quotes = draw(st.sampled_from(['"', '"""']))
        if (
            quotes == '"""'
            and '"' not in value
            and "\\" not in value
            and all(char.isprintable() or char == "\n" for char in value)
        ):
            return f'"""\n{value}"""'
        return basic(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)


@given(st.dictionaries(names, values, max_size=5), st.data())
def test_any_document_is_walked_to_its_end(document: dict[str, Any], data: st.DataObject) -> None:
    text = "[t]\n"
    lines: dict[Path, int] = {}
    for key, value in document.items():
        lines["t", key] = text.count("\n") + 1
        text += f"{basic(key)} = {spelled(value, data.draw)}\n"
    assert tomli.loads(text)["t"].keys() == document.keys()
    positions = find_positions(text)
    assert set(positions) == {("t",), *paths_in(document, ("t",))}
    assert {path: positions[path] for path in lines} == lines


@given(st.text(st.sampled_from("[]{}=.,#\"'\\\n\r\t a1-_é"), max_size=60))
def test_no_text_makes_it_raise_or_loop(text: str) -> None:
    assert all(0 < line <= text.count("\n") + 1 for line in find_positions(text).values())


def test_depth_does_not_break_it() -> None:
    positions = find_positions("a = 1\nb = " + "[" * 100_000)
    assert positions[("a",)] == 1
