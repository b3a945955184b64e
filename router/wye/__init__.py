"""wye: an event-routing daemon with adapter plugins."""
