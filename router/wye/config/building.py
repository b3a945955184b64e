"""Calling what plugins bring, so that whatever they raise is one line where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from wye.errors import Path, Report
from wye.fault import fault
from wye.options import OptionsError
from wye.plugin import StartError

T = TypeVar("T")


def built(build: Callable[[], T], path: Path, report: Report) -> T | None:
    """What ``build`` gives; ``None`` when ``report`` was told what it raised.

    A ``ValueError`` is about the options. Anything else is the plugin's own fault, and is named with its place in the code.
    """
    try:
        return build()
    except OptionsError as error:
        for inner, message in error.mistakes:
            report((*path, *inner), message)
    except (ValueError, StartError) as error:
        report(path, str(error) or type(error).__name__)
    except Exception as error:
        report(path, f"a fault in the plugin: {fault(error)}")
    return None
