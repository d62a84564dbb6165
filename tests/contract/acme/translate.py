"""Acme's events as facts: a table and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from domain.errors import Permanent
from domain.facts import (
    CheckoutExpired,
    Decline,
    DisputeClosed,
    DisputeOpened,
    Fact,
    Method,
    MethodRemoved,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    RefundReported,
)
from domain.money import Money
from tests.contract.acme.settings import AcmeConfiguration
from webhooks.providers.provider import (
    Envelope,
    Reading,
    ReadingRequest,
    Translation,
)

Document = dict[str, Any]
Readings = Mapping[ReadingRequest, Reading]


class AcmeTranslator:
    """Pure: no network, no database, no clock."""

    def __call__(self, envelope: Envelope, readings: Readings) -> Translation:
        """Translate one event."""
        if envelope.event_type == "payment.changed":
            return _thin(_data(envelope), readings)
        translate = FACTS.get(envelope.event_type)
        if translate is None:
            return Translation(ignored=f"{envelope.event_type} says nothing about billing")
        return Translation(facts=(_translated(translate, envelope.event_type, _data(envelope)),))


def translator(configuration: AcmeConfiguration) -> AcmeTranslator:
    """Make the translator; nothing in the settings changes the meaning of an event."""
    return AcmeTranslator()


def _data(envelope: Envelope) -> Document:
    try:
        data = msgspec.json.decode(envelope.body)["data"]
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise Permanent(f"{envelope.event_type} has no data") from error
    if not isinstance(data, dict):
        raise Permanent(f"{envelope.event_type}: data is no object")
    return data


def _thin(data: Document, readings: Readings) -> Translation:
    """A notification that names a payment and says nothing of it: the payment is read."""
    request = ReadingRequest("payment", str(data.get("payment")))
    reading = readings.get(request)
    if reading is None:
        return Translation(needs=(request,))
    if reading.document is None:
        return Translation(ignored=f"Acme knows no {request}")
    kind = f"payment.{reading.document.get('state')}"
    translate = FACTS.get(kind)
    if translate is None:
        raise Permanent(f"{request} is in a state that is not known")
    return Translation(facts=(_translated(translate, kind, reading.document),))


def _translated(translate: Callable[[Document], Fact], kind: str, data: Document) -> Fact:
    try:
        return translate(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Permanent(f"{kind}: {type(error).__name__} {error}") from error


def _money(data: Document) -> Money:
    amount, currency = data["cents"], data["currency"]
    if type(amount) is not int or not isinstance(currency, str):
        raise TypeError("cents must be an integer and currency a text")
    return Money(amount, currency)


def _completed(data: Document) -> PaymentSucceeded:
    mandate = data.get("mandate")
    return PaymentSucceeded(
        payment=data["payment"],
        amount=_money(data),
        order=data.get("reference"),
        account=data.get("account"),
        customer=data.get("payer"),
        method=Method(kind="transfer", token=mandate, customer=data.get("payer")),
        at=datetime.fromtimestamp(data["at"], UTC),
    )


def _pending(data: Document) -> PaymentPending:
    return PaymentPending(payment=data["payment"], amount=_money(data), order=data.get("reference"))


def _failed(data: Document) -> PaymentFailed:
    return PaymentFailed(
        payment=data["payment"],
        amount=_money(data),
        order=data.get("reference"),
        decline=Decline(
            code=data.get("reason", "unknown"), kind="hard" if data.get("final") else "soft"
        ),
    )


def _refunded(data: Document) -> RefundReported:
    return RefundReported(
        refund=data["refund"], payment=data["payment"], amount=_money(data), status="succeeded"
    )


def _disputed(data: Document) -> DisputeOpened:
    return DisputeOpened(
        dispute=data["dispute"],
        payment=data["payment"],
        amount=_money(data),
        reason=data.get("reason"),
    )


def _dispute_closed(data: Document) -> DisputeClosed:
    return DisputeClosed(
        dispute=data["dispute"],
        payment=data["payment"],
        amount=_money(data),
        outcome="lost" if data["upheld"] else "won",
    )


FACTS: Final[dict[str, Callable[[Document], Fact]]] = {
    "payment.completed": _completed,
    "payment.pending": _pending,
    "payment.failed": _failed,
    "refund.completed": _refunded,
    "dispute.opened": _disputed,
    "dispute.closed": _dispute_closed,
    "mandate.ended": lambda data: MethodRemoved(token=data["mandate"]),
    "checkout.closed": lambda data: CheckoutExpired(
        checkout=data["checkout"], order=data.get("reference")
    ),
}
