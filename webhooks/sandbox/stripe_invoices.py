"""Invoices of subscriptions that Stripe runs: issued, collected, given up."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_papers import draft, invoice_payment, subscription_of
from webhooks.sandbox.stripe_payments import authenticate, confirm, open_intent

RETRY_DAYS = (3, 5, 7)
"""Days until the next try after the first, second, third failure; then none is planned."""


def method_for(account: StripeAccount, invoice: Document) -> str | None:
    """The method that is charged for an invoice: the subscription's, else the customer's."""
    subscription = account.get("subscription", subscription_of(invoice)) or {}
    customer = account.get("customer", invoice["customer"]) or {}
    own: str | None = subscription.get("default_payment_method")
    usual: str | None = customer.get("invoice_settings", {}).get("default_payment_method")
    return own or usual


def issue(
    account: StripeAccount, subscription: Document, reason: str, lines: list[Document]
) -> Document:
    """Make and finalise an invoice over ``lines`` (see ``line``); it is ``open`` then."""
    customer = account.fetch("customer", subscription["customer"])
    invoice = draft(account, subscription, customer, reason, lines)
    account.save(invoice, "invoice.created")
    counted = {**customer, "next_invoice_sequence": customer["next_invoice_sequence"] + 1}
    account.save(counted)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    opened = {**invoice, "status": "open", "number": number, "effective_at": account.now()}
    opened["status_transitions"] = {**invoice["status_transitions"], "finalized_at": account.now()}
    return account.save(opened, "invoice.finalized")


def pay(
    account: StripeAccount,
    invoice: Document,
    method: str | None,
    *,
    off_session: bool,
    refusal: str | None = None,
    present: bool = False,
) -> Document:
    """Try to collect an open invoice; returns it ``paid``, or ``open`` with the try counted.
    ``refusal`` is the code of a decline that is to happen whatever the method is; ``present``: the
    customer is at hand to authenticate the charge."""
    if invoice["amount_due"] <= 0:
        return _close(account, invoice, intent=None)
    intent = account.get("payment_intent", invoice["_payment_intent"])
    if intent is None:
        intent = _intent_for(account, invoice, method)
    if method is None:
        return _count_failure(account, {**invoice, "_payment_intent": intent["id"]}, intent)
    chosen = {**intent, "payment_method": method}
    tried = confirm(account, chosen, off_session=off_session, refused=refusal)
    if present and tried["status"] == "requires_action":
        tried = authenticate(account, tried)
    invoice = {**invoice, "_payment_intent": intent["id"], "_charge": tried["latest_charge"]}
    if tried["status"] == "succeeded":
        return _close(account, invoice, tried)
    return _count_failure(account, invoice, tried)


def _intent_for(account: StripeAccount, invoice: Document, method: str | None) -> Document:
    return open_intent(
        account,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        payment_method=method,
        description="Subscription update",
        setup_future_usage="off_session",
        _invoice=invoice["id"],
    )


def _close(account: StripeAccount, invoice: Document, intent: Document | None) -> Document:
    if intent is not None:
        account.save(invoice_payment(account, invoice, intent), "invoice_payment.paid")
    paid = {
        **invoice,
        "status": "paid",
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + (intent is not None),
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "next_payment_attempt": None,
        "status_transitions": {**invoice["status_transitions"], "paid_at": account.now()},
    }
    return account.save(paid, "invoice.updated", "invoice.paid", "invoice.payment_succeeded")


def _count_failure(account: StripeAccount, invoice: Document, intent: Document) -> Document:
    tries = invoice["attempt_count"] + 1
    days = RETRY_DAYS[tries - 1] if tries <= len(RETRY_DAYS) else None
    failed = {
        **invoice,
        "attempted": True,
        "attempt_count": tries,
        "next_payment_attempt": account.now() + days * 86400 if days else None,
    }
    account.save(failed, "invoice.updated", "invoice.payment_failed")
    problem = intent["last_payment_error"] or {}
    if intent["status"] == "requires_action" or problem.get("code") == "authentication_required":
        account.events.emit("invoice.payment_action_required", failed)
    return failed


def give_up(account: StripeAccount, invoice: Document) -> Document:
    """Plan no further try for an open invoice."""
    return account.save({**invoice, "next_payment_attempt": None}, "invoice.updated")


def void(account: StripeAccount, invoice: Document) -> Document:
    """Declare an open invoice void."""
    ended = {**invoice, "status": "void", "next_payment_attempt": None}
    ended["status_transitions"] = {**invoice["status_transitions"], "voided_at": account.now()}
    return account.save(ended, "invoice.voided")
