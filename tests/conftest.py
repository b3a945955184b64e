"""The gate asks the same questions each time, so that what it says depends on the change alone; everywhere else, and in
``make laws``, hypothesis draws new examples."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")
