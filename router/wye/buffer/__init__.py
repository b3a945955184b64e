"""One queue per sink: the only place where events wait."""

from wye.buffer.disk import DiskBuffer
from wye.buffer.memory import MemoryBuffer
from wye.buffer.queue import Buffer

__all__ = ["Buffer", "DiskBuffer", "MemoryBuffer"]
