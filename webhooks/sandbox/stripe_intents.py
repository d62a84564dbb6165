"""PaymentIntents through the API: create, confirm, cancel, search."""

from __future__ import annotations

import re

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, card_error, invalid, unexpected_state
from webhooks.sandbox.stripe_forms import Params, merged
from webhooks.sandbox.stripe_lists import search_result
from webhooks.sandbox.stripe_methods import attach, living_customer, resolve
from webhooks.sandbox.stripe_payments import check_amount, confirm, open_intent

_OPEN = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
)

_CLAUSE = re.compile(
    r"""\s*(?P<field>\w+)(?:\[(?P<q1>["'])(?P<key>.+?)(?P=q1)\])?\s*:\s*(?P<q2>["'])(?P<value>.*?)(?P=q2)\s*"""
)


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/payment_intents. Raises a card error for a charge that is refused."""
    amount, currency = params.amount("amount"), params.currency()
    check_amount(amount, currency)
    customer = params.text("customer")
    if customer:
        living_customer(account, customer, "customer")
    method = params.text("payment_method")
    if params.flag("off_session") and not params.flag("confirm"):
        raise invalid("off_session", "off_session can only be used when confirm=true.")
    chosen = _usable(account, method, customer) if method else None
    intent = open_intent(
        account,
        amount=amount,
        currency=currency,
        customer=customer,
        payment_method=chosen["id"] if chosen else None,
        description=params.text("description"),
        metadata=params.metadata(),
        receipt_email=params.text("receipt_email"),
        setup_future_usage=params.text("setup_future_usage"),
        allowed_payment_method_types=params.method_types(),
        payment_method_types=params.method_types(),
        statement_descriptor_suffix=params.text("statement_descriptor_suffix"),
    )
    if not params.flag("confirm"):
        return intent
    return _confirmed(account, intent, off_session=bool(params.flag("off_session")))


def confirm_intent(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/payment_intents/{id}/confirm"""
    intent = account.fetch("payment_intent", key)
    if method := params.text("payment_method"):
        chosen = _usable(account, method, intent["customer"])
        intent = account.save({**intent, "payment_method": chosen["id"]})
    return _confirmed(account, intent, off_session=bool(params.flag("off_session")))


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/payment_intents/{id}"""
    return account.fetch("payment_intent", key)


def retrieve_charge(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/charges/{id}"""
    return account.fetch("charge", key)


def update(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/payment_intents/{id}: description and metadata."""
    intent = account.fetch("payment_intent", key)
    if "description" in params:
        intent["description"] = params.text("description")
    intent["metadata"] = merged(intent["metadata"], params.metadata())
    return account.save(intent)


def cancel(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/payment_intents/{id}/cancel"""
    intent = account.fetch("payment_intent", key)
    if intent["status"] not in _OPEN:
        raise unexpected_state(
            "payment_intent_unexpected_state",
            "You cannot cancel this PaymentIntent because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following statuses may be"
            f" canceled: {', '.join(_OPEN)}.",
            payment_intent=intent,
        )
    ended = {
        **intent,
        "status": "canceled",
        "canceled_at": account.now(),
        "cancellation_reason": params.text("cancellation_reason"),
        "next_action": None,
    }
    return account.save(ended, "payment_intent.canceled")


def search(account: StripeAccount, params: Params) -> Document:
    """GET /v1/payment_intents/search: ``metadata['order_id']:'…' AND customer:'…'``
    (https://docs.stripe.com/search). Here a new object is found at once; Stripe may take a
    minute."""
    clauses = [_clause(text) for text in re.split(r"\s+AND\s+", params.required("query"))]
    found = [
        intent
        for intent in reversed(account.find("payment_intent"))
        if all(_holds(intent, *clause) for clause in clauses)
    ]
    return search_result(found, params, "/v1/payment_intents/search")


def _confirmed(account: StripeAccount, intent: Document, *, off_session: bool) -> Document:
    if intent["payment_method"] is None:
        raise unexpected_state(
            "payment_intent_unexpected_state",
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            payment_intent=intent,
        )
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise unexpected_state(
            "payment_intent_unexpected_state",
            f"This PaymentIntent's status is {intent['status']}; it cannot be confirmed any more.",
            payment_intent=intent,
        )
    done = confirm(account, intent, off_session=off_session)
    if done["status"] == "requires_payment_method":
        raise card_error(done["last_payment_error"], done)
    _save_method(account, done)
    return done


def _save_method(account: StripeAccount, intent: Document) -> None:
    """Save the method if that was wanted; one that belongs to nobody is used up."""
    method = account.fetch("payment_method", intent["payment_method"])
    if intent["customer"] and intent["setup_future_usage"]:
        attach(account, method, intent["customer"])
    elif method["customer"] is None:
        account.save({**method, "_spent": True})


def _usable(account: StripeAccount, key: str, customer: str | None) -> Document:
    """The method, if this customer may pay with it."""
    method = resolve(account, key)
    if method.get("_spent"):
        raise StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, or was detached from a Customer, and may not be used again. To use a"
            " PaymentMethod multiple times, you must attach it to a Customer first.",
            code="payment_method_unexpected_state",
        )
    if method["customer"] is not None and method["customer"] != customer:
        raise invalid(
            "payment_method",
            f"The PaymentMethod {method['id']} belongs to a Customer. Please include the Customer"
            " in the `customer` parameter on the PaymentIntent.",
            "resource_missing",
        )
    return method


def _clause(text: str) -> tuple[str, str | None, str]:
    found = _CLAUSE.fullmatch(text)
    if found is None:
        raise invalid("query", f"We were unable to parse your search query: {text}")
    value = re.sub(r"\\(.)", r"\1", found["value"])
    return found["field"], found["key"], value


def _holds(intent: Document, field: str, key: str | None, value: str) -> bool:
    held = intent.get(field)
    if key is not None:
        held = (held or {}).get(key)
    return str(held) == value
