"""The test kit for plugin authors: stand-ins for wye's side of each contract, driven by hand."""

from wye.testing.http import HttpPartner, Post
from wye.testing.intake import FakeIntake
from wye.testing.samples import make_event, shipment_of
from wye.testing.transport import FakeEncoder, FakeTransport

__all__ = ["FakeEncoder", "FakeIntake", "FakeTransport", "HttpPartner", "Post", "make_event", "shipment_of"]
