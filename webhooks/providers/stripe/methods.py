"""Means of payment as Stripe describes them: PaymentMethods, and what a charge says of its card."""

from __future__ import annotations

from typing import Final

from domain.facts import Method
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.shapes import SAVES, Document, child, text, whole

CARD: Final = "card"
WALLET: Final = "wallet"
OFF_SESSION: Final = "off_session"

_OLD_BRANDS: Final = {
    "american express": "amex",
    "diners club": "diners",
    "mastercard": "mastercard",
}
"""Names before PaymentMethods: https://docs.stripe.com/api/cards/object#card_object-brand"""


def method_of_payment_method(document: Document) -> Method:
    """A PaymentMethod; it can be charged again when it is attached to a customer."""
    owner = shapes.customer(document)
    token = shapes.identifier(document) if owner else None
    return _method(text(document, "type") or CARD, document, token=token, customer=owner)


def method_of_charge(charge: Document, *, reusable: bool = False) -> Method | None:
    """What a charge was paid with; None when it does not say.

    The charge's PaymentMethod is a token only where it was saved: ``reusable``, or our metadata.
    """
    owner = shapes.customer(charge)
    saved = owner and (reusable or text(child(charge, "metadata"), SAVES))
    token = shapes.reference(charge, "payment_method") if saved else None
    details = child(charge, "payment_method_details")
    if details:
        return _method(text(details, "type") or CARD, details, token=token, customer=owner)
    source = child(charge, "source")
    if source.get("object") == CARD:
        return _method(CARD, {CARD: source}, token=token, customer=owner)
    return None


def method_of_intent(intent: Document, charge: Document) -> Method | None:
    """What a PaymentIntent was paid with, from its charge when that is at hand.

    Without the charge only a saved method is of use: the token, brand not known.
    """
    reusable = OFF_SESSION in _usages(intent)
    if charge:
        return method_of_charge(charge, reusable=reusable)
    expanded = child(intent, "payment_method")
    owner = shapes.customer(intent)
    if expanded:
        return method_of_payment_method({"customer": owner, **expanded})
    token = shapes.reference(intent, "payment_method")
    if not (reusable and owner and token):
        return None
    return Method(kind=CARD, token=token, customer=owner)


def _usages(intent: Document) -> set[str | None]:
    """For what the method is kept: said of the whole intent, or of cards alone."""
    options = child(intent, "payment_method_options", CARD)
    return {text(intent, "setup_future_usage"), text(options, "setup_future_usage")}


def _method(kind: str, details: Document, *, token: str | None, customer: str | None) -> Method:
    if kind != CARD:
        # Everything but cards is a wallet to the business; the brand says which.
        return Method(kind=WALLET, brand=kind, token=token, customer=customer)
    card = child(details, CARD)
    return Method(
        kind=CARD,
        brand=_brand(card),
        last4=text(card, "last4"),
        expires=_expires(card),
        token=token,
        customer=customer,
    )


def _brand(card: Document) -> str | None:
    brand = text(card, "brand")
    return None if brand is None else _OLD_BRANDS.get(brand.lower(), brand.lower())


def _expires(card: Document) -> str | None:
    year, month = whole(card, "exp_year"), whole(card, "exp_month")
    return None if year is None or month is None else f"{year:04d}-{month:02d}"
