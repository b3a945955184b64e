from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.http.head import parse_target


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_what_was_encoded_is_decoded(path: str, query: dict[str, str]) -> None:
    encoded = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items() if name)
    target = f"/{quote(path)}?{encoded}".encode()
    assert parse_target(target) == (f"/{path}", {name: value for name, value in query.items() if name})


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", {}),
        (b"*", "*", {}),
        (b"/a?b", "/a", {"b": ""}),
        (b"/a?b=1&b=2&c=+", "/a", {"b": "2", "c": " "}),
        (b"/a#f?b=1", "/a", {}),
        (b"http://host", "/", {}),
        (b"http://host?x=1", "/", {"x": "1"}),
        (b"/http://host/a", "/http://host/a", {}),
        (b"/" + b"a" * 2000, "/" + "a" * 2000, {}),
    ],
)
def test_targets(target: bytes, path: str, query: dict[str, str]) -> None:
    assert parse_target(target) == (path, query)


@pytest.mark.parametrize("target", [b"/%", b"/%4", b"/%g0", b"/a%80"])
def test_a_path_that_is_not_encoded_as_it_should_be_is_an_error(target: bytes) -> None:
    with pytest.raises(ValueError, match="the path"):
        parse_target(target)


def test_one_requests_parameters_cannot_be_changed_for_the_next() -> None:
    _, query = parse_target(b"/a?b=1")
    with pytest.raises(TypeError):
        query["b"] = "2"  # type: ignore[index]
