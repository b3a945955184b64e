"""Log lines on standard error, free of secrets."""

from __future__ import annotations

import logging
import sys

from wye.config.secrets import Secrets


class _Redacting(logging.Formatter):
    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.redact(super().format(record))


def to_stderr(secrets: Secrets, level: int) -> None:
    """Send wye's log lines to standard error; libraries speak only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("wye").setLevel(level)
    logging.getLogger("wye_plugins").setLevel(level)
