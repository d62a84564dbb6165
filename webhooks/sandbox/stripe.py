"""Stripe's API as the sandbox plays it: the list of its endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from webhooks.sandbox import (
    stripe_billing,
    stripe_checkout,
    stripe_customers,
    stripe_disputes,
    stripe_intents,
    stripe_log,
    stripe_methods,
    stripe_plan_changes,
    stripe_prices,
    stripe_refunds,
    stripe_setups,
    stripe_subscriptions,
)
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_api import Handler, StripeApi
from webhooks.sandbox.stripe_errors import StripeError, failure
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_lists import lister
from webhooks.sandbox.world import World

__all__ = ["failure", "routes"]


def routes(world: World) -> list[BaseRoute]:
    """The endpoints, below ``/stripe``."""
    api = StripeApi(StripeAccount(world))
    known: list[BaseRoute] = [
        _route(api, method, path, handler) for method, path, handler in ENDPOINTS
    ]
    every = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    return [*known, *(_route(api, each, "/{rest:path}", _unknown) for each in every)]


def _route(api: StripeApi, method: str, path: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        return await api.respond(request, handler)

    return Route(path, endpoint, methods=[method])


def _unknown(_account: StripeAccount, _params: Params, path: str) -> Document:
    raise StripeError(
        f"Unrecognized request URL (/{path}). The sandbox plays the part of Stripe's API that"
        " Billhook calls.",
        status=404,
        kept=False,
    )


_CHARGE_FILTERS = {"customer": "customer", "payment_intent": "payment_intent"}
_REFUND_FILTERS = {"charge": "charge", "payment_intent": "payment_intent"}
_SUBSCRIPTION_FILTERS = {"customer": "customer", "status": "status"}

ENDPOINTS: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/customers", stripe_customers.listing),
    ("POST", "/v1/customers", stripe_customers.create),
    ("GET", "/v1/customers/{id}", stripe_customers.retrieve),
    ("POST", "/v1/customers/{id}", stripe_customers.update),
    ("DELETE", "/v1/customers/{id}", stripe_customers.delete),
    ("GET", "/v1/customers/{id}/payment_methods", stripe_customers.methods_of),
    ("GET", "/v1/payment_methods", stripe_customers.list_methods),
    ("GET", "/v1/payment_methods/{id}", stripe_methods.retrieve),
    ("POST", "/v1/payment_methods/{id}/attach", stripe_methods.attach_to),
    ("POST", "/v1/payment_methods/{id}/detach", stripe_methods.detach),
    ("GET", "/v1/checkout/sessions", stripe_checkout.listing),
    ("POST", "/v1/checkout/sessions", stripe_checkout.create),
    ("GET", "/v1/checkout/sessions/{id}", stripe_checkout.retrieve),
    ("GET", "/v1/checkout/sessions/{id}/line_items", stripe_checkout.line_items),
    ("POST", "/v1/checkout/sessions/{id}/expire", stripe_checkout.expire_by_api),
    (
        "GET",
        "/v1/payment_intents",
        lister("payment_intent", "/v1/payment_intents", {"customer": "customer"}),
    ),
    ("POST", "/v1/payment_intents", stripe_intents.create),
    ("GET", "/v1/payment_intents/search", stripe_intents.search),
    ("GET", "/v1/payment_intents/{id}", stripe_intents.retrieve),
    ("POST", "/v1/payment_intents/{id}", stripe_intents.update),
    ("POST", "/v1/payment_intents/{id}/confirm", stripe_intents.confirm_intent),
    ("POST", "/v1/payment_intents/{id}/cancel", stripe_intents.cancel),
    ("POST", "/v1/setup_intents", stripe_setups.create),
    ("GET", "/v1/setup_intents/{id}", stripe_setups.retrieve),
    ("GET", "/v1/charges", lister("charge", "/v1/charges", _CHARGE_FILTERS)),
    ("GET", "/v1/charges/{id}", stripe_intents.retrieve_charge),
    ("GET", "/v1/refunds", lister("refund", "/v1/refunds", _REFUND_FILTERS)),
    ("POST", "/v1/refunds", stripe_refunds.create),
    ("GET", "/v1/refunds/{id}", stripe_refunds.retrieve),
    ("GET", "/v1/disputes", lister("dispute", "/v1/disputes", _REFUND_FILTERS)),
    ("GET", "/v1/disputes/{id}", stripe_disputes.retrieve),
    ("POST", "/v1/products", stripe_prices.create_product),
    ("GET", "/v1/products/{id}", stripe_prices.retrieve_product),
    ("POST", "/v1/prices", stripe_prices.create_price),
    ("GET", "/v1/prices/{id}", stripe_prices.retrieve_price),
    (
        "GET",
        "/v1/subscriptions",
        lister("subscription", "/v1/subscriptions", _SUBSCRIPTION_FILTERS),
    ),
    ("POST", "/v1/subscriptions", stripe_subscriptions.create),
    ("GET", "/v1/subscriptions/{id}", stripe_subscriptions.retrieve),
    ("POST", "/v1/subscriptions/{id}", stripe_plan_changes.update),
    ("DELETE", "/v1/subscriptions/{id}", stripe_subscriptions.cancel),
    ("GET", "/v1/invoices", stripe_billing.listing),
    ("GET", "/v1/invoices/{id}", stripe_billing.retrieve),
    ("POST", "/v1/invoices/{id}/pay", stripe_billing.pay_by_api),
    ("GET", "/v1/invoice_payments", stripe_billing.list_payments),
    ("GET", "/v1/events", stripe_log.listing),
    ("GET", "/v1/events/{id}", stripe_log.retrieve),
    ("GET", "/v2/core/events/{id}", stripe_log.retrieve_thin),
]
"""Method, path, handler: the whole API of the played Stripe."""
