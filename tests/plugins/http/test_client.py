from __future__ import annotations

import subprocess
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.plugin import StartError
from wye_plugins.http.client import Address, Client
from wye_plugins.http.config import HttpSinkOptions
from wye_plugins.http.lean import is_plain


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
    address = Address(url)
    assert address.origin + address.target(path, {}) == joined


names = st.text(min_size=1, max_size=4)
parameters = st.dictionaries(names, st.text(max_size=4), max_size=4)


@given(parameters)
def test_parameters_are_added_and_the_urls_own_win(added: dict[str, str]) -> None:
    joined = Address("http://h/?a=own&b").target("", added)
    assert urlsplit(joined).query.startswith("a=own&b")
    assert dict(parse_qsl(urlsplit(joined).query, keep_blank_values=True)) == added | {"a": "own", "b": ""}


# ── which way a request takes ────────────────────────────────────────────────────────────────────────────────────────────


def goes_lean(url: str, **options: Any) -> bool:
    return getattr(Client(HttpSinkOptions(url=url, **options), url), "_lean") is not None  # noqa: B009  it is private


@pytest.mark.parametrize(
    "url", ["http://h", "https://h.example:8443/v1?k=1", "http://127.0.0.1", "http://[::1]:80/", "http://u:p@h_1", "http://H"]
)
def test_servers_are_mostly_plain(url: str) -> None:
    assert goes_lean(url)


@pytest.mark.parametrize("url", ["http://1.2.3", "http://256.1.1.1", "http://h%41", "http://[fe80::1%25eth0]", "http://h!"])
def test_hosts_that_have_to_be_thought_about_are_not(url: str) -> None:
    assert not goes_lean(url)


@pytest.mark.parametrize("host", ["1.2.3.999", "[v1.a]"])
def test_a_proxy_that_is_nowhere_is_a_start_error_without_its_password(host: str) -> None:
    options = HttpSinkOptions(url="http://h", proxy=f"http://user:pa55@{host}:3128")
    with pytest.raises(StartError, match=r"`proxy` .*3128") as found:
        Client(options, "http://h")
    assert "pa55" not in str(found.value)


def test_a_proxy_is_not_plain() -> None:
    assert not goes_lean("http://h", proxy="http://p:3128")


@pytest.mark.parametrize(
    ("plain", "method", "target", "headers"),
    [
        (True, "POST", "/", {}),
        (True, "GET", "/v1/a.b/..c/%C3%A9:write?x=1&y=%2F../&z={}|", {"host": "other", "authorization": "Bearer x"}),
        (False, "HEAD", "/", {}),
        (False, "CONNECT", "/", {}),
        (False, "post", "/", {}),
        (False, "POST", "/a/../b", {}),
        (False, "POST", "/a/.", {}),
        (False, "POST", "/a/..?x", {}),
        (False, "POST", "/100%", {}),
        (False, "POST", "/?a=100%", {}),
        (False, "POST", "/{id}", {}),
        (False, "POST", '/?a="b"', {}),
        (False, "POST", "/a b", {}),
        (False, "POST", "/a\r\nX: y", {}),
        (False, "POST", "/\u20ac", {}),
        (False, "POST", "/" + "a" * 40_000, {}),
        (False, "POST", "/", {"transfer-encoding": "chunked"}),
        (False, "POST", "/", {"content-length": "7"}),
        (False, "POST", "/", {"connection": "close"}),
        (False, "POST", "/", {"expect": "100-continue"}),
        (False, "POST", "/", {"upgrade": "h2c"}),
    ],
)
def test_requests_are_plain_or_not(plain: bool, method: str, target: str, headers: dict[str, str]) -> None:
    assert is_plain(method, target, headers) == plain


@given(st.text(st.characters(max_codepoint=0x7E), max_size=12), parameters)
def test_httpx_would_write_a_plain_target_as_it_is(path: str, query: dict[str, str]) -> None:
    address = Address("http://h/v1?own={1}|")
    target = address.target(f"/{path}", query)
    if is_plain("POST", target, {}):
        assert httpx.URL(address.origin + target).raw_path.decode() == target


def test_a_sink_that_sends_plain_requests_does_not_load_httpx() -> None:
    """It takes a tenth of a second and some megabytes."""
    code = "import sys, trio; from wye_plugins.http.client import Client; from wye_plugins.http.config import HttpSinkOptions\n"
    code += "import wye_plugins.http.sink; Client(HttpSinkOptions(), 'http://h'); sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
