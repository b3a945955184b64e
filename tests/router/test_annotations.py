from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from wye.annotations import alternatives, members_of, metas, struct_in, values_of
from wye.event import Item, Page

LIMITED = Annotated[int, Meta(ge=1)]


def test_alternatives_are_free_of_wrapping_and_of_none() -> None:
    assert alternatives(Annotated[LIMITED | str | None, Meta(description="x")]) == [int, str]
    assert alternatives(int) == [int]
    assert alternatives(None | int) == [int]


def test_the_struct_in_an_annotation() -> None:
    assert struct_in(Annotated[Page | None, Meta()]) is Page
    assert struct_in(tuple[Item, ...]) is None
    assert struct_in(Any) is None


def test_the_members_of_a_container() -> None:
    assert members_of(tuple[Item, ...] | None, tuple) is Item
    assert members_of(Annotated[list[str], Meta()], list) is str
    assert members_of(list[str], tuple) is None


def test_metas_come_from_the_outside_in() -> None:
    outer = Meta(description="x")
    assert list(metas(Annotated[LIMITED, outer])) == [outer, Meta(ge=1)]
    assert list(metas(int)) == []


def test_the_values_of_a_table() -> None:
    assert values_of(dict[str, int] | None) is int
    assert values_of(list[int]) is None
