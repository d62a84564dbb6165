"""The pieces that Stripe's objects are made of, read alike from old and new API versions.

An event comes in the API version of the endpoint, a reading in that of the library, so a field may
be missing, null, an id, or the whole object. https://docs.stripe.com/api/events
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from domain.errors import Permanent
from domain.facts import Fact, Period
from domain.money import Money
from domain.ports import Reading, ReadingRequest
from webhooks.providers.provider import Translation

Document = dict[str, Any]
Readings = Mapping[ReadingRequest, Reading]

ORDER: Final = "order_id"
ACCOUNT: Final = "account"
KEY: Final = "request_key"
SAVES: Final = "saves_method"
"""Metadata that our gateway puts on what it makes. Stripe copies a PaymentIntent's metadata to its
charges, and a charge does not say otherwise whether its card may be used again."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot event: the object as it was, and what of it had just changed."""

    type: str
    object: Document
    previous: Document


class References(NamedTuple):
    """What our metadata on an object say: the order and the account that it belongs to."""

    order: str | None
    account: str | None


NOBODY: Final = References(None, None)


def facts(*said: Fact) -> Translation:
    """The event says this."""
    return Translation(facts=said)


def needs(kind: str, identifier: str) -> Translation:
    """Nothing can be said before this object is read."""
    return Translation(needs=(ReadingRequest(kind, identifier),))


def ignored(reason: str) -> Translation:
    """There is nothing for us in the event."""
    return Translation(ignored=reason)


def reading_of(readings: Readings, kind: str, identifier: str) -> Reading | None:
    """The reading of an object, or None when it was not made yet."""
    return readings.get(ReadingRequest(kind, identifier))


def document_of(reading: Reading, kind: str, identifier: str) -> Document:
    """What was read; raises ``Permanent`` when money is said of an object that Stripe denies."""
    if reading.document is None:
        raise Permanent(
            f"Stripe sent an event about {kind} {identifier} and knows no such object: "
            "STRIPE_API_KEY may belong to another Stripe account than the endpoint"
        )
    return reading.document


def child(document: Document, *path: str) -> Document:
    """The object at ``path``; empty when any step is missing, null or not an object."""
    current: Any = document
    for name in path:
        current = current.get(name) if isinstance(current, dict) else None
    return current if isinstance(current, dict) else {}


def children(document: Document, *path: str) -> list[Document]:
    """The objects of the list (``{"object": "list", "data": […]}``) at ``path``."""
    data = child(document, *path).get("data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def text(document: Document, name: str) -> str | None:
    """A non-empty text, or None."""
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def reference(document: Document, name: str) -> str | None:
    """The id of a linked object, which may be an id or, expanded, the object itself."""
    value = document.get(name)
    return text(value, "id") if isinstance(value, dict) else text(document, name)


def identifier(document: Document) -> str:
    """The object's own id. Raises ``Permanent`` when it has none."""
    found = text(document, "id")
    if found is None:
        raise Permanent(f"Stripe's {document.get('object') or 'object'} has no id")
    return found


def money(document: Document, name: str) -> Money:
    """An amount in minor units with the object's currency, which Stripe writes in lower case.

    Raises ``Permanent`` unless both are there. https://docs.stripe.com/currencies#zero-decimal
    lists currencies without minor units; none of those that Billhook sells in is among them.
    """
    amount, currency = whole(document, name), text(document, "currency")
    if amount is None or currency is None:
        what = f"{document.get('object') or 'object'} {document.get('id') or 'without id'}"
        raise Permanent(f"Stripe's {what} does not say {name} and currency")
    return Money(amount, currency.upper())


def whole(document: Document, name: str) -> int | None:
    """A whole number, or None."""
    value = document.get(name)
    return value if type(value) is int else None


def instant(document: Document, name: str) -> datetime | None:
    """An instant given in Unix seconds, or None. Raises ``Permanent`` when it is out of range."""
    seconds = whole(document, name)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Permanent(f"Stripe's {name} {seconds} is no instant") from error


def span(document: Document, start: str, end: str) -> Period | None:
    """The span between two instants of an object, or None."""
    first, last = instant(document, start), instant(document, end)
    return Period(first, last) if first and last and first < last else None


def references(document: Document) -> References:
    """Order and account that our metadata on an object name."""
    metadata = child(document, "metadata")
    return References(text(metadata, ORDER), text(metadata, ACCOUNT))


def customer(document: Document) -> str | None:
    """The customer; an Account may stand in for it (API version clover and later)."""
    return reference(document, "customer") or reference(document, "customer_account")
