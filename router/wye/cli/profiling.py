"""``wye run --profile FILE``: where the processor's time goes, from samples of the stack.

A timer of the process's CPU time interrupts, so that waiting is not counted; equal stacks are counted together, so that a run
of a week needs little more memory than one of a minute. pyinstrument draws what was found. It does not take the samples: for
that it hooks every call, with which a run takes twice the time and whatever makes small calls looks worst.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TextIO

from wye.errors import Exit

if TYPE_CHECKING:
    from pyinstrument.renderers import Renderer

INTERVAL_SECS = 0.002
"""CPU time between two samples. The kernel may make it longer, so a sample weighs what passed since the one before."""

_SUFFIXES = (".html", ".json", ".txt")

Main = Callable[[argparse.Namespace], Exit]


def target(text: str) -> Path:
    """The file that is asked for. Raises ``ArgumentTypeError`` unless its suffix says what to draw."""
    path = Path(text)
    if path.suffix not in _SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} has to end in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}")
    return path


def where_asked(main: Main) -> Main:
    """The command, profiled when its arguments have a ``profile``."""

    @wraps(main)
    def profiled(arguments: argparse.Namespace) -> Exit:
        path: Path | None = arguments.profile
        if path is None:
            return main(arguments)
        if find_spec("pyinstrument") is None:
            print("wye: --profile needs pyinstrument, which is not installed: pip install 'wye[profile]'", file=sys.stderr)
            return Exit.NOT_STARTED
        try:  # better to learn it now than after the run
            file = path.open("w", encoding="utf-8")
        except OSError as error:
            print(f"wye: cannot write the profile to {path}: {error.strerror}", file=sys.stderr)
            return Exit.NOT_STARTED
        with file, Profile(file, path.suffix):
            return main(arguments)

    return profiled


class Profile:
    """Samples the main thread inside a ``with`` block, and writes the file at its end, however it ends."""

    def __init__(self, file: TextIO, suffix: str) -> None:
        from pyinstrument.stack_sampler import build_call_stack

        self._file, self._suffix = file, suffix
        self._call_stack = build_call_stack
        self._secs: defaultdict[tuple[str, ...], float] = defaultdict(float)
        self._samples = 0

    def __enter__(self) -> None:
        self._began, self._began_cpu = time.time(), time.process_time()
        self._last = self._began_cpu
        self._stem = self._call_stack(sys._getframe(1), "initial", None)  # pyright: ignore[reportPrivateUsage]
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECS, INTERVAL_SECS)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        try:
            self._file.write(self._drawn())
            self._file.flush()
        except OSError as fault:
            print(f"wye: cannot write the profile to {self._file.name}: {fault.strerror}", file=sys.stderr)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        now = time.process_time()
        self._secs[tuple(self._call_stack(frame, "initial", None))] += now - self._last
        self._last = now
        self._samples += 1

    def _drawn(self) -> str:
        from pyinstrument.session import Session

        session = Session(
            frame_records=[(list(stack), secs) for stack, secs in self._secs.items()],
            start_time=self._began,
            duration=time.time() - self._began,
            min_interval=INTERVAL_SECS,
            max_interval=INTERVAL_SECS,
            sample_count=self._samples,
            start_call_stack=self._stem,
            target_description="CPU time of the main thread of wye run",
            cpu_time=time.process_time() - self._began_cpu,
            sys_path=sys.path,
            sys_prefixes=Session.current_sys_prefixes(),
        )
        return _renderer(self._suffix).render(session)


def _renderer(suffix: str) -> Renderer:
    from pyinstrument.renderers import ConsoleRenderer, HTMLRenderer, SpeedscopeRenderer

    if suffix == ".html":
        return HTMLRenderer()
    return SpeedscopeRenderer() if suffix == ".json" else ConsoleRenderer(unicode=True)
