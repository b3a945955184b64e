"""Where events go that cannot be delivered, and records that cannot be decoded: one file, in which they stay until they are
delivered after all or the operator drops them.

``letter`` is one of them, going in and coming out; ``table`` the file and what can be asked of it; ``writer`` takes letters in;
``outstanding`` waits until they are safe; ``legacy`` reads the file of an older wye; ``retrier`` puts marked ones on their way
again.
"""

from wye.deadletters.letter import DeadLetter, Entry, undecodable
from wye.deadletters.outstanding import Outstanding
from wye.deadletters.table import NAME
from wye.deadletters.writer import BACKLOG_BYTES, DeadLetters

__all__ = ["BACKLOG_BYTES", "NAME", "DeadLetter", "DeadLetters", "Entry", "Outstanding", "undecodable"]
