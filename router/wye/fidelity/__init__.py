"""What a format cannot hold, measured: ``event − decode(encode(event))``, leaf by leaf."""

from wye.fidelity.compare import Difference
from wye.fidelity.leaves import Leaf, class_of, leaves
from wye.fidelity.measure import Format, measure

__all__ = ["Difference", "Format", "Leaf", "class_of", "leaves", "measure"]
