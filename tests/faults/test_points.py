"""Every named point still exists."""

from __future__ import annotations

import pytest

from faults.points import POINTS, Point, find


@pytest.mark.parametrize("name", [name for name, point in POINTS.items() if isinstance(point, Point)])
def test_a_named_point_is_a_function_of_wye(name: str) -> None:
    point = POINTS[name]
    assert isinstance(point, Point)
    assert callable(find(point)[2])
