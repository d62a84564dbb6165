"""Disputes: a buyer wants the money back, and PayPal decides.

https://developer.paypal.com/docs/api/customer-disputes/v1/
"""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from domain.money import Money
from webhooks.sandbox.paypal_calls import Answer, Call, api_of, endpoint
from webhooks.sandbox.paypal_captures import capture_of
from webhooks.sandbox.paypal_errors import malformed, not_found, refused
from webhooks.sandbox.paypal_events import announce, speaks_v1
from webhooks.sandbox.paypal_ids import dispute_id, transaction_id
from webhooks.sandbox.paypal_sales import sale_of
from webhooks.sandbox.paypal_shapes import (
    Document,
    amount,
    instant,
    instant_with_millis,
    link,
    money_of,
    parse_instant,
)
from webhooks.sandbox.paypal_v1 import risk_dispute
from webhooks.sandbox.world import World

REASON: Final = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"
OUTCOMES: Final = frozenset(
    {
        "RESOLVED_BUYER_FAVOUR",
        "RESOLVED_SELLER_FAVOUR",
        "RESOLVED_WITH_PAYOUT",
        "CANCELED_BY_BUYER",
        "ACCEPTED",
        "DENIED",
        "NONE",
    }
)
_LISTED: Final = (
    "dispute_id",
    "create_time",
    "update_time",
    "status",
    "reason",
    "dispute_state",
    "dispute_amount",
    "links",
)


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    return [
        endpoint(world, "GET", "/v1/customer/disputes", list_disputes),
        endpoint(world, "GET", "/v1/customer/disputes/{id}", show_dispute),
    ]


def list_disputes(call: Call) -> Answer:
    """GET disputes?disputed_transaction_id=: newest first; without it, all of them."""
    wanted = call.query.get("disputed_transaction_id")
    about = {} if wanted is None else {"_payment": wanted}
    found = call.world.store.find("paypal_dispute", **about)[::-1]
    items = [{name: dispute[name] for name in _LISTED} for dispute in found]
    here = link(f"{call.api}/v1/customer/disputes", "self")
    return Answer({"items": items, "links": [here]})


def show_dispute(call: Call) -> Answer:
    """GET disputes/{id}."""
    return Answer(dispute_of(call.world, call.id))


def dispute_of(world: World, key: str) -> Document:
    """The dispute with this id. Raises PayPalError (404) when there is none."""
    dispute = world.store.get("paypal_dispute", key)
    if dispute is None:
        raise not_found()
    return dispute


def open_dispute(world: World, payment: str, reason: str, money: Money | None) -> Document:
    """The buyer of a capture or a sale complains; ``money`` is in dispute (None: the whole)."""
    paid = payment_of(world, payment)
    key, now = dispute_id(world), instant_with_millis(world.now())
    gross = money_of(paid["amount"])
    dispute: Document = {
        "dispute_id": key,
        "create_time": now,
        "update_time": now,
        "disputed_transactions": [_transaction(world, paid, gross)],
        "reason": reason,
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_state": "REQUIRED_ACTION",
        "dispute_amount": amount(money or gross),
        "dispute_life_cycle_stage": "INQUIRY",
        "dispute_channel": "INTERNAL",
        "offer": {},
        "links": [link(f"{api_of(world)}/v1/customer/disputes/{key}", "self")],
        "_payment": payment,
        "_open": True,
    }
    world.store.put("paypal_dispute", key, dispute)
    _say(world, "RISK.DISPUTE.CREATED" if speaks_v1(world) else "CUSTOMER.DISPUTE.CREATED", dispute)
    return dispute


def update_dispute(world: World, dispute: Document, stage: str) -> Document:
    """It goes to the next stage (``CHARGEBACK``, ``ARBITRATION``), and is announced."""
    dispute["dispute_life_cycle_stage"] = stage
    dispute["status"] = "UNDER_REVIEW"
    return _keep_and_say(world, "CUSTOMER.DISPUTE.UPDATED", dispute)


def resolve_dispute(world: World, dispute: Document, outcome: str) -> Document:
    """PayPal decides, or the buyer withdraws. Raises PayPalError for an unknown outcome, or when
    the dispute is over."""
    if outcome not in OUTCOMES:
        raise malformed("/outcome")
    if not dispute["_open"]:
        raise refused("DISPUTE_ALREADY_RESOLVED")
    dispute.update(status="RESOLVED", dispute_state="RESOLVED", _open=False)
    dispute["dispute_outcome"] = {"outcome_code": outcome}
    if outcome == "RESOLVED_BUYER_FAVOUR":
        dispute["dispute_outcome"]["amount_refunded"] = dispute["dispute_amount"]
    return _keep_and_say(world, "CUSTOMER.DISPUTE.RESOLVED", dispute)


def payment_of(world: World, key: str) -> Document:
    """A capture or a sale. Raises PayPalError (404) when it is neither."""
    if world.store.get("paypal_sale", key) is not None:
        return sale_of(world, key)
    return capture_of(world, key)


def _keep_and_say(world: World, event: str, dispute: Document) -> Document:
    dispute["update_time"] = instant_with_millis(world.now())
    world.store.put("paypal_dispute", dispute["dispute_id"], dispute)
    _say(world, event, dispute)
    return dispute


def _say(world: World, event: str, dispute: Document) -> None:
    opened = parse_instant(dispute["create_time"])
    old = event.startswith("RISK.")
    announce(
        world,
        event,
        dispute,
        v1=(lambda: risk_dispute(dispute, opened)) if old else None,
        about=(dispute["dispute_id"], dispute["_payment"]),
    )


def _transaction(world: World, paid: Document, gross: Money) -> Document:
    return {
        "buyer_transaction_id": transaction_id(world),
        "seller_transaction_id": paid["id"],
        "create_time": instant(parse_instant(paid["create_time"])),
        "transaction_status": "COMPLETED",
        "gross_amount": amount(gross),
        "invoice_number": paid.get("invoice_id", paid.get("invoice_number", "")),
        "custom": paid.get("custom_id", paid.get("custom", "")),
        "seller": {"merchant_id": "SANDBOXSELLER", "name": "Billhook Sandbox"},
        "seller_protection_eligible": True,
    }
