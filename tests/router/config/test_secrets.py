from __future__ import annotations

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wye.config.secrets import Secrets
from wye.words import cut


def option(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add_option(value)
    return secrets


def variable(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add_variable(value)
    return secrets


def test_nothing_is_hidden_where_there_are_no_secrets() -> None:
    assert Secrets().redact("as it is") == "as it is"


@given(st.text(min_size=4).filter(lambda text: text.strip() and "***" not in text), st.text(), st.text())
def test_a_secret_is_in_no_text(secret: str, before: str, after: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    assert secret not in secrets.redact(f"{before}{secret}{after}").replace("***", "\0")


@given(st.text('ab-/&"0', min_size=8, max_size=40), st.text("xy ", max_size=20), st.integers(min_value=6), st.integers(1, 2))
def test_of_a_secret_that_was_cut_off_nothing_is_seen_but_three_characters(
    secret: str, before: str, shown: int, times: int
) -> None:
    text = f"{cut(before + secret, len(before) + min(shown, len(secret) - 1))} (only 200 is success)" * times
    assert secret[:4] not in option(secret).redact(text)


def test_what_was_cut_off_and_is_no_secret_stays() -> None:
    assert option("secret-of-mine").redact("said a… and secret… and so on") == "said a… and ***… and so on"


@pytest.mark.parametrize("secret", ['pass"word', "back\\slash", "a b&c=d/e", "grün-ü", "tab\there"])
def test_quoted_and_escaped_forms_are_hidden_too(secret: str) -> None:
    secrets = option(secret)
    for form in (secret, json.dumps(secret), repr(secret), quote_plus(secret)):
        assert secrets.redact(f"<{form}>").strip("<>\"'") == "***"


def test_each_line_of_a_secret_is_hidden() -> None:
    assert option("-----BEGIN-----\nMIIEvQ\n-----END-----").redact("it said MIIEvQ once") == "it said *** once"


def test_the_longest_is_hidden_first() -> None:
    assert option("token", "token-of-mine").redact("token-of-mine token") == "*** ***"


def test_a_short_secret_is_hidden_as_a_word_only() -> None:
    assert option("ab").redact("ab, cab, 'ab' and abc") == "***, cab, '***' and abc"


@pytest.mark.parametrize("value", ["80", "8080", "65535", "true", "false", "abc", ""])
def test_a_port_or_a_switch_in_a_variable_is_no_secret(value: str) -> None:
    assert variable(value).redact(f"on 127.0.0.1:{value}") == f"on 127.0.0.1:{value}"


@pytest.mark.parametrize("value", ["s3cr3t", "123456", "hunter2"])
def test_any_other_variable_is(value: str) -> None:
    assert variable(value).redact(f"Bearer {value}") == "Bearer ***"


def test_a_number_in_a_secret_option_is_a_secret() -> None:
    assert option("8080").redact("key 8080") == "key ***"


class TestUrls:
    def test_of_an_option_only_what_looks_like_a_key_is_hidden(self) -> None:
        url = "https://me:pass@host.example/collect?appId=shop&apiKey=k-1&page=2"
        assert option(url).redact(url) == "https://me:***@host.example/collect?appId=shop&apiKey=***&page=2"

    def test_long_parts_count_as_keys(self) -> None:
        url = "https://hooks.example/T00000000/XXXXXXXXXXXXXXXXXXXXXXXX?s=0123456789abcdef"
        assert option(url).redact(url) == "https://hooks.example/T00000000/***?s=***"

    def test_a_name_without_a_password_may_be_a_token(self) -> None:
        assert option("https://tok-en@host.example/").redact("tok-en") == "***"

    def test_of_a_variable_the_origin_is_shown(self) -> None:
        secrets = variable("https://host.example/in/here?a=b")
        assert secrets.redact("to https://host.example/in/here?a=b") == "to https://host.example/***"
        assert secrets.redact("to https://host.example/in/here") == "to https://host.example/***"
        assert secrets.redact("https://host.example/other") == "https://host.example/other"

    def test_an_origin_alone_is_no_secret(self) -> None:
        assert variable("http://127.0.0.1:9000/").redact("to http://127.0.0.1:9000/") == "to http://127.0.0.1:9000/"

    @pytest.mark.parametrize("odd", ["http://[::1", "://x", "no url: // at all", "postgres://"])
    def test_what_only_looks_like_one_is_hidden_whole(self, odd: str) -> None:
        assert option(odd).redact(f"<{odd}>") == "<***>"
