"""Types for config structs. A part's options are a msgspec struct; its annotations are the schema, the check and the docs.

Every field carries ``Meta(description=…)`` and, where it has one, its unit in its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

Secret = Annotated[str, Meta(extra_json_schema={"x-secret": True})]
"""A value that is never printed."""

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]

WhenFull = Literal["block", "drop_newest", "drop_oldest"]
LettersWhenFull = Literal["block", "drop_oldest"]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every config struct."""


class OptionsError(ValueError):
    """Several mistakes in a part's options, each with the keys that lead to it; what ``build`` may raise instead of one
    ``ValueError`` for all."""

    def __init__(self, mistakes: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in mistakes))
        self.mistakes = mistakes
