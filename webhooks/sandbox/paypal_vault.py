"""Saved payment methods (vault v3): setup tokens, payment tokens, and what befalls them.

https://developer.paypal.com/docs/api/payment-tokens/v3/
"""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from webhooks.sandbox.paypal_calls import Answer, Call, api_of, endpoint
from webhooks.sandbox.paypal_errors import missing, not_found, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import customer_id, payer_id, token_id, transaction_id
from webhooks.sandbox.paypal_shapes import Document, instant, link
from webhooks.sandbox.world import World

BUYER: Document = {
    "name": {"given_name": "Jana", "surname": "Novak"},
    "email_address": "buyer@example.com",
    "address": {"country_code": "CZ"},
}
"""Who pays when nobody in particular was named."""


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    setup, payment = "/v3/vault/setup-tokens", "/v3/vault/payment-tokens"
    return [
        endpoint(world, "POST", setup, create_setup_token),
        endpoint(world, "GET", setup + "/{id}", show_setup_token),
        endpoint(world, "POST", payment, create_payment_token),
        endpoint(world, "GET", payment, list_payment_tokens),
        endpoint(world, "GET", payment + "/{id}", show_payment_token),
        endpoint(world, "DELETE", payment + "/{id}", delete_payment_token),
    ]


def create_setup_token(call: Call) -> Answer:
    """POST setup-tokens: the payer has to approve it on PayPal's page."""
    wallet = _wallet(call.document)
    context = wallet.get("experience_context", {})
    key = transaction_id(call.world)
    customer = call.document.get("customer") or {}
    here = f"{call.api}/v3/vault/setup-tokens/{key}"
    page = f"{call.world.base_url}/sandbox/paypal/approve?approval_session_id={key}"
    token: Document = {
        "id": key,
        "customer": {"id": customer_id(call.world), **customer},
        "status": "PAYER_ACTION_REQUIRED",
        "payment_source": {
            "paypal": {k: v for k, v in wallet.items() if k != "experience_context"}
        },
        "links": [link(here, "self"), link(page, "approve")],
        "_return_url": context.get("return_url"),
        "_cancel_url": context.get("cancel_url"),
    }
    call.world.store.put("paypal_setup_token", key, token)
    return Answer(token, 201)


def show_setup_token(call: Call) -> Answer:
    """GET setup-tokens/{id}."""
    return Answer(setup_token_of(call.world, call.id))


def create_payment_token(call: Call) -> Answer:
    """POST payment-tokens: exchanges an approved setup token, once."""
    named = (call.document.get("payment_source") or {}).get("token") or {}
    if named.get("type") != "SETUP_TOKEN" or "id" not in named:
        raise missing("/payment_source/token")
    setup = call.world.store.get("paypal_setup_token", str(named["id"]))
    if setup is None:
        raise refused("TOKEN_ID_NOT_FOUND", field="/payment_source/token/id")
    if setup["status"] == "VAULTED":
        raise refused("SETUP_TOKEN_ALREADY_TOKENIZED")
    if setup["status"] != "APPROVED":
        raise refused("PAYER_ACTION_REQUIRED", links=setup["links"])
    customer = {**setup["customer"], **(call.document.get("customer") or {})}
    token = store_token(call.world, customer, setup["payment_source"]["paypal"])
    call.world.store.put("paypal_setup_token", setup["id"], {**setup, "status": "VAULTED"})
    return Answer(token, 201)


def list_payment_tokens(call: Call) -> Answer:
    """GET payment-tokens?customer_id=: those of one customer."""
    customer = call.query.get("customer_id")
    if customer is None:
        raise missing("/customer_id")
    tokens = call.world.store.find("paypal_payment_token", _customer=customer)
    here = f"{call.api}/v3/vault/payment-tokens?customer_id={customer}"
    return Answer(
        {
            "customer": {"id": customer},
            "payment_tokens": tokens,
            "total_items": len(tokens),
            "total_pages": 1,
            "links": [link(here, "self")],
        }
    )


def show_payment_token(call: Call) -> Answer:
    """GET payment-tokens/{id}."""
    return Answer(payment_token_of(call.world, call.id))


def delete_payment_token(call: Call) -> Answer:
    """DELETE payment-tokens/{id}."""
    forget_token(call.world, payment_token_of(call.world, call.id))
    return Answer(None, 204)


def setup_token_of(world: World, key: str) -> Document:
    """The setup token with this id. Raises PayPalError (404) when there is none."""
    token = world.store.get("paypal_setup_token", key)
    if token is None:
        raise not_found()
    return token


def payment_token_of(world: World, key: str) -> Document:
    """The payment token with this id. Raises PayPalError (404) when there is none."""
    token = world.store.get("paypal_payment_token", key)
    if token is None:
        raise not_found()
    return token


def approve_setup_token(world: World, key: str, payer: Document) -> Document:
    """What the payer does on PayPal's page; returns the token, now to be exchanged."""
    token = setup_token_of(world, key)
    if token["status"] != "PAYER_ACTION_REQUIRED":
        raise refused("SETUP_TOKEN_ALREADY_TOKENIZED")
    token["status"] = "APPROVED"
    token["payment_source"]["paypal"].update(wallet_of(world, payer))
    world.store.put("paypal_setup_token", key, token)
    return token


def store_token(
    world: World, customer: Document, wallet: Document, *, order: str | None = None
) -> Document:
    """Save a payment method and announce it; ``order`` is the purchase that it was saved with."""
    key = token_id(world)
    here = f"{api_of(world)}/v3/vault/payment-tokens/{key}"
    token: Document = {
        "id": key,
        "customer": customer,
        "payment_source": {"paypal": wallet},
        "links": [link(here, "self"), link(here, "delete", "DELETE")],
        "_customer": customer["id"],
        "_behaviour": "accept",
    }
    if order is not None:
        token["metadata"] = {"order_id": order}
        token["links"].append(link(f"{api_of(world)}/v2/checkout/orders/{order}", "up"))
    world.store.put("paypal_payment_token", key, token)
    _announce(world, "VAULT.PAYMENT-TOKEN.CREATED", token)
    return token


def forget_token(world: World, token: Document) -> None:
    """Delete a payment method, as we ask for or as the payer does in their PayPal account."""
    _announce(world, "VAULT.PAYMENT-TOKEN.DELETION-INITIATED", token)
    world.store.delete("paypal_payment_token", token["id"])
    _announce(world, "VAULT.PAYMENT-TOKEN.DELETED", token)


def wallet_of(world: World, payer: Document) -> Document:
    """The buyer's account as payment sources show it."""
    return {
        "email_address": payer.get("email_address", BUYER["email_address"]),
        "payer_id": payer.get("payer_id") or payer_id(world),
    }


def _announce(world: World, event_type: str, token: Document) -> None:
    now = instant(world.now())
    announce(world, event_type, {"create_time": now, "update_time": now, **token})


def _wallet(document: Document) -> dict[str, Any]:
    wallet = (document.get("payment_source") or {}).get("paypal")
    if not isinstance(wallet, dict):
        raise missing("/payment_source/paypal")
    return {"usage_type": "MERCHANT", "customer_type": "CONSUMER", **wallet}
