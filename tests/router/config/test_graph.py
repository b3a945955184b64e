"""How parts hang together. ``parts`` writes the tables, one a line, so that line numbers can be read off."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.fakes import Configs
from wye.config import load_config
from wye.errors import ConfigError
from wye.registry import load


def parts(*, sources: str = "a", transforms: dict[str, str] | None = None, sinks: dict[str, str] | None = None) -> str:
    """Dotted TOML, a line a part: names of sources, and for the others their inputs by name."""

    def inputs(names: str) -> str:
        return str(names.split()).replace("'", '"')

    lines = [f'sources.{name} = {{ type = "fake" }}' for name in sources.split()]
    for name, above in (transforms or {}).items():
        lines.append(f'transforms.{name} = {{ type = "filter", where = {{}}, inputs = {inputs(above)} }}')
    for name, above in ({"z": "a"} if sinks is None else sinks).items():
        lines.append(f'sinks.{name} = {{ type = "fake", inputs = {inputs(above)} }}')
    return "\n".join(lines)


def test_a_diamond_is_fine(configs: Configs) -> None:
    assert configs.said(parts(transforms={"l": "a", "r": "a"}, sinks={"z": "l r"})) == ""


def test_inputs_that_are_none(configs: Configs) -> None:
    assert configs.said(parts(sources="edge", sinks={"y": "edge", "z": "y egde edge edge"})) == (
        'wye.toml:3: [sinks.z] inputs[0]: "y" is a sink; only sources and transforms give events\n'
        'wye.toml:3: [sinks.z] inputs[1]: there is no source or transform "egde"; did you mean "edge"?\n'
        'wye.toml:3: [sinks.z] inputs[3]: "edge" stands here twice; its events would arrive twice'
    )


def test_events_that_go_nowhere(configs: Configs) -> None:
    assert configs.said(parts(sources="a b", transforms={"t": "a"})) == (
        'wye.toml:2: [sources.b]: nothing has "b" among its inputs; its events would go nowhere\n'
        'wye.toml:3: [transforms.t]: nothing has "t" among its inputs; its events would go nowhere'
    )


def test_a_misspelt_input_does_not_make_the_other_unused(configs: Configs) -> None:
    assert "go nowhere" not in configs.said(parts(sources="edge", sinks={"z": "egde"}))


def test_a_name_for_two(configs: Configs) -> None:
    assert configs.said(parts(transforms={"a": "a"})).startswith(
        'wye.toml:2: [transforms.a]: there is a source "a" too; inputs could mean either, so rename one'
    )


@pytest.mark.parametrize(
    ("transforms", "said"),
    [
        ({"t": "t"}, "wye.toml:2: [transforms.t] inputs: a cycle: t ← t; take one out"),
        ({"t": "u", "u": "t"}, "wye.toml:2: [transforms.t] inputs: a cycle: t ← u ← t; take one out"),
        (
            {"t": "a u", "u": "v", "v": "a t"},
            "wye.toml:2: [transforms.t] inputs: a cycle: t ← u ← v ← t; take one out",
        ),
        ({"s": "t", "t": "u", "u": "t a"}, "wye.toml:3: [transforms.t] inputs: a cycle: t ← u ← t; take one out"),
    ],
)
def test_a_cycle_is_told_once(configs: Configs, transforms: dict[str, str], said: str) -> None:
    assert configs.said(parts(transforms=transforms, sinks={"z": f"a {' '.join(transforms)}"})) == said


def test_two_cycles_through_one_transform_are_two(configs: Configs) -> None:
    said = configs.said(parts(transforms={"t": "u v a", "u": "t", "v": "t"}, sinks={"z": "t"}))
    cycles = [line.rpartition(": ")[2].partition(";")[0] for line in said.splitlines()]
    assert cycles == ["t ← u ← t", "t ← v ← t"]


def test_a_long_chain_is_no_cycle(configs: Configs) -> None:
    chain = {"t0": "a", **{f"t{number}": f"t{number - 1}" for number in range(1, 300)}}
    assert configs.said(parts(transforms=dict(reversed(chain.items())), sinks={"z": "t299"})) == ""


def two(first: str, second: str) -> str:
    return f"""
[sources.a]
type = "fake"
{first}
[sinks.z]
type = "fake"
inputs = ["a"]
{second}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("127.0.0.1:80", "[::]:80"),
        ("[::]:80", "0.0.0.0:80"),
        ("localhost:80", "127.0.0.1:80"),
        ("localhost:80", "[::1]:80"),
        ("LocalHost:80", "localhost:80"),
        (":80", "10.0.0.1:80"),
        ("shop.internal:80", "shop.internal:80"),
        ("[0:0::1]:080", "[::1]:80"),
    ],
)
def test_an_address_is_used_once(configs: Configs, one: str, other: str) -> None:
    assert configs.said(two(f'address = "{one}"', f'address = "{other}"')) == (
        f'wye.toml:8: [sinks.z] address: "{other}" is already used by [sources.a]'
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("127.0.0.1:80", "10.0.0.1:80"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:0", "[::]:0"),
        ("shop.internal:80", "desk.internal:80"),
        ("localhost:80", "10.0.0.1:80"),
        ("nonsense", "nonsense"),
        ("a:b", "a:b"),
    ],
)
def test_addresses_that_do_not_meet(configs: Configs, one: str, other: str) -> None:
    assert configs.said(two(f'address = "{one}"', f'address = "{other}"')) == ""


def files(source: str, *sinks: str) -> str:
    text = f'[sources.a]\ntype = "file"\npath = {source}\n'
    for number, path in enumerate(sinks):
        text += f'[sinks.z{number}]\ntype = "file"\ninputs = ["a"]\npath = "{path}"\n'
    return text


def test_a_file_is_written_once(configs: Configs) -> None:
    assert configs.said(files('"in"', "out/x.jsonl", "./out/../out/x.jsonl")) == (
        'wye.toml:11: [sinks.z1] path: "./out/../out/x.jsonl" is already written by [sinks.z0]'
    )


@pytest.mark.parametrize(
    "path", ['"out/x.jsonl"', '"./out/x.jsonl"', '"out/*.jsonl"', '"**/*.jsonl*"', '"o?t/**/x*"', '["other", "out/x.*"]']
)
def test_what_is_written_is_not_read(configs: Configs, path: str) -> None:
    said = configs.said(files(path, "out/x.jsonl"))
    assert said.startswith("wye.toml:3: [sources.a] path: ")
    assert said.endswith("is written by [sinks.z0]; its events would go round in a circle")


@pytest.mark.parametrize("path", ['"in/x.jsonl"', '"out/*.csv"', '"*.jsonl"', '"*/*/*"', '"out"', "[]"])
def test_other_files_may_be_read(configs: Configs, path: str) -> None:
    assert configs.said(files(path, "out/x.jsonl")) == ""


def test_paths_of_other_kinds_of_parts_are_not_files(configs: Configs) -> None:
    assert configs.said(two('path = "/collect"', 'path = "/collect"')) == ""


def posting(listens: str, url: str, *, more: str = "", inputs: str = '["edge"]') -> str:
    """A source that listens, and a sink of its events that sends to ``url``."""
    return f"""
[sources.edge]
type = "fake"
address = "{listens}"
[sinks.again]
type = "fake"
inputs = {inputs}
url = "{url}"
{more}
"""


CIRCLE = "it leads back to [sources.edge], whose events this sink gets; they would go round in a circle"


@pytest.mark.parametrize(
    ("listens", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080/collect?key=s3cret"),
        ("127.0.0.1:8080", "ws://localhost:8080"),
        ("localhost:8080", "https://[::1]:8080"),
        (":8080", "http://localhost:8080"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[0::1]:8080"),
        ("10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("shop.internal:443", "wss://Shop.internal"),
    ],
)
def test_a_sink_does_not_send_to_its_own_source(configs: Configs, listens: str, url: str) -> None:
    assert configs.said(posting(listens, url)) == f"wye.toml:8: [sinks.again] url: {CIRCLE}"


@pytest.mark.parametrize(
    ("listens", "url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("127.0.0.1:8080", "http://10.0.0.1:8080"),
        ("0.0.0.0:8080", "http://10.0.0.1:8080"),  # perhaps another machine
        ("127.0.0.1:0", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:99999"),
        ("127.0.0.1:8080", "http://[127.0.0.1:8080"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://:8080"),
    ],
)
def test_a_sink_may_send_elsewhere(configs: Configs, listens: str, url: str) -> None:
    assert configs.said(posting(listens, url)) == ""


def test_a_sink_may_send_a_part_to_its_own_source(configs: Configs) -> None:
    text = posting("127.0.0.1:8080", "http://127.0.0.1:8080", more='where = { type = "search" }')
    assert configs.said(text) == ""
    transform = 'transforms.t = { type = "filter", where = {}, inputs = ["edge"] }'
    assert configs.said(transform + posting("127.0.0.1:8080", "http://127.0.0.1:8080", inputs='["t"]')) == ""


PLAIN = '{ type = "plain", shop = "s" }'


@pytest.mark.parametrize(
    ("source", "sink"),
    [("dedupe = {}", ""), ('adapter = "canonical"', f"adapter = {PLAIN}"), (f"adapter = {PLAIN}", 'adapter = "canonical"')],
)
def test_what_a_source_would_not_take_goes_in_no_circle(configs: Configs, source: str, sink: str) -> None:
    text = posting("127.0.0.1:8080", "http://127.0.0.1:8080", more=sink)
    assert configs.said(text.replace("address", f"{source}\naddress")) == ""


@pytest.mark.parametrize("adapter", ['"canonical"', PLAIN])
def test_what_it_takes_goes_in_one(configs: Configs, adapter: str) -> None:
    text = posting("127.0.0.1:8080", "http://127.0.0.1:8080", more=f"adapter = {adapter}")
    assert configs.said(text.replace("address", f"adapter = {adapter}\naddress")).endswith(CIRCLE)


def test_a_chain_through_an_address_is_no_circle_until_it_is_closed(configs: Configs) -> None:
    chain = (
        posting("127.0.0.1:8080", "http://127.0.0.1:8081")
        + """
[sources.b]
type = "fake"
address = "127.0.0.1:8081"
[sinks.z]
type = "fake"
inputs = ["b"]
"""
    )
    assert configs.said(chain) == ""
    closed = configs.said(f'{chain}url = "http://127.0.0.1:8080"')
    assert closed.splitlines() == [
        f"wye.toml:8: [sinks.again] url: {CIRCLE}",
        f"wye.toml:17: [sinks.z] url: {CIRCLE.replace('edge', 'b')}",
    ]


def test_a_source_does_not_connect_to_its_own_sink(configs: Configs) -> None:
    text = """
[sources.edge]
type = "fake"
url = "ws://localhost:8080"
[sinks.live]
type = "fake"
inputs = ["edge"]
address = ":8080"
"""
    assert configs.said(text) == f"wye.toml:8: [sinks.live] address: {CIRCLE}"


ADAPTER = {"http": ('adapters = ["clickstream"]', 'adapter = { type = "clickstream", app_id = "shop" }'), "websocket": ("", "")}


@pytest.mark.parametrize("kind", ADAPTER)
def test_circles_of_real_parts(tmp_path: Path, kind: str) -> None:
    source, sink = ADAPTER[kind]
    text = posting("127.0.0.1:8080", f"{'ws' if kind == 'websocket' else kind}://127.0.0.1:8080", more=sink)
    path = tmp_path / "wye.toml"
    path.write_text(text.replace('"fake"', f'"{kind}"').replace("address", f"{source}\naddress"))
    with pytest.raises(ConfigError, match="round in a circle"):
        load_config([str(path)], load(), {})
    if kind == "http":
        with path.open("a") as file:
            file.write('proxy = "http://127.0.0.1:3128"')
        load_config([str(path)], load(), {})
