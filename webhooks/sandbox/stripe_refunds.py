"""Money given back, by the API or in Stripe's own dashboard."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, invalid, missing
from webhooks.sandbox.stripe_forms import Params

_STANDING = ("succeeded", "pending")


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/refunds for a charge or a PaymentIntent, whole or in part."""
    charge = _charge_of(account, params.text("charge"), params.text("payment_intent"))
    return give_back(
        account,
        charge,
        params.integer("amount"),
        reason=params.text("reason"),
        metadata=params.metadata(),
    )


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/refunds/{id}"""
    return account.fetch("refund", key)


def refund_in_dashboard(account: StripeAccount, wanted: Document) -> Document:
    """Refund ``payment_intent`` or ``charge``; ``amount`` in minor units, all that is left without
    one; ``pending``: the money is on its way until the refund is settled."""
    charge = _charge_of(account, wanted.get("charge"), wanted.get("payment_intent"))
    return give_back(
        account,
        charge,
        wanted.get("amount"),
        reason=wanted.get("reason"),
        pending=bool(wanted.get("pending")),
    )


def give_back(
    account: StripeAccount,
    charge: Document,
    amount: int | None,
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    pending: bool = False,
) -> Document:
    """Refund a charge. Raises ``charge_disputed``, ``charge_already_refunded``, or a plain
    refusal for more than what is left."""
    _check(account, charge, amount)
    refund = account.new(
        "re",
        customer=charge["customer"],
        customer_account=None,
        payment_method=charge["payment_method"],
        amount=charge["amount"] - charge["amount_refunded"] if amount is None else amount,
        balance_transaction=account.store.new_id("txn"),
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"card": {"type": "refund"}, "type": "card"},
        metadata=metadata or {},
        payment_intent=charge["payment_intent"],
        reason=reason,
        receipt_number=None,
        source_transfer_reversal=None,
        status="pending" if pending else "succeeded",
        transfer_reversal=None,
    )
    del refund["livemode"]  # The one object that does not say so.
    account.save(refund, "refund.created")
    _recount(account, charge["id"], "charge.refunded")
    if not pending:
        # The bank's reference arrives a moment later and changes the refund once more.
        account.save(_referenced(refund), "refund.updated", "charge.refund.updated")
    return account.fetch("refund", refund["id"])


def settle(account: StripeAccount, key: str, outcome: str) -> Document:
    """Finish a pending refund: ``succeeded`` or ``failed`` (the money comes back to us)."""
    refund = account.fetch("refund", key)
    if outcome not in ("succeeded", "failed"):
        raise invalid("outcome", "outcome must be succeeded or failed")
    if outcome == "succeeded":
        done = _referenced({**refund, "status": "succeeded"})
        return account.save(done, "refund.updated", "charge.refund.updated")
    failed = {**refund, "status": "failed", "failure_reason": "expired_or_canceled_card"}
    account.save(failed, "refund.updated", "refund.failed", "charge.refund.updated")
    _recount(account, refund["charge"], "charge.updated")
    return failed


def _charge_of(account: StripeAccount, charge: str | None, intent: str | None) -> Document:
    if charge is not None:
        return account.fetch("charge", charge, "charge")
    if intent is None:
        raise missing("payment_intent")
    latest = account.fetch("payment_intent", intent, "payment_intent")["latest_charge"]
    if latest is None:
        raise StripeError(
            f"This PaymentIntent ({intent}) does not have a successful charge to refund."
        )
    return account.fetch("charge", latest)


def _check(account: StripeAccount, charge: Document, amount: int | None) -> None:
    if charge["status"] != "succeeded":
        raise StripeError(f"Charge {charge['id']} has not succeeded and cannot be refunded.")
    for dispute in account.find("dispute", charge=charge["id"]):
        if not dispute["is_charge_refundable"]:
            raise StripeError(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                code="charge_disputed",
            )
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded")
    if amount is not None and amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise StripeError(message, param="amount")
    if amount is not None and amount <= 0:
        message = "This value must be greater than or equal to 1."
        raise invalid("amount", message, "parameter_invalid_integer")


def _recount(account: StripeAccount, charge_id: str, event: str) -> None:
    charge = account.fetch("charge", charge_id)
    standing = [r for r in account.find("refund", charge=charge_id) if r["status"] in _STANDING]
    total = sum(refund["amount"] for refund in standing)
    counted = {**charge, "amount_refunded": total, "refunded": total == charge["amount"]}
    account.save(counted, event)


def _referenced(refund: Document) -> Document:
    card = {
        "reference": "7942810026347154",
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {**refund, "destination_details": {"card": card, "type": "card"}}
