"""All rows, in the order in which they are run: those that matter most come first."""

from __future__ import annotations

from bench.rows.everything import W6
from bench.rows.files import W1
from bench.rows.http_in import W2A, W2B
from bench.rows.http_out import W3A, W3B
from bench.rows.latency import W9
from bench.rows.many import W8A, W8B
from bench.rows.resting import W5
from bench.rows.streams import W4
from bench.rows.workers import W7

ROWS = (W1, W2A, W2B, W3A, W3B, W4, W5, W7, W8A, W8B, W9, W6)

NOT_RUN: dict[str, str] = {}
"""Rows of the plan that are left out, and why."""
