"""Log lines on standard error, free of secrets and of control characters."""

from __future__ import annotations

import logging
import sys

from wye.config.secrets import Secrets
from wye.words import printable


class _Redacting(logging.Formatter):
    def __init__(self, secrets: Secrets, who: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {who}%(message)s", "%H:%M:%S")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return printable(self._secrets.redact(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        """One line: what a vendor answered must not look like the next one."""
        record.message = record.message.replace("\r", "").replace("\n", " ")
        return super().formatMessage(record)


def to_stderr(secrets: Secrets, level: int, who: str = "") -> None:
    """Send wye's log lines to standard error, each beginning with ``who``; libraries speak only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(secrets, who))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("wye").setLevel(level)
    logging.getLogger("wye_plugins").setLevel(level)
