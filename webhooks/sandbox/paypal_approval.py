"""What a buyer does with an order on PayPal's page: approves it, or walks away."""

from __future__ import annotations

from urllib.parse import urlencode

from webhooks.sandbox.paypal_errors import ISSUES, malformed, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_order_documents import keep, order_of, whole
from webhooks.sandbox.paypal_payment import OUTCOMES
from webhooks.sandbox.paypal_shapes import Document
from webhooks.sandbox.paypal_vault import BUYER, wallet_of
from webhooks.sandbox.world import World


def approve_order(
    world: World,
    key: str,
    payer: Document,
    *,
    vault: bool | str = True,
    outcome: str = "COMPLETED",
) -> Document:
    """The order becomes APPROVED, which is announced and is not money.

    ``vault``: whether the method may be saved, if the order asks for it; ``"later"`` saves it so
    that only the event names the token. ``outcome`` is the status of the capture to come, or the
    issue that will refuse it. Raises PayPalError when it is approved or over already.
    """
    order = order_of(world, key)
    if order["status"] not in {"CREATED", "PAYER_ACTION_REQUIRED"}:
        raise refused("ORDER_CANNOT_BE_APPROVED")
    if outcome not in OUTCOMES and outcome not in ISSUES:
        raise malformed("/capture")
    known = {**BUYER, **payer}
    known.update(wallet_of(world, payer))
    order.update(status="APPROVED", payer=known, _vault=vault, _outcome=outcome)
    order["payment_source"] = {"paypal": _source(known)}
    keep(world, order)
    announce(world, "CHECKOUT.ORDER.APPROVED", whole(world, order))
    return order


def cancel_order(world: World, key: str) -> Document:
    """The buyer leaves without approving: nothing changes and nothing is announced, they may come
    back. An approval not captured yet is taken back, and that is announced."""
    order = order_of(world, key)
    if order["status"] == "COMPLETED":
        raise refused("ORDER_CANNOT_BE_APPROVED")
    if order["status"] == "APPROVED":
        order["status"] = "VOIDED"
        keep(world, order)
        announce(world, "CHECKOUT.PAYMENT-APPROVAL.REVERSED", _reversal(order))
    return order


def with_query(url: str | None, **query: str) -> str | None:
    """An address with these parameters added to its own."""
    if not url or not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _source(payer: Document) -> Document:
    return {
        "email_address": payer["email_address"],
        "account_id": payer["payer_id"],
        "account_status": "VERIFIED",
        "name": payer["name"],
        "address": payer["address"],
    }


def _reversal(order: Document) -> Document:
    """https://developer.paypal.com/docs/checkout/apm/reference/subscribe-to-webhooks/"""
    return {
        "id": order["id"],
        "order_id": order["id"],
        "purchase_units": order["purchase_units"],
        "payment_source": order["payment_source"],
    }
