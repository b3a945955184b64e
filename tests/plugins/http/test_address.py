from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye_plugins.http.address import Address


@pytest.mark.parametrize(
    ("url", "path", "joined"),
    [
        ("http://h", "", "http://h/"),
        ("http://h/", "/a", "http://h/a"),
        ("http://h/v1", "/a", "http://h/v1/a"),
        ("http://h/v1/", "/a", "http://h/v1/a"),
        ("http://h/v1", "", "http://h/v1"),
        ("http://h/v1/", "", "http://h/v1/"),
        ("http://h/v1", ":write", "http://h/v1:write"),
        ("http://u:p@h:8/v1?a=1#frag", "/b%2Fc", "http://u:p@h:8/v1/b%2Fc?a=1"),
    ],
)
def test_paths_are_appended(url: str, path: str, joined: str) -> None:
    assert Address(url).join(path, {}) == joined


names = st.text(min_size=1, max_size=4)
parameters = st.dictionaries(names, st.text(max_size=4), max_size=4)


@given(parameters)
def test_parameters_are_added_and_the_urls_own_win(added: dict[str, str]) -> None:
    joined = Address("http://h/?a=own&b").join("", added)
    assert urlsplit(joined).query.startswith("a=own&b")
    assert dict(parse_qsl(urlsplit(joined).query, keep_blank_values=True)) == added | {"a": "own", "b": ""}
