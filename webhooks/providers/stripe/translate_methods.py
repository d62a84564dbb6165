"""What Stripe's PaymentMethods, SetupIntents, mandates and customers say of saved methods.

A PaymentMethod changes behind an event's back: it is read again. One that was detached can never
be attached again: https://docs.stripe.com/api/payment_methods/detach
"""

from __future__ import annotations

from domain.errors import Permanent
from domain.facts import CustomerRemoved, MandateChanged, Method, MethodRemoved, MethodSaved
from webhooks.providers.provider import Translation
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.methods import method_of_payment_method
from webhooks.providers.stripe.shapes import (
    Document,
    Event,
    Readings,
    References,
    child,
    facts,
    ignored,
    needs,
)

NOT_SAVED = "the payment method belongs to no customer: it was not saved"


def payment_method_signal(event: Event, readings: Readings) -> Translation:
    """``payment_method.attached``, ``.updated`` and ``.automatically_updated``."""
    token = shapes.identifier(event.object)
    reading = shapes.reading_of(readings, "payment_method", token)
    if reading is None:
        return needs("payment_method", token)
    method = method_of_payment_method(reading.document) if reading.document else None
    if method is not None and method.token is not None:
        return facts(MethodSaved(method=method, customer=method.customer))
    owner = shapes.customer(event.object)
    if owner is None:
        return ignored(NOT_SAVED)
    return facts(MethodRemoved(token=token, customer=owner))


def payment_method_detached(event: Event, _: Readings) -> Translation:
    """``payment_method.detached``; the owner, if told at all, is among the previous values."""
    return facts(
        MethodRemoved(
            token=shapes.identifier(event.object), customer=shapes.customer(event.previous)
        )
    )


def setup_intent_succeeded(event: Event, readings: Readings) -> Translation:
    """``setup_intent.succeeded``: a method was entered without paying."""
    return saved_by_setup(event.object, readings, shapes.references(event.object))


def method_from_setup(session: Document, readings: Readings) -> Translation:
    """A completed checkout session in which nothing was to be paid."""
    embedded, setup = child(session, "setup_intent"), shapes.reference(session, "setup_intent")
    if setup is None:
        return ignored("nothing was to be paid and no payment method was entered")
    ours = shapes.references(session)
    if embedded:
        return saved_by_setup(embedded, readings, ours)
    reading = shapes.reading_of(readings, "setup_intent", setup)
    if reading is None:
        return needs("setup_intent", setup)
    document = shapes.document_of(reading, "setup_intent", setup)
    return saved_by_setup(document, readings, ours)


def saved_by_setup(setup: Document, readings: Readings, ours: References) -> Translation:
    """The method that a SetupIntent saved, read where only its id is given."""
    token = shapes.reference(setup, "payment_method")
    if token is None or setup.get("status") != "succeeded":
        return ignored("the setup saved no payment method")
    embedded = child(setup, "payment_method")
    if embedded:
        return _saved({"customer": shapes.customer(setup), **embedded}, setup, ours)
    reading = shapes.reading_of(readings, "payment_method", token)
    if reading is None:
        return needs("payment_method", token)
    if reading.document is None:
        return facts(MethodRemoved(token=token, customer=shapes.customer(setup)))
    return _saved(reading.document, setup, ours)


def mandate_updated(event: Event, _: Readings) -> Translation:
    """``mandate.updated``. https://docs.stripe.com/api/mandates/object#mandate_object-status"""
    status = event.object.get("status")
    if status == "pending":
        return ignored("the mandate is not decided yet")
    token = shapes.reference(event.object, "payment_method")
    if token is None:
        raise Permanent(f"mandate {shapes.identifier(event.object)} names no payment method")
    return facts(MandateChanged(token=token, active=status == "active"))


def customer_deleted(event: Event, _: Readings) -> Translation:
    """``customer.deleted``."""
    return facts(CustomerRemoved(customer=shapes.identifier(event.object)))


def _saved(document: Document, setup: Document, ours: References) -> Translation:
    method: Method = method_of_payment_method(document)
    if method.token is None:
        return ignored(NOT_SAVED)
    return facts(
        MethodSaved(
            method=method,
            customer=method.customer,
            order=ours.order,
            account=ours.account or shapes.references(setup).account,
        )
    )
