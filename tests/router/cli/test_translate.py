from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from router.cli.cli_kit import command, environment
from router.cli.conftest import Wye
from wye.cli import main

PLAIN = '{ type = "plain", shop = "s" }'
ROOT = Path(__file__).resolve().parents[3]


def translate(wye: Wye, folder: Path, text: str | bytes, *more: str) -> tuple[int, str, str]:
    done = wye("translate", "--from", PLAIN, "--to", PLAIN, *more, cwd=folder, stdin=text)
    return done.returncode, done.stdout, done.stderr


def test_a_document_a_line(wye: Wye, tmp_path: Path) -> None:
    assert translate(wye, tmp_path, '{"id": "a", "x": 1}\n\n  \r\n{"id": "b"}') == (0, '{"id": "a"}\n{"id": "b"}\n', "")


def test_a_file_instead_of_standard_input(wye: Wye, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "a"}\r\n')
    assert translate(wye, tmp_path, "", "in.jsonl") == (0, '{"id": "a"}\n', "")
    assert translate(wye, tmp_path, "", "no.jsonl") == (1, "", "wye: cannot read no.jsonl: No such file or directory\n")


def test_documents_spread_over_lines(wye: Wye, tmp_path: Path) -> None:
    spread = '{\n  "id": "a",\n  "x": {\n    "y": 1\n  }\n}'
    assert translate(wye, tmp_path, spread) == (0, '{"id": "a"}\n', "")
    assert translate(wye, tmp_path, f"\n{spread}\n{spread}\n") == (0, '{"id": "a"}\n{"id": "a"}\n', "")
    odd = '{\n"id": "odd"}'
    assert translate(wye, tmp_path, f"[\n{spread},\n{odd}\n]") == (1, '{"id": "a"}\n', "document 2: too odd\n")


def test_a_first_line_that_breaks_off_costs_itself(wye: Wye, tmp_path: Path) -> None:
    code, out, said = translate(wye, tmp_path, '\n{"id": "a"\n{"id": "b"}\n')
    assert (code, out) == (1, '{"id": "b"}\n')
    assert said.startswith("line 2: bad record: ")
    assert said.count("\n") == 1


def test_nothing_in_nothing_out(wye: Wye, tmp_path: Path) -> None:
    assert translate(wye, tmp_path, "") == (0, "", "")


def test_a_bad_line_costs_itself_and_the_exit_code(wye: Wye, tmp_path: Path) -> None:
    code, out, said = translate(wye, tmp_path, b'{"id": "a"}\n{\n{"id": "odd"}\n{"id": "boom"}\n\xff\n{"id": "b"}\n')
    assert (code, out) == (1, '{"id": "a"}\n{"id": "b"}\n')
    first, second, third, fourth = said.splitlines()
    assert first.startswith("line 2: bad record: ")
    assert second == "line 3: too odd"
    assert third.startswith("line 4: a fault in the adapter: RuntimeError: boom (router/fakes.py:")
    assert fourth.startswith("line 5: bad record: ")


def test_what_has_no_name_there_is_left_out_and_said_but_no_fault(wye: Wye, tmp_path: Path) -> None:
    assert translate(wye, tmp_path, '{"id": "new"}\n{"id": "a"}\n') == (
        0,
        '{"id": "a"}\n',
        "line 1: left out: no name for it\n",
    )


@pytest.mark.parametrize(
    ("origin", "target", "said"),
    [
        ("plian", PLAIN, '--from: no adapter "plian" is installed; did you mean "plain"?'),
        ("plain", PLAIN, "--from: shop: missing; expected a string that is not empty"),
        (PLAIN, "readonly", '--to: the adapter "readonly" cannot be used by a sink; expected one of canonical, plain'),
        ('{ type = "plain", shop = 5 }', PLAIN, "--from: shop: expected a string that is not empty, found 5"),
        ('{ type = "plain" shop = "s" }', PLAIN, "--from: not a TOML inline table: "),
        (PLAIN, '{ shop = "s" }', "--to: type: missing; expected an adapter for a sink: canonical, plain"),
    ],
)
def test_an_adapter_that_is_none(wye: Wye, tmp_path: Path, origin: str, target: str, said: str) -> None:
    done = wye("translate", "--from", origin, "--to", target, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_mistakes_of_both_adapters_are_told_at_once_and_no_secret_with_them(wye: Wye, tmp_path: Path) -> None:
    wrong = '{ type = "plain", shop = ["hunter22"], key = "hunter22" }'
    done = wye("translate", "--from", wrong, "--to", wrong, cwd=tmp_path)
    assert done.stderr == (
        '--from: shop: expected a string that is not empty, found ["***"]\n'
        '--to: shop: expected a string that is not empty, found ["***"]\n'
        "wye: 2 mistakes\n"
    )


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "a"}\n' * 100_000)
    process = subprocess.Popen(
        command("translate", "--from", PLAIN, "--to", PLAIN, "in.jsonl"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b'{"id": "a"}\n'
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (0, b"")


def test_the_vendors_in_the_box(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    samples = sorted((ROOT / "tests" / "samples" / "richrelevance").glob("*.json"))
    documents = [json.loads(sample.read_bytes()) for sample in samples]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    target = '{ type = "clickstream", app_id = "shop" }'
    assert main(["translate", "--from", "richrelevance", "--to", target, str(tmp_path / "in.jsonl")]) == 0
    out, said = capfdbinary.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert len(events) + said.count(b"left out") == len(documents) > 0
    assert {event["app_id"] for event in events} == {"shop"}
