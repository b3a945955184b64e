"""What the log says about a connection that comes and goes: one line when it is lost, one when it is back."""

from __future__ import annotations

import logging

_CREDENTIALS = (401, 403)


class Outage:
    """Follows one connection over its life. ``name`` is the part's, ``shown`` the server without secrets; times in seconds."""

    def __init__(self, log: logging.Logger, name: str, shown: str, now: float) -> None:
        self._log = log
        self._name = name
        self._shown = shown
        self._down_since = now
        self._said: set[str] = set()
        self._ever_up = False

    def failed(self, reason: str) -> None:
        """An attempt to connect failed."""
        if not self._said:
            self._said.add("down")
            self._log.warning("%s: cannot connect to %s: %s; trying again until it works", self._name, self._shown, reason)

    def refused(self, status: int) -> None:
        """The server answered an attempt with an HTTP status."""
        if status not in _CREDENTIALS:
            self.failed(f"refused ({status})")
        elif "refused" not in self._said:
            self._said.update(("down", "refused"))
            self._log.error("%s: %s refused (%d): check the credentials", self._name, self._shown, status)

    def lost(self, reason: str, now: float) -> None:
        """A connection that was up is gone."""
        self._down_since = now
        self._said.add("down")
        self._log.warning("%s: lost the connection to %s: %s; connecting again", self._name, self._shown, reason)

    def up(self, now: float) -> None:
        """The connection stands."""
        if self._ever_up or self._said:
            away = now - self._down_since
            self._log.info("%s: connected to %s again after %.1f s", self._name, self._shown, away)
        else:
            self._log.info("%s: connected to %s", self._name, self._shown)
        self._ever_up = True
        self._said.clear()
