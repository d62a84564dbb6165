"""Events about checkouts (PayPal orders) and saved PayPal wallets (payment tokens).

https://developer.paypal.com/docs/api/orders/v2/ and https://developer.paypal.com/docs/api/payment-tokens/v3/
"""

from __future__ import annotations

from domain.facts import CheckoutApproved, CheckoutExpired, Method, MethodRemoved, MethodSaved
from domain.ports import ReadingRequest
from webhooks.providers.paypal.documents import (
    ID,
    Document,
    identifier,
    linked_id,
    order_of_checkout,
    section,
    status,
    text,
)
from webhooks.providers.paypal.readings import Event, Reader
from webhooks.providers.provider import Translation


def approved(event: Event, _reader: Reader) -> Translation:
    """``CHECKOUT.ORDER.APPROVED``: not money, but the cue to capture it. Nothing is read: the
    capture asks PayPal anyway, and is harmless when the order was captured before."""
    order = event.resource
    if text(order, "intent") == "AUTHORIZE":
        return Translation(ignored="the order is to be authorized only, which Billhook never asks")
    fact = CheckoutApproved(checkout=identifier(order), order=order_of_checkout(order))
    return Translation(facts=(fact,))


def reversed_approval(event: Event, reader: Reader) -> Translation:
    """``CHECKOUT.PAYMENT-APPROVAL.REVERSED``: the approval came to nothing before the capture."""
    name = "order_id" if text(event.resource, "order_id") else "id"
    request = ReadingRequest("order", identifier(event.resource, name))
    [reading] = reader.get(request)
    order = reading.document or {}
    if status(order) == "COMPLETED":
        return Translation(ignored=f"PayPal says that {request} was completed")
    return Translation(
        facts=(CheckoutExpired(checkout=request.id, order=order_of_checkout(order)),)
    )


def token_saved(event: Event, reader: Reader) -> Translation:
    """``VAULT.PAYMENT-TOKEN.CREATED``: a wallet can be charged again.

    Which order it was saved with is asked from PayPal, never taken from the body: a body can be
    forged, and would tie one customer's wallet to another's account.
    """
    request = ReadingRequest("payment_token", identifier(event.resource))
    token = reader.get(request)[0].document
    if token is None:
        return Translation(ignored=f"PayPal no longer knows {request}")
    fact = MethodSaved(
        method=saved_method(request.id, token),
        customer=text(token, "customer", "id"),
        order=_order_saved_with(token, reader),
        account=text(token, "customer", "merchant_customer_id"),
    )
    return Translation(facts=(fact,))


def token_removed(event: Event, reader: Reader) -> Translation:
    """``VAULT.PAYMENT-TOKEN.DELETED`` and ``…DELETION-INITIATED``: gone when PayPal says so."""
    request = ReadingRequest("payment_token", identifier(event.resource))
    if reader.get(request)[0].document is not None:
        return Translation(ignored=f"PayPal still knows {request}")
    customer = text(event.resource, "customer", "id")
    return Translation(facts=(MethodRemoved(token=request.id, customer=customer),))


def saved_method(token: str, document: Document) -> Method:
    """The wallet behind a payment token, or the card."""
    source = section(document, "payment_source")
    customer = text(document, "customer", "id")
    card = section(source, "card")
    if card:
        brand = (text(card, "brand") or "").lower() or None
        return Method(
            kind="card",
            brand=brand,
            last4=text(card, "last_digits"),
            expires=text(card, "expiry"),
            token=token,
            customer=customer,
        )
    brand = next(iter(source), "paypal")
    return Method(kind="wallet", brand=brand, token=token, customer=customer)


def _order_saved_with(token: Document, reader: Reader) -> str | None:
    checkout = text(token, "metadata", "order_id") or linked_id(token, "orders", "up")
    if checkout is None or not ID.fullmatch(checkout):
        return None
    [reading] = reader.get(ReadingRequest("order", checkout))
    return order_of_checkout(reading.document or {})
