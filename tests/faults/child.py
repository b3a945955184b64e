"""``python -m faults.child ARGUMENTS``: wye as it is, but for a point at which it kills itself (``FAULTS_POINT``,
``FAULTS_NTH``) or for something that is broken on purpose (``FAULTS_MUTATION``)."""

from __future__ import annotations

import os
import sys


def main() -> int:
    from wye.cli import main as wye

    mutation, point = os.environ.get("FAULTS_MUTATION"), os.environ.get("FAULTS_POINT")
    if mutation:
        from faults.mutations import MUTATIONS

        MUTATIONS[mutation]()
    if point:
        from faults.points import POINTS, Point, install

        found = POINTS[point]
        assert isinstance(found, Point)
        install(found, int(os.environ["FAULTS_NTH"]))
    return wye()


if __name__ == "__main__":
    sys.exit(main())
