"""Invoices and their payments through the API."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, card_error, unexpected_state
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_invoices import method_for, pay
from webhooks.sandbox.stripe_lists import listed, page
from webhooks.sandbox.stripe_methods import resolve
from webhooks.sandbox.stripe_papers import subscription_of
from webhooks.sandbox.stripe_subscriptions import after_payment


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/invoices/{id}"""
    return account.fetch("invoice", key)


def listing(account: StripeAccount, params: Params) -> Document:
    """GET /v1/invoices, by customer, subscription or status."""
    wanted = {name: params.text(name) for name in ("customer", "status") if name in params}
    found = account.find("invoice", **wanted)
    if subscription := params.text("subscription"):
        found = [each for each in found if subscription_of(each) == subscription]
    return page(found, params, "/v1/invoices")


def list_payments(account: StripeAccount, params: Params) -> Document:
    """GET /v1/invoice_payments, by invoice, status or payment."""
    wanted = {name: params.text(name) for name in ("invoice", "status") if name in params}
    found = account.find("invoice_payment", **wanted)
    for name in ("type", "payment_intent", "charge"):
        if value := params.table("payment").text(name):
            found = [each for each in found if each["payment"].get(name) == value]
    return page(found, params, "/v1/invoice_payments")


def pay_by_api(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/invoices/{id}/pay. Raises a card error for a charge that is refused."""
    invoice = account.fetch("invoice", key)
    if invoice["status"] == "paid":
        raise unexpected_state("invoice_already_paid", "Invoice is already paid")
    if invoice["status"] != "open":
        raise StripeError(f"Invoice {key} is {invoice['status']} and cannot be paid.")
    chosen = params.text("payment_method")
    method = resolve(account, chosen)["id"] if chosen else method_for(account, invoice)
    paid = pay(account, invoice, method, off_session=params.flag("off_session") is not False)
    after_payment(account, paid)
    if paid["status"] != "paid":
        intent = account.fetch("payment_intent", paid["_payment_intent"])
        problem = intent["last_payment_error"]
        raise card_error(problem, intent) if problem else StripeError("Payment is not complete.")
    return paid


def payments_of(account: StripeAccount, invoice: Document) -> Document:
    """What ``expand[]=payments`` shows on an invoice."""
    found = account.find("invoice_payment", invoice=invoice["id"])
    return listed(found[::-1], "/v1/invoice_payments")
