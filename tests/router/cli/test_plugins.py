from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.cli.cli_kit import on_terminal
from router.cli.conftest import Wye
from wye.cli import main
from wye.cli.plugins import structs_of
from wye.config.describe import describe
from wye.registry import load

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_installed_from_where_with_its_options(wye: Wye, tmp_path: Path) -> None:
    done = wye("plugins", cwd=tmp_path)
    assert done.returncode == 0
    options = "address, url, path, max_events, linger, ack, token, headers, tags, tls, first, last"
    assert done.stdout.splitlines()[:3] == [
        "kind              name       from  options",
        f"source            fake       wye   {options}",
        f"source            file       wye   {options}",
    ]
    assert "adapter (source)  readonly   wye   none" in done.stdout


def test_one_name_in_full(wye: Wye, tmp_path: Path) -> None:
    done = wye("plugins", "fake", cwd=tmp_path)
    assert done.stdout.count("fake from wye\n") == 2
    assert (
        """\
option           type                       default   description
address          string                               Where it would listen.
url              string                               Whom it would connect to.
path             string or list of strings            What it would read or write.
max_events       integer >= 1               10        At most so many.
linger           number >= 0                0.5       How long.
ack              "safe" or "accepted"       "safe"    When to answer.
token            string                               A credential.
headers          table of strings           {}        Sent along.
tags             list of strings            []        Names.
tls              table                                Certificates.
tls.certificate  string                     required  A file.
tls.versions     list of "1.2" or "1.3"     []        Which to speak.
"""
        in done.stdout
    )


def test_a_name_that_is_not_there(wye: Wye, tmp_path: Path) -> None:
    done = wye("plugins", "plane", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, 'wye: nothing named "plane" is installed; did you mean "plain"?\n')


def test_a_terminal_is_not_overrun(tmp_path: Path) -> None:
    code, sent = on_terminal(["plugins", "fake"], tmp_path, 50)
    assert code == 0
    for line in sent.splitlines():
        assert sum(len(part.partition("m")[2] if index else part) for index, part in enumerate(line.split("\x1b["))) <= 50


# ── what is generated and committed ──────────────────────────────────────────────────────────────────────────────────────


def printed(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> bytes:
    assert main(["schema", *arguments]) == 0
    return capfdbinary.readouterr().out


def test_the_schema_that_is_committed_is_not_stale(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    fresh = printed(capfdbinary)
    assert fresh == (ROOT / "config" / "wye.schema.json").read_bytes(), "say: wye schema > config/wye.schema.json"


def test_the_reference_that_is_committed_is_not_stale(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    fresh = printed(capfdbinary, "--markdown")
    assert fresh == (ROOT / "docs" / "configuration.md").read_bytes(), "say: wye schema --markdown > docs/configuration.md"


def test_every_option_is_described() -> None:
    for offer in load().offers:
        for kind, config in structs_of(offer):
            for option in describe(config, nested=True):
                assert option.description.endswith((".", ")")), f"{kind} {offer.part.name}: {option.name}"


def test_the_schema_knows_every_part(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    schema = json.loads(printed(capfdbinary))
    sinks = schema["properties"]["sinks"]["additionalProperties"]["oneOf"]
    assert {"file sink", "http sink", "websocket sink"} <= {one["title"] for one in sinks}
    (http,) = [one for one in sinks if one["title"] == "http sink"]
    (file,) = [one for one in sinks if one["title"] == "file sink"]
    assert {"type", "inputs", "path"} <= set(file["required"])
    adapters = http["properties"]["adapter"]["anyOf"]
    assert {"canonical", "clickstream", "richrelevance"} <= set(adapters[0]["enum"])
