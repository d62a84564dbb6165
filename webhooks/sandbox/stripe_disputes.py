"""Disputes: a bank takes money back, or asks (https://docs.stripe.com/disputes)."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, invalid
from webhooks.sandbox.stripe_forms import Params

_OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
_OUTCOMES = ("won", "lost", "warning_closed")
_DAYS_TO_ANSWER = 20
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "product_description",
    "receipt",
    "refund_policy",
    "service_date",
    "uncategorized_text",
)


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/disputes/{id}"""
    return account.fetch("dispute", key)


def open_dispute(account: StripeAccount, wanted: Document) -> Document:
    """The cardholder disputes ``payment_intent``: ``reason`` (``fraudulent``), ``amount`` (all),
    ``inquiry`` (the bank only asks; no money is withdrawn yet)."""
    intent = account.fetch("payment_intent", str(wanted.get("payment_intent")), "payment_intent")
    charge = account.get("charge", intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        raise StripeError(f"PaymentIntent {intent['id']} has no successful charge to dispute.")
    if charge["disputed"]:
        raise StripeError(f"Charge {charge['id']} is disputed already.")
    dispute = _new(account, charge, wanted)
    account.save({**charge, "disputed": True})
    account.save(dispute, "charge.dispute.created")
    if not wanted.get("inquiry"):
        withdrawn = {**dispute, "balance_transactions": [_moved(account, -dispute["amount"])]}
        dispute = account.save(withdrawn, "charge.dispute.funds_withdrawn")
    return dispute


def close(account: StripeAccount, key: str, outcome: str) -> Document:
    """The bank decides: ``won``, ``lost``, or ``warning_closed`` for an inquiry."""
    dispute = account.fetch("dispute", key)
    if outcome not in _OUTCOMES:
        raise invalid("outcome", f"outcome must be one of {', '.join(_OUTCOMES)}")
    if dispute["status"] not in _OPEN:
        raise StripeError(f"Dispute {key} is closed already: {dispute['status']}.")
    closed = {**dispute, "status": outcome, "is_charge_refundable": outcome != "lost"}
    if outcome == "won" and dispute["balance_transactions"]:
        moved = [*dispute["balance_transactions"], _moved(account, dispute["amount"])]
        closed["balance_transactions"] = moved
        account.save(closed, "charge.dispute.closed", "charge.dispute.funds_reinstated")
    else:
        account.save(closed, "charge.dispute.closed")
    return closed


def _new(account: StripeAccount, charge: Document, wanted: Document) -> Document:
    inquiry = bool(wanted.get("inquiry"))
    card = charge["payment_method_details"].get("card", {})
    return account.new(
        "du",
        amount=wanted.get("amount") or charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=dict.fromkeys(_EVIDENCE),
        evidence_details={
            "due_by": account.now() + _DAYS_TO_ANSWER * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=inquiry,
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": card.get("brand", "visa"),
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason=wanted.get("reason") or "fraudulent",
        status="warning_needs_response" if inquiry else "needs_response",
    )


def _moved(account: StripeAccount, amount: int) -> Document:
    return {
        "id": account.store.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "created": account.now(),
        "type": "adjustment",
    }
