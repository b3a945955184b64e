from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wye_plugins.file.config import FileSinkOptions, FileSourceOptions


def test_a_path_may_be_one_or_several() -> None:
    assert msgspec.convert({"path": "a"}, FileSourceOptions).path == "a"
    assert msgspec.convert({"path": ["a", "b"]}, FileSourceOptions).path == ["a", "b"]


@pytest.mark.parametrize(
    "options", [{}, {"path": ""}, {"path": []}, {"path": "a", "poll_secs": 0}, {"path": "a", "chunk_bytes": 0}, {"file": "a"}]
)
def test_source_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, FileSourceOptions)


def test_a_template_is_checked_with_the_config() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"`path` is 'out/\{day\}': there is no placeholder \{day\}"):
        msgspec.convert({"path": "out/{day}"}, FileSinkOptions)
