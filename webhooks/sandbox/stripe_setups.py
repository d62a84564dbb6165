"""SetupIntents: a method is saved for later without paying."""

from __future__ import annotations

from webhooks.sandbox import stripe_cards as cards
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import card_error
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_methods import attach, living_customer, resolve


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/setup_intents. Raises a card error for a method that is refused."""
    customer = params.text("customer")
    if customer:
        living_customer(account, customer, "customer")
    intent = open_setup(account, customer, params.metadata())
    if method := params.text("payment_method"):
        intent = account.save({**intent, "payment_method": resolve(account, method)["id"]})
    if params.flag("confirm") and intent["payment_method"]:
        intent = confirm(account, intent)
        if intent["last_setup_error"]:
            raise card_error(intent["last_setup_error"], intent)
    return intent


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/setup_intents/{id}"""
    return account.fetch("setup_intent", key)


def open_setup(account: StripeAccount, customer: str | None, metadata: dict[str, str]) -> Document:
    """Keep a new SetupIntent and tell of it."""
    intent = account.new(
        "seti",
        allowed_payment_method_types=["card"],
        application=None,
        automatic_payment_methods=None,
        cancellation_reason=None,
        customer=customer,
        description=None,
        flow_directions=None,
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=metadata,
        next_action=None,
        payment_method=None,
        payment_method_options={},
        payment_method_types=["card"],
        single_use_mandate=None,
        status="requires_payment_method",
        usage="off_session",
    )
    intent["client_secret"] = f"{intent['id']}_secret_{account.store.letters(25)}"
    return account.save(intent, "setup_intent.created")


def confirm(account: StripeAccount, intent: Document) -> Document:
    """Save the intent's method with its customer, or tell why not in ``last_setup_error``."""
    method = account.fetch("payment_method", intent["payment_method"])
    # Authentication is done here and now: the customer is present when a method is entered.
    refusal = cards.refusal(method["_behaviour"], off_session=False)
    if refusal is not None:
        return _refuse(account, intent, method, refusal)
    if intent["customer"]:
        attach(account, method, intent["customer"])
    done = {**intent, "status": "succeeded", "last_setup_error": None}
    return account.save(done, "setup_intent.succeeded")


def _refuse(
    account: StripeAccount, intent: Document, method: Document, refusal: cards.Decline
) -> Document:
    problem: Document = {
        "type": "card_error",
        "code": refusal.code,
        "message": refusal.message,
        "payment_method": {k: v for k, v in method.items() if not k.startswith("_")},
    }
    if refusal.decline_code:
        problem["decline_code"] = refusal.decline_code
    failed = {
        **intent,
        "status": "requires_payment_method",
        "payment_method": None,
        "last_setup_error": problem,
    }
    return account.save(failed, "setup_intent.setup_failed")
