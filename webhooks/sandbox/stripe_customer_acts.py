"""What a customer does on the payment page: pays, fails to, or gives a method to be saved."""

from __future__ import annotations

from webhooks.sandbox import stripe_cards as cards
from webhooks.sandbox import stripe_payments, stripe_setups
from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_checkout import current
from webhooks.sandbox.stripe_errors import StripeError, card_error
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_methods import attach, new_bank_account, new_card, new_customer
from webhooks.sandbox.stripe_subscriptions import begin, bill, end


def complete(account: StripeAccount, key: str, wanted: Document) -> Document:
    """Pay an open session, as ``wanted`` says: ``card`` (``visa``, ``declined``, a decline code),
    ``delayed`` (a bank debit whose money comes when it is settled), ``force`` (a blocked brand
    gets through all the same).

    Raises a card error when the payment is refused; the session stays open then, as it does for
    a person who may try another card.
    """
    session = current(account, key)
    if session["status"] != "open":
        raise StripeError(f"Checkout session {key} is {session['status']}: it cannot be paid.")
    card = cards.card_called(str(wanted.get("card") or "visa"))
    delayed = bool(wanted.get("delayed"))
    if not (delayed or wanted.get("force")):
        _check_brand(session, card)
    session = _with_customer(account, session)
    email = _email(account, session)
    method = new_bank_account(account, email) if delayed else new_card(account, card, email)
    return _BY_MODE[session["mode"]](account, session, method)


def settle(account: StripeAccount, key: str, failure: str | None) -> Document:
    """The money of a delayed payment arrives, or fails with the code ``failure``."""
    session = account.fetch("checkout.session", key)
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        raise StripeError(f"Checkout session {key} waits for no delayed payment.")
    intent = account.fetch("payment_intent", session["payment_intent"])
    stripe_payments.settle(account, intent, failure)
    if failure is not None:
        return account.save(session, "checkout.session.async_payment_failed")
    paid = {**session, "payment_status": "paid"}
    return account.save(paid, "checkout.session.async_payment_succeeded")


def _pay_once(account: StripeAccount, session: Document, method: Document) -> Document:
    if not session["amount_total"]:
        return _finish(account, session, payment_status="no_payment_required")
    wanted = Params(session["_wanted"]).table("payment_intent_data")
    saving = wanted.text("setup_future_usage")
    intent = _intent(account, session, wanted, saving)
    intent = account.save({**intent, "payment_method": method["id"]})
    tried = stripe_payments.confirm(account, intent, off_session=False)
    if tried["status"] == "requires_payment_method":
        raise card_error(tried["last_payment_error"], tried)
    if tried["status"] == "requires_action":
        tried = stripe_payments.authenticate(account, tried)
    if saving and session["customer"]:
        attach(account, method, session["customer"])
    paid = "paid" if tried["status"] == "succeeded" else "unpaid"
    return _finish(account, session, payment_intent=tried["id"], payment_status=paid)


def _intent(
    account: StripeAccount, session: Document, wanted: Params, saving: str | None
) -> Document:
    """The session's PaymentIntent: a further try after a refusal uses the same one."""
    found = account.get("payment_intent", session.get("_intent"))
    if found is not None:
        return found
    intent = stripe_payments.open_intent(
        account,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        description=wanted.text("description"),
        metadata=wanted.metadata(),
        receipt_email=wanted.text("receipt_email"),
        setup_future_usage=saving,
        allowed_payment_method_types=session["payment_method_types"],
        payment_method_types=session["payment_method_types"],
    )
    account.save({**session, "_intent": intent["id"]})
    return intent


def _save_method(account: StripeAccount, session: Document, method: Document) -> Document:
    wanted = Params(session["_wanted"]).table("setup_intent_data")
    setup = stripe_setups.open_setup(account, session["customer"], wanted.metadata())
    setup = stripe_setups.confirm(account, {**setup, "payment_method": method["id"]})
    if setup["status"] != "succeeded":
        raise card_error(setup["last_setup_error"], setup)
    return _finish(account, session, setup_intent=setup["id"], payment_status="no_payment_required")


def _subscribe(account: StripeAccount, session: Document, method: Document) -> Document:
    if method["_behaviour"] == cards.DELAYED:
        raise StripeError("Delayed methods are played for single payments only.")
    refusal = cards.refusal(method["_behaviour"], off_session=False)
    if refusal is not None:
        raise card_error({"message": refusal.message, **_codes(refusal)})
    attach(account, method, session["customer"])
    wanted = Params(session["_wanted"]).table("subscription_data")
    recurring = [line for line in session["_lines"] if line["price"]["recurring"]]
    subscription = begin(
        account,
        session["customer"],
        [(line["price"], line["quantity"]) for line in recurring],
        method=method["id"],
        metadata=wanted.metadata(),
    )
    invoice = bill(account, subscription, "subscription_create", method=method["id"], present=True)
    intent = account.get("payment_intent", invoice["_payment_intent"])
    if intent is not None and intent["status"] != "succeeded":
        end(account, account.fetch("subscription", subscription["id"]), "payment_failed")
        raise card_error(intent["last_payment_error"] or _UNFINISHED, intent)
    return _finish(
        account,
        session,
        subscription=subscription["id"],
        invoice=invoice["id"],
        payment_status="paid" if intent else "no_payment_required",
    )


_UNFINISHED: Document = {"code": "processing_error", "message": "The payment is not complete."}

_BY_MODE = {"payment": _pay_once, "setup": _save_method, "subscription": _subscribe}


def _codes(refusal: cards.Decline) -> Document:
    return {"code": refusal.code, "decline_code": refusal.decline_code}


def _finish(account: StripeAccount, session: Document, **outcome: object) -> Document:
    details: Document = {
        "address": None,
        "email": _email(account, session),
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    done = {**session, **outcome, "status": "complete", "url": None, "customer_details": details}
    return account.save(done, "checkout.session.completed")


_BLOCKED_AS = {
    "amex": "american_express",
    "diners": "discover_global_network",
    "discover": "discover_global_network",
    "jcb": "discover_global_network",
    "unionpay": "discover_global_network",
}
"""Brands by their name in ``brands_blocked``, where it is not the one on a card."""


def _check_brand(session: Document, card: cards.Card) -> None:
    options = session["payment_method_options"].get("card", {})
    blocked = options.get("restrictions", {}).get("brands_blocked", [])
    if _BLOCKED_AS.get(card.brand, card.brand) in blocked:
        raise StripeError(
            f"Cards of the brand {card.brand} are not accepted here.",
            status=402,
            family="card_error",
            code="card_not_supported",
        )


def _with_customer(account: StripeAccount, session: Document) -> Document:
    """The session with a customer, where its completion needs one."""
    data = Params(session["_wanted"]).table("payment_intent_data")
    needed = (
        session["mode"] == "subscription"
        or session["customer_creation"] == "always"
        or data.text("setup_future_usage") is not None
    )
    if session["customer"] is not None or not needed:
        return session
    customer = new_customer(account, email=_email(account, session))
    account.save(customer, "customer.created")
    return account.save({**session, "customer": customer["id"]})


def _email(account: StripeAccount, session: Document) -> str:
    customer = account.get("customer", session["customer"]) or {}
    return str(customer.get("email") or session["customer_email"] or "customer@example.com")
