"""Payment methods and the customers who own them: what other parts need of both."""

from __future__ import annotations

from webhooks.sandbox import stripe_cards as cards
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, no_such
from webhooks.sandbox.stripe_forms import Params

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def new_customer(account: StripeAccount, *, email: str | None) -> Document:
    """A customer, not kept yet."""
    return account.new(
        "cus",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=None,
        email=email,
        invoice_prefix=account.store.letters(8, "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata={},
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )


def living_customer(account: StripeAccount, key: str, param: str = "id") -> Document:
    """A customer that was not deleted. Raises ``resource_missing``."""
    customer = account.get("customer", key)
    if customer is None or customer.get("deleted"):
        raise no_such("customer", key, param)
    return customer


def resolve(account: StripeAccount, key: str, param: str = "payment_method") -> Document:
    """The payment method of an id; a test name (``pm_card_visa``) makes a new one."""
    card = cards.card_named(key)
    if card is not None:
        return new_card(account, card)
    return account.fetch("payment_method", key, param)


def new_card(account: StripeAccount, card: cards.Card, email: str | None = None) -> Document:
    """Keep a payment method for a card."""
    details = {"type": "card", "card": cards.card_details(card)}
    return _new_method(account, card.behaviour, details, email)


def new_bank_account(account: StripeAccount, email: str | None = None) -> Document:
    """Keep a payment method whose money comes days later."""
    details = {"type": "sepa_debit", "sepa_debit": cards.sepa_details()}
    return _new_method(account, cards.DELAYED, details, email)


def attach(account: StripeAccount, method: Document, customer: str) -> Document:
    """Save a method with a customer."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None or method.get("_spent"):
        raise StripeError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    return account.save({**method, "customer": customer}, "payment_method.attached")


def attach_to(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/payment_methods/{id}/attach"""
    customer = living_customer(account, params.required("customer"), "customer")
    return attach(account, resolve(account, key), customer["id"])


def detach(account: StripeAccount, _params: Params, key: str) -> Document:
    """POST /v1/payment_methods/{id}/detach; the customer is told in ``previous_attributes``."""
    method = account.fetch("payment_method", key)
    if method["customer"] is None:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible.",
            code="payment_method_unexpected_state",
        )
    return release(account, method)


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/payment_methods/{id}"""
    return resolve(account, key)


def behave(account: StripeAccount, key: str, behaviour: str) -> Document:
    """Let a saved method behave otherwise from now on: ``succeeds``, ``authenticates``,
    ``delayed``, or the code of a decline."""
    return account.save({**account.fetch("payment_method", key), "_behaviour": behaviour})


def _new_method(
    account: StripeAccount, behaviour: str, details: Document, email: str | None
) -> Document:
    method = account.new(
        "pm",
        allow_redisplay="unspecified",
        billing_details={
            "address": dict.fromkeys(ADDRESS),
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        customer=None,
        customer_account=None,
        metadata={},
        **details,
        _behaviour=behaviour,
    )
    return account.save(method)


def release(account: StripeAccount, method: Document) -> Document:
    """Take a method from its customer and tell of it."""
    gone = {**method, "customer": None, "_spent": True}
    account.save(gone)
    account.events.emit("payment_method.detached", gone, method)
    for customer in account.find("customer", id=method["customer"]):
        settings = customer.get("invoice_settings", {})
        if settings.get("default_payment_method") == method["id"]:
            settings["default_payment_method"] = None
            account.save(customer, "customer.updated")
    return gone
