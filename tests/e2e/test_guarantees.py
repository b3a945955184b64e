"""docs/guarantees.md for the doubter: each sentence that promises something names a test, and that test exists."""

from __future__ import annotations

import ast
import re

import pytest

from e2e.kit import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
PROSE, TABLE = PAGE.split("## For the doubter")
ROWS = re.findall(r"^\| (.+) \| `(tests/.+)::(test_\w+)` \|$", TABLE, re.MULTILINE)

NO_PROMISES = (
    "## What the file system must do",
    "## What was not tested",
)
"""Sections that say what is asked of others, and what is not known."""

WARNINGS = (
    "the answer comes when the event is in memory",
    "nobody can be told",
    "A client that got no answer sends again",
    "one that is retried out of the dead letters comes late",
    "Not an event whose vendor is down",
)
"""Parts of sentences that take something back. What they belong to may promise something beside."""


def flat(text: str) -> str:
    return " ".join(text.split())


def sentences() -> list[str]:
    """What the page says between its first sentence in bold and its table, one promise or warning each."""
    body = PROSE[PROSE.index("**") :]
    for heading in NO_PROMISES:
        start = body.index(heading)
        end = body.find("\n## ", start + 1)
        body = body[:start] + (body[end:] if end > 0 else "")
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=- |\| )", body):
        if not re.match(r"#|\| source|\|--", block.strip()):
            found += re.split(r"(?<=[.;:]) (?=[A-Z4`])", flat(block))
    return [one for one in found if len(one) > 2]


def test_there_are_sentences() -> None:
    assert len(sentences()) > 25
    assert len(ROWS) == TABLE.count("\n| ") - 1, "a row that is not understood"


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_names_its_test_or_is_a_warning(sentence: str) -> None:
    assert any(quote in sentence for quote, _, _ in ROWS) or any(one in sentence for one in WARNINGS) or sentence.endswith(":")


@pytest.mark.parametrize(("quote", "file", "name"), ROWS)
def test_every_row_quotes_the_page_and_names_a_test(quote: str, file: str, name: str) -> None:
    assert quote in flat(PROSE)
    defined = {
        one.name
        for one in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in defined
