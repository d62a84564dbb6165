"""How money moves at the played Stripe: intents are charged, charges succeed, fail or take days.

Every change is told by the events that Stripe sends for it, in the order in which they arise.
"""

from __future__ import annotations

from typing import Any

from webhooks.sandbox import stripe_cards as cards
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError

_SMALLEST = {"czk": 1500, "pln": 200}
_SMALLEST_OF_OTHERS = 50
_LARGEST = 99_999_999


def check_amount(amount: int, currency: str) -> None:
    """Refuse what Stripe refuses (https://docs.stripe.com/currencies#minimum-and-maximum)."""
    smallest = _SMALLEST.get(currency, _SMALLEST_OF_OTHERS)
    if amount < smallest:
        units, rest = divmod(smallest, 100)
        message = f"Amount must be at least {units}.{rest:02} {currency}"
        raise StripeError(message, code="amount_too_small", param="amount", kept=False)
    if amount > _LARGEST:
        message = f"Amount must be no more than {_LARGEST} in the smallest unit of {currency}"
        raise StripeError(message, code="amount_too_large", param="amount", kept=False)


def open_intent(account: StripeAccount, **fields: Any) -> Document:
    """Keep a new PaymentIntent and tell of it. ``fields`` holds amount and currency, and what
    else is known."""
    intent = account.new("pi", **{**_UNSAID, **fields})
    intent["client_secret"] = f"{intent['id']}_secret_{account.store.letters(25)}"
    chosen = intent["payment_method"] is not None
    intent["status"] = "requires_confirmation" if chosen else "requires_payment_method"
    return account.save(intent, "payment_intent.created")


_UNSAID: Document = {
    "allowed_payment_method_types": ["card"],
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "application": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "confirmation_method": "automatic",
    "customer_account": None,
    "last_payment_error": None,
    "latest_charge": None,
    "next_action": None,
    "payment_method_options": {},
    "processing": None,
    "review": None,
    "shipping": None,
    "statement_descriptor": None,
    "customer": None,
    "description": None,
    "metadata": {},
    "payment_method": None,
    "payment_method_types": ["card"],
    "receipt_email": None,
    "setup_future_usage": None,
    "statement_descriptor_suffix": None,
    "_invoice": None,
}


def confirm(
    account: StripeAccount, intent: Document, *, off_session: bool, refused: str | None = None
) -> Document:
    """Charge the intent's method and return the intent as it is then: ``succeeded``,
    ``processing``, ``requires_action``, or ``requires_payment_method`` with the reason in
    ``last_payment_error``. ``refused`` is the code of a decline that is to happen anyway."""
    method = account.fetch("payment_method", intent["payment_method"])
    behaviour = method["_behaviour"]
    refusal = cards.refusal(behaviour, off_session=off_session)
    if fault := account.world.faults.take("decline", provider="stripe"):
        refused = fault.code
    if refused is not None:
        refusal = cards.decline(refused)
    if refusal is not None:
        return _refuse(account, intent, method, refusal)
    if behaviour == cards.AUTHENTICATES:
        return _ask_customer(account, intent)
    if behaviour == cards.DELAYED:
        return _begin_transfer(account, intent, method)
    charge = _charge(account, intent, method, status="succeeded")
    return _succeed(account, intent, charge)


def authenticate(account: StripeAccount, intent: Document) -> Document:
    """The customer proves to be the card's holder: an intent in ``requires_action`` goes on."""
    method = account.fetch("payment_method", intent["payment_method"])
    charge = _charge(account, intent, method, status="succeeded")
    return _succeed(account, intent, charge)


def settle(account: StripeAccount, intent: Document, refusal: str | None = None) -> Document:
    """Finish an intent that is ``processing``; ``refusal`` is the code with which it fails."""
    if intent["status"] != "processing":
        raise StripeError(f"PaymentIntent {intent['id']} is {intent['status']}, not processing.")
    charge = account.fetch("charge", intent["latest_charge"])
    method = account.fetch("payment_method", intent["payment_method"])
    if refusal is not None:
        return _refuse(account, intent, method, cards.decline(refusal), charge)
    return _succeed(account, intent, {**charge, "status": "succeeded"})


def _succeed(account: StripeAccount, intent: Document, charge: Document) -> Document:
    charge = {**charge, "paid": True, "captured": True, "amount_captured": charge["amount"]}
    account.save(charge, "charge.succeeded")
    paid = {
        **intent,
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
        "processing": None,
    }
    account.save(paid, "payment_intent.succeeded")
    # The ledger entry follows the charge, and Stripe tells of it by an event of its own.
    balance = account.store.new_id("txn")
    account.save({**charge, "balance_transaction": balance}, "charge.updated")
    return paid


def _refuse(
    account: StripeAccount,
    intent: Document,
    method: Document,
    refusal: cards.Decline,
    charge: Document | None = None,
) -> Document:
    if charge is None:
        charge = _charge(account, intent, method, status="failed")
    charge = {**charge, "status": "failed", "paid": False, **_failure(refusal)}
    account.save(charge, "charge.failed")
    failed = {
        **intent,
        "status": "requires_payment_method",
        "latest_charge": charge["id"],
        "payment_method": None,
        "last_payment_error": _problem(refusal, charge, method),
        "next_action": None,
        "processing": None,
    }
    return account.save(failed, "payment_intent.payment_failed")


def _ask_customer(account: StripeAccount, intent: Document) -> Document:
    asked = {
        **intent,
        "status": "requires_action",
        "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure"}},
    }
    return account.save(asked, "payment_intent.requires_action")


def _begin_transfer(account: StripeAccount, intent: Document, method: Document) -> Document:
    charge = _charge(account, intent, method, status="pending")
    account.save(charge, "charge.pending")
    begun = {
        **intent,
        "status": "processing",
        "latest_charge": charge["id"],
        "processing": {"type": method["type"]},
    }
    return account.save(begun, "payment_intent.processing")


def _charge(account: StripeAccount, intent: Document, method: Document, *, status: str) -> Document:
    charge = account.new(
        "ch",
        **_QUIET,
        amount=intent["amount"],
        billing_details=method["billing_details"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=intent["metadata"],
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_details(method),
        receipt_email=intent["receipt_email"],
        status=status,
        _invoice=intent["_invoice"],
    )
    charge["receipt_url"] = f"{account.world.base_url}/sandbox/receipts/{charge['id']}"
    return charge


_OUTCOME: Document = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}

_QUIET: Document = {
    "amount_captured": 0,
    "amount_refunded": 0,
    "application": None,
    "balance_transaction": None,
    "calculated_statement_descriptor": "BILLHOOK SANDBOX",
    "captured": False,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "outcome": _OUTCOME,
    "paid": False,
    "receipt_number": None,
    "refunded": False,
    "review": None,
    "shipping": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "transfer_group": None,
}


def _details(method: Document) -> Document:
    kind = method["type"]
    told = {k: v for k, v in method[kind].items() if k not in _NOT_ON_A_CHARGE}
    if kind == "card":
        told |= {"network": told["brand"], "installments": None, "mandate": None}
        told |= {"three_d_secure": None}
    return {"type": kind, kind: told}


_NOT_ON_A_CHARGE = {"generated_from", "networks", "three_d_secure_usage", "display_brand"}


def _failure(refusal: cards.Decline) -> Document:
    return {
        "failure_code": refusal.code,
        "failure_message": refusal.message,
        "outcome": {
            **_OUTCOME,
            "network_status": "declined_by_network",
            "reason": refusal.reason,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        },
    }


def _problem(refusal: cards.Decline, charge: Document, method: Document) -> Document:
    problem = {
        "type": "card_error",
        "code": refusal.code,
        "decline_code": refusal.decline_code,
        "message": refusal.message,
        "charge": charge["id"],
        "doc_url": f"https://docs.stripe.com/error-codes#{refusal.code.replace('_', '-')}",
        "payment_method": {k: v for k, v in method.items() if not k.startswith("_")},
    }
    return {name: value for name, value in problem.items() if value is not None}
