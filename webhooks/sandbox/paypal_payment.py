"""How the money of an order is taken: captured, authorized, or charged to a saved method."""

from __future__ import annotations

from typing import Final

from webhooks.sandbox.paypal_authorizations import reserve
from webhooks.sandbox.paypal_calls import api_of
from webhooks.sandbox.paypal_captures import take
from webhooks.sandbox.paypal_errors import ISSUES, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import customer_id
from webhooks.sandbox.paypal_order_documents import approval_page, whole
from webhooks.sandbox.paypal_shapes import Document, link
from webhooks.sandbox.paypal_vault import store_token
from webhooks.sandbox.world import World

OUTCOMES: Final = frozenset({"COMPLETED", "PENDING", "DECLINED"})
"""With what status a capture is made; an issue in its place refuses the charge with 422."""

BEHAVIOURS: Final = {
    "accept": "COMPLETED",
    "pending": "PENDING",
    "decline": "INSTRUMENT_DECLINED",
    "payer_action": "PAYER_ACTION_REQUIRED",
}
"""How a saved method behaves when it is charged → the outcome."""


def capture_units(world: World, order: Document, declined: str | None) -> Document:
    """Capture every unit of an approved order, and save the method if that was asked for.

    Raises PayPalError (422) when the charge is refused; the order then stays approved, so that
    the payer can choose another means: https://developer.paypal.com/api/handle-payment-failures
    """
    outcome = _outcome(world, order, declined)
    for unit in order["purchase_units"]:
        capture = take(world, order, unit, outcome)
        unit["_captures"] = [*unit.get("_captures", []), capture["id"]]
    return _complete(world, order, outcome)


def authorize_units(world: World, order: Document, declined: str | None) -> Document:
    """Reserve the money of every unit of an approved order. Raises as ``capture_units``."""
    outcome = _outcome(world, order, declined)
    for unit in order["purchase_units"]:
        authorization = reserve(world, order, unit)
        unit["_authorizations"] = [*unit.get("_authorizations", []), authorization["id"]]
    return _complete(world, order, outcome)


def pay_with_token(world: World, order: Document, key: str, declined: str | None) -> Document:
    """Charge a saved method, the payer being absent. Raises PayPalError (422) when the token is
    unknown, was deleted, or is refused; there is no order then."""
    token = world.store.get("paypal_payment_token", key)
    if token is None:
        raise refused("TOKEN_ID_NOT_FOUND", field="/payment_source/paypal/vault_id")
    wallet = token["payment_source"]["paypal"]
    behaviour = token["_behaviour"]
    order["_outcome"] = BEHAVIOURS.get(behaviour, behaviour)
    order["payer"] = {k: wallet[k] for k in ("email_address", "payer_id") if k in wallet}
    vault = {"id": key, "status": "VAULTED", "customer": token["customer"]}
    order["payment_source"] = {"paypal": {**order["payer"], "attributes": {"vault": vault}}}
    if order["intent"] == "CAPTURE":
        return capture_units(world, order, declined)
    return authorize_units(world, order, declined)


def _outcome(world: World, order: Document, declined: str | None) -> str:
    for unit in order["purchase_units"]:
        _refuse_duplicate_invoice(world, unit)
    outcome = str(declined or order["_outcome"])
    if outcome in ISSUES:
        raise refused(outcome, links=[link(approval_page(world, order["id"]), "redirect")])
    return outcome


def _refuse_duplicate_invoice(world: World, unit: Document) -> None:
    """One invoice number is paid once, which is a setting of every PayPal account, on at first."""
    number = unit.get("invoice_id")
    earlier = world.store.find("paypal_capture", invoice_id=number) if number else []
    if any(capture["status"] != "DECLINED" for capture in earlier):
        raise refused("DUPLICATE_INVOICE_ID", field="/purchase_units/0/invoice_id")


def _complete(world: World, order: Document, outcome: str) -> Document:
    order["status"] = "COMPLETED"
    if outcome == "COMPLETED":
        _save_method(world, order)
        announce(world, "CHECKOUT.ORDER.COMPLETED", whole(world, order))
    return order


def _save_method(world: World, order: Document) -> None:
    if order["_wish"].get("store_in_vault") != "ON_SUCCESS" or not order.get("_vault"):
        return
    wallet = order["payment_source"]["paypal"]
    customer = {**order["_customer"]}
    customer.setdefault("id", customer_id(world))
    usage = {k: v for k, v in order["_wish"].items() if k in ("usage_type", "customer_type")}
    saved = {k: order["payer"][k] for k in ("email_address", "payer_id")}
    token = store_token(world, customer, {**saved, **usage}, order=order["id"])
    here = f"{api_of(world)}/v3/vault/payment-tokens/{token['id']}"
    vault: Document = {"status": "APPROVED"}
    if order["_vault"] != "later":
        links = [link(here, "self"), link(here, "delete", "DELETE")]
        vault = {"id": token["id"], "status": "VAULTED", "customer": customer, "links": links}
    wallet["attributes"] = {"vault": vault}
