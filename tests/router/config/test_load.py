"""Every mistake at once, each where it stands, in TOML's words; and nothing that only follows from another mistake."""

from __future__ import annotations

from typing import Any, cast

import pytest

from router.fakes import Configs, FakeSink, FakeSource

FINE = """
[sources.a]
type = "fake"

[sinks.z]
type = "fake"
inputs = ["a"]
"""

SINK = "\n[sinks.z]\ntype = 'fake'\ninputs = ['a']"


def sink(more: str) -> str:
    """A config whose only remarkable lines are those of its sink, from line 8 on."""
    return FINE + more


def test_a_config_without_mistakes(configs: Configs) -> None:
    config = configs.load(FINE + 'token = "t"\nretry = { first_secs = 1 }\nadapter = { type = "plain", shop = "s" }\n')
    (built,) = config.sinks
    transport = cast(FakeSink, built.transport)
    assert (built.name, built.options.type, built.options.inputs) == ("z", "fake", ["a"])
    assert (built.options.retry.first_secs, built.options.retry.max_secs) == (1, 30)
    assert (transport.options.token, transport.options.max_events, transport.options.linger) == ("t", 10, 0.5)
    assert (config.grace_secs, str(config.data_dir)) == (30, "wye-data")


FIFTEEN = """\
grace_sec = 5
[sources.edge]
type = "fake"
address = "127.0.0.1:80"
max_events = "x"
ack = "save"
adapter = { type = "plain", shp = "s" }

[sources.old]
type = "kafka"

[transforms.only]
type = "filter"
inputs = ["only"]
where = { type = "purchse" }

[sinks.partner]
type = "fake"
inputs = ["edgee"]
address = "0.0.0.0:80"
batch = 5
buffer = { max_events = 0, when_full = "drop" }
headers = { a = 1 }
retry = { first_secs = 60 }
token = "${NOPE}"
where = { grand_total = { min = "x" } }
[sinks.partner.tls]
versions = ["v1.3"]

[sinks.live]
type = "fake"
inptus = ["edge"]
first = 7
last = 3
"""

SAID = """\
wye.toml:1: grace_sec: unknown key; did you mean grace_secs?
wye.toml:5: [sources.edge] max_events: expected an integer >= 1, found "x"
wye.toml:6: [sources.edge] ack: expected one of "safe", "accepted", found "save"; did you mean "safe"?
wye.toml:7: [sources.edge] adapter.shp: unknown key; did you mean shop?
wye.toml:10: [sources.old] type: no source type "kafka" is installed; expected one of "fake", "file", "many" \
(is a plugin missing? `wye plugins` lists what is installed)
wye.toml:14: [transforms.only] inputs: a cycle: only ← only; take one out
wye.toml:15: [transforms.only] where.type: no such event type as "purchse"; did you mean "purchase"? \
(a vendor's own is custom:NAME)
wye.toml:19: [sinks.partner] inputs[0]: there is no source or transform "edgee"; did you mean "edge"?
wye.toml:20: [sinks.partner] address: "0.0.0.0:80" is already used by [sources.edge]
wye.toml:21: [sinks.partner] batch: expected a table, found 5
wye.toml:22: [sinks.partner] buffer.max_events: expected an integer >= 1, found 0
wye.toml:22: [sinks.partner] buffer.when_full: expected one of "block", "drop_newest", "drop_oldest", found "drop"; \
did you mean "drop_newest"?
wye.toml:23: [sinks.partner] headers.a: expected a string, found a number
wye.toml:24: [sinks.partner] retry: first_secs is larger than max_secs
wye.toml:25: [sinks.partner] token: the environment variable NOPE is not set; set it, or write ${NOPE:-default}
wye.toml:26: [sinks.partner] where.grand_total.min: expected a number, found "x"
wye.toml:27: [sinks.partner] tls.certificate: missing; expected a string
wye.toml:28: [sinks.partner] tls.versions[0]: expected one of "1.2", "1.3", found "v1.3"; did you mean "1.3"?
wye.toml:30: [sinks.live]: first (7) is larger than last (3)
wye.toml:32: [sinks.live] inptus: unknown key; did you mean inputs?"""


def test_all_mistakes_of_a_config_at_once(configs: Configs) -> None:
    assert configs.said(FIFTEEN) == SAID


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("max_events = true", "max_events: expected an integer >= 1, found true"),
        ("max_events = 1.5", "max_events: expected an integer >= 1, found 1.5"),
        ("linger = -1", "linger: expected a number >= 0, found -1"),
        ("ack = 1", 'ack: expected one of "safe", "accepted", found 1'),
        ("address = 80", "address: expected a string, found 80"),
        ("address = 2024-01-01", "address: expected a string, found 2024-01-01"),
        ('path = ["a", 1]', "path[1]: expected a string, found 1"),
        ("path = 1", "path: expected a string or a list of strings, found 1"),
        ('tags = "a"', 'tags: expected a list of strings, found "a"'),
        ("tls = true", "tls: expected a table, found true"),
        ("adapter = 5", "adapter: expected a string or a table, found 5"),
        ('adapter = "plian"', 'adapter: no adapter "plian" is installed; did you mean "plain"?'),
        ('adapter = "readonly"', 'adapter: the adapter "readonly" cannot be used by a sink; expected one of canonical, plain'),
        ('adapter = { shop = "s" }', "adapter.type: missing; expected an adapter for a sink: canonical, plain"),
        ("adapter = { type = 3 }", "adapter.type: expected an adapter's name (canonical, plain), found 3"),
        ('adapter = "plain"', "adapter.shop: missing; expected a string that is not empty"),
        ('adapter = { type = "plain", shop = "" }', 'adapter.shop: expected a string that is not empty, found ""'),
        ("first = 200", "first (200) is larger than last (100)"),
        ("where = 3", "where: expected a table, found 3"),
        ("batch = { linger_secs = -0.5 }", "batch.linger_secs: expected a number >= 0, found -0.5"),
        (f"tags = {'x' * 70!r}", "tags: expected a list of strings, found a string of 70 characters"),
    ],
)
def test_a_wrong_value_is_told_once_in_toml_words(configs: Configs, line: str, said: str) -> None:
    (problem,) = configs.problems(sink(line))
    assert str(problem).startswith(("wye.toml:8: [sinks.z] " + said, "wye.toml:5: [sinks.z]: " + said))


def test_the_plugin_is_named_when_building_fails_for_its_own_fault(configs: Configs) -> None:
    (problem,) = configs.problems(sink('adapter = { type = "plain", shop = "broken" }'))
    assert problem.message.startswith("a fault in the plugin: RuntimeError: a bug (router/fakes.py:")


@pytest.mark.parametrize("policy", ['"warn"', '{ money = "dead_letter", items = "allow" }'])
def test_losses_cannot_be_acted_upon_where_nothing_can_be_read_back(configs: Configs, policy: str) -> None:
    plain = 'adapter = { type = "plain", shop = "s" }\n'
    (problem,) = configs.problems(sink(plain + f"on_loss = {policy}"))
    assert problem.key.startswith("on_loss")
    assert problem.message == 'what the adapter "plain" writes cannot be read back, so that no loss can be seen'
    assert configs.problems(sink(plain + 'on_loss = { money = "allow" }')) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sources.a]" + SINK, "[sources.a] type: missing; expected a type of source: fake, file, many"),
        ("[sources.a]\ntype=5" + SINK, "[sources.a] type: expected a type of source (fake, file, many), found 5"),
        ("sources = 3" + SINK, "[sources]: expected tables [sources.NAME], found 3"),
        ("[sources]\na = 3" + SINK, "[sources.a]: expected a table [sources.a], found 3"),
        ("[source.a]\ntype='fake'" + SINK, "source: unknown key; did you mean sources?"),
        (FINE.replace("['a']", "[]").replace('["a"]', "[]"), "inputs: expected a list of strings that is not empty, found []"),
        (FINE.replace('["a"]', '"a"'), 'inputs: expected a list of strings that is not empty, found "a"'),
        (FINE.replace("inputs", "input"), "input: unknown key; did you mean inputs?"),
        (FINE.replace('"fake"\n\n', '"fake"\nmax_events = 0\n'), "[sources.a] max_events: expected an integer >= 1, found 0"),
        (FINE.replace('["a"]', '["${NOPE}"]'), "inputs[0]: the environment variable NOPE is not set"),
        (FINE.replace('"fake"\n\n', '"${NOPE}"\n\n'), "[sources.a] type: the environment variable NOPE is not set"),
        (sink('adapter = "${NOPE}"'), "adapter: the environment variable NOPE is not set"),
        (sink('adapter = { type = "plain", shop = "${NOPE}" }'), "adapter.shop: the environment variable NOPE is not set"),
        (sink('where = { user_id = "${NOPE}", typ = "x" }'), "where.user_id: the environment variable NOPE is not set"),
    ],
)  # fmt: skip
def test_what_only_follows_from_a_mistake_is_not_told(configs: Configs, text: str, said: str) -> None:
    (problem,) = configs.problems(text)
    assert said in str(problem)


def test_an_empty_config(configs: Configs) -> None:
    assert configs.said("") == (
        "wye.toml: [sinks]: there is no sink; add a table [sinks.NAME]\n"
        "wye.toml: [sources]: there is no source; add a table [sources.NAME]"
    )


def test_adapters_of_a_source(configs: Configs) -> None:
    two = 'adapters = ["canonical", { type = "plain", shop = "s" }]'
    assert configs.said(FINE.replace('"fake"\n\n', f'"fake"\n{two}\n')) == (
        'wye.toml:4: [sources.a] adapters: a source of type "fake" takes one adapter; write adapter = …'
    )
    many = FINE.replace('"fake"\n\n', f'"many"\n{two}\n')
    assert len(cast(FakeSource, configs.load(many).sources[0].source).context.adapters) == 2
    both = many.replace("adapters", 'adapter = "canonical"\nadapters')
    assert configs.said(both) == "wye.toml:4: [sources.a] adapter: write either adapter or adapters, not both"
    assert "adapters: expected a list of strings or tables that is not empty, found []" in configs.said(
        many.replace(two, "adapters = []")
    )
    assert "wye.toml:4: [sources.a] adapters[1].shop: missing" in configs.said(many.replace(', shop = "s"', ""))


def test_adapters_as_an_array_of_tables_keep_their_lines(configs: Configs) -> None:
    one = '[[sources.a.adapters]]\ntype = "plain"\nshop = '
    text = f'[sources.a]\ntype = "many"\n{one}"s"\n{one}2\n'
    assert "wye.toml:8: [sources.a] adapters[1].shop: expected a string that is not empty, found 2" in configs.said(
        text + FINE[26:]
    )


def test_a_mistake_stands_at_the_line_of_its_table_where_the_key_is_missing(configs: Configs) -> None:
    text = '[sources.a]\ntype = "fake"\n\n[sinks.z.batch]\nmax_events = 1\n[sinks.z]\ntype = "fake"\n'
    assert configs.said(text) == "wye.toml:6: [sinks.z] inputs: missing; expected a list of strings that is not empty"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type = file", "1: not valid TOML: Invalid value (column 8); a text needs quotes"),
        ("a = yes", "1: not valid TOML: Invalid value (column 5); a text needs quotes"),
        ('a = "x\nb = 1', "1: not valid TOML: Illegal character '\\n' (column 7); is a closing quote missing?"),
        ("a = 1\na = 2", "2: not valid TOML: Cannot overwrite a value (column 6); is it there twice? rename or remove one"),
        ("[sinks.z]\n\n[sinks.z]", "3: not valid TOML: [sinks.z] is there twice (column 9); rename or remove one"),
        ("[sinks.z", "1: not valid TOML: Expected ']' at the end of a table declaration (column 9)"),
    ],
)
def test_what_is_no_toml_is_told_with_what_it_may_be(configs: Configs, text: str, said: str) -> None:
    assert configs.said(text) == f"wye.toml:{said}"


class TestFiles:
    def test_several_make_one_config(self, configs: Configs) -> None:
        config = configs.load(
            "grace_secs = 3\n" + FINE,
            FINE.replace("sources.a", "sources.b").replace("sinks.z", "sinks.y").replace('"a"', '"b"'),
        )
        assert config.grace_secs == 3
        assert [one.name for one in config.sources] == ["a", "b"]
        assert [one.name for one in config.sinks] == ["z", "y"]

    def test_what_two_define(self, configs: Configs) -> None:
        again = "\n" + FINE.replace("sinks.z", "sinks.y")
        assert configs.said("grace_secs = 1\n" + FINE, "grace_secs = 2\n" + again) == (
            "wye2.toml:1: grace_secs: already defined in wye.toml:1; rename or remove one\n"
            "wye2.toml:4: [sources.a]: already defined in wye.toml:3; rename or remove one"
        )

    def test_they_are_told_of_in_the_order_given(self, configs: Configs) -> None:
        files = [problem.file for problem in configs.problems("x1 = 1\n" + FINE, "x2 = 1\n", "x3 = 1\n")]
        assert files == ["wye.toml", "wye2.toml", "wye3.toml"]

    def test_those_that_cannot_be_read_are_told_of_beside_the_others(self, configs: Configs) -> None:
        said = configs.said(
            b"x = '\xff'", "a = = 1", "a = " + "[" * 5000, "\n" + FINE.replace('["a"]', '["b"]') + "max_events = 0"
        )
        first, second, third, fourth = said.splitlines()
        assert first == "wye.toml: not UTF-8 text: invalid start byte at byte 5"
        assert second.startswith("wye2.toml:1: not valid TOML: ")
        assert third == "wye3.toml: nested too deeply"
        assert fourth == "wye4.toml:9: [sinks.z] max_events: expected an integer >= 1, found 0"

    def test_that_hold_a_condition_too_deep_to_be_asked(self, configs: Configs) -> None:
        deep = "{ not = " * 250 + '{ type = "purchase" }' + " }" * 250
        assert configs.said(f"{FINE}\nwhere = {deep}") == "wye.toml: nested too deeply"

    def test_that_are_not_there(self, configs: Configs) -> None:
        from wye.config import load_config
        from wye.errors import ConfigError
        from wye.registry import load

        missing, folder = str(configs.folder / "no.toml"), str(configs.folder)
        with pytest.raises(ConfigError) as caught:
            load_config([missing, folder], load(points=[]))
        assert str(caught.value) == (
            f"{missing}: cannot read it: No such file or directory\n{folder}: cannot read it: Is a directory"
        )

    def test_a_byte_order_mark_does_no_harm(self, configs: Configs) -> None:
        assert configs.problems(b"\xef\xbb\xbf" + FINE.encode()) == []

    def test_carriage_returns_do_not_move_lines(self, configs: Configs) -> None:
        (problem,) = configs.problems(sink("max_events = 0").replace("\n", "\r\n"))
        assert problem.line == 8


class TestSecrets:
    SECRET = 's3cr3t-"quoted"-value'

    @pytest.mark.parametrize(
        "line",
        [
            'ack = "${TOKEN}"',
            'max_events = "${TOKEN}"',
            'adapter = "${TOKEN}"',
            'adapter = { type = "plain", shop = ["${TOKEN}"] }',
            'where = { type = "${TOKEN}" }',
            'where = { grand_total = { min = "${TOKEN}" } }',
            'address = ["a", "${TOKEN}"]',
        ],
    )
    def test_a_variable_is_not_in_any_message(self, configs: Configs, line: str) -> None:
        said = configs.said(sink(line), environment={"TOKEN": self.SECRET})
        assert said
        assert "s3cr3t" not in said
        assert "***" in said or "a string of" in said

    @pytest.mark.parametrize(
        "line", ['headers = "hunter22"', 'headers = { a = ["hunter22"] }', "token = 123456789", 'tken = "hunter22"']
    )
    def test_a_secret_option_is_not_shown_even_where_it_is_wrong(self, configs: Configs, line: str) -> None:
        said = configs.said(sink(line))
        assert said
        assert "hunter22" not in said
        assert "123456789" not in said

    def test_what_secret_options_hold_is_blotted_out_of_logs(self, configs: Configs) -> None:
        config = configs.load(
            sink('token = "tok-1"\nheaders = { A = "head-1" }\nadapter = { type = "plain", shop = "s", key = "key-1" }')
        )
        assert config.secrets.redact("tok-1 head-1 key-1 shop s") == "*** *** *** shop s"


def test_options_of_any_shape_never_crash_the_check(configs: Configs) -> None:
    odd: list[Any] = ["1", "-1.5", "true", '"x"', "[]", "[1]", "{}", "{ a = { b = [{}] } }", "nan", "12:00:00", "[[[]]]"]
    for value in odd:
        for key in (
            "type",
            "inputs",
            "adapter",
            "where",
            "batch",
            "retry",
            "buffer",
            "path",
            "address",
            "tls",
            "headers",
            "tags",
        ):
            lines = [line for line in FINE.splitlines() if not (line.startswith(f"{key} =") and key != "type")]
            text = "\n".join(lines) if key != "type" else FINE.replace('type = "fake"\ninputs', "inputs")
            for problem in configs.problems(f"{text}\n{key} = {value}\n"):
                assert problem.line > 0
