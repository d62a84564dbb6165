"""What the translation asks PayPal for.

A body is signed through a CRC-32 only, which can be forged, so money and states are believed from
a reading alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.errors import Permanent
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal.documents import Document


class Event(msgspec.Struct, frozen=True):
    """An event on its way to translation: its type and what it speaks of."""

    type: str
    resource: Document


class Needed(Exception):
    """Objects must be read first."""

    def __init__(self, *requests: ReadingRequest) -> None:
        super().__init__(", ".join(map(str, requests)))
        self.requests = requests


class Reader:
    """Hands out the readings that are there, and collects those that are not."""

    def __init__(self, readings: Mapping[ReadingRequest, Reading]) -> None:
        self._readings = readings

    def get(self, *requests: ReadingRequest) -> list[Reading]:
        """The readings in the order asked for. Raises ``Needed`` with those that are missing."""
        missing = [request for request in requests if request not in self._readings]
        if missing:
            raise Needed(*missing)
        return [self._readings[request] for request in requests]

    def document(self, request: ReadingRequest) -> Document:
        """The document of an object that must exist. Raises ``Permanent`` when PayPal has none."""
        return known(self.get(request)[0], request)


def known(reading: Reading, request: ReadingRequest) -> Document:
    """The document of a reading. Raises ``Permanent`` when PayPal knows no such object: a signed
    event about money that does not exist is either forged or about another account."""
    if reading.document is None:
        raise Permanent(
            f"PayPal knows no {request.kind} {request.id}, of which the event speaks: it may be "
            "forged, or belong to another PayPal account than PAYPAL_CLIENT_ID's"
        )
    return reading.document
