"""One queue per sink: the only place where events wait."""

from wye.buffer.memory import MemoryBuffer

__all__ = ["MemoryBuffer"]
