"""``python -m faults.child ARGUMENTS``: wye with an adapter more. ``FAULTS_POINT`` is where it kills itself, ``FAULTS_NTH`` on
which passing; ``FAULTS_MUTATION`` what is broken on purpose."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys

_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG``: nothing is left behind when the harness itself is killed."""


def main() -> int:
    if "--worker" not in sys.argv:  # a worker's parent is a thread, which may end; it goes when its line does
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    from faults import adapter
    from wye import registry
    from wye.cli import main as wye
    from wye.workers import supervisor

    supervisor.PROGRAM = [sys.executable, "-m", "faults.child"]

    registry.load = functools.partial(registry.load, [(adapter.NAME, adapter)])
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
