"""Customers through the API."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_forms import Params, merged
from webhooks.sandbox.stripe_lists import page
from webhooks.sandbox.stripe_methods import (
    ADDRESS,
    attach,
    living_customer,
    new_customer,
    release,
    resolve,
)
from webhooks.sandbox.stripe_subscriptions import end


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/customers"""
    customer = new_customer(account, email=params.text("email"))
    _describe(customer, params)
    if method := params.text("payment_method"):
        attach(account, resolve(account, method), customer["id"])
    return account.save(customer, "customer.created")


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/customers/{id}; a deleted one is told as deleted."""
    return account.fetch("customer", key)


def update(account: StripeAccount, params: Params, key: str) -> Document:
    """POST /v1/customers/{id}"""
    customer = living_customer(account, key)
    if "email" in params:
        customer["email"] = params.text("email")
    _describe(customer, params)
    settings = params.table("invoice_settings")
    if "default_payment_method" in settings:
        customer["invoice_settings"]["default_payment_method"] = settings.text(
            "default_payment_method"
        )
    return account.save(customer, "customer.updated")


def delete(account: StripeAccount, _params: Params, key: str) -> Document:
    """DELETE /v1/customers/{id}; the methods and subscriptions go with it."""
    customer = living_customer(account, key)
    for subscription in account.find("subscription", customer=key):
        if subscription["status"] != "canceled":
            end(account, subscription, "cancellation_requested")
    for method in account.find("payment_method", customer=key):
        release(account, method)
    account.events.emit("customer.deleted", customer)
    return account.save({"id": key, "object": "customer", "deleted": True})


def listing(account: StripeAccount, params: Params) -> Document:
    """GET /v1/customers, by email if wanted."""
    equal = {"email": params.text("email")} if "email" in params else {}
    living = [each for each in account.find("customer", **equal) if not each.get("deleted")]
    return page(living, params, "/v1/customers")


def methods_of(account: StripeAccount, params: Params, key: str) -> Document:
    """GET /v1/customers/{id}/payment_methods"""
    equal = {"type": params.text("type")} if "type" in params else {}
    found = account.find("payment_method", customer=living_customer(account, key)["id"], **equal)
    return page(found, params, f"/v1/customers/{key}/payment_methods")


def list_methods(account: StripeAccount, params: Params) -> Document:
    """GET /v1/payment_methods of a customer."""
    equal = {"type": params.text("type")} if "type" in params else {}
    found = account.find("payment_method", customer=params.required("customer"), **equal)
    return page(found, params, "/v1/payment_methods")


def _describe(customer: Document, params: Params) -> None:
    for name in ("name", "description", "phone"):
        if name in params:
            customer[name] = params.text(name)
    if "address" in params:
        given = params.table("address")
        customer["address"] = {name: given.text(name) for name in ADDRESS}
    if "preferred_locales" in params:
        customer["preferred_locales"] = params.texts("preferred_locales")
    customer["metadata"] = merged(customer["metadata"], params.metadata())
