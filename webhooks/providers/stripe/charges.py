"""Charges of saved cards while the customer is away, and what became of them.

https://docs.stripe.com/payments/save-and-reuse?payment-ui=checkout#charge-saved-payment-method
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import stripe

from domain.facts import Decline
from domain.ports import ChargeOutcome, ChargeRequest
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.declines import decline, decline_of
from webhooks.providers.stripe.methods import method_of_intent
from webhooks.providers.stripe.shapes import ACCOUNT, KEY, ORDER, Document, child, text

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, PaymentIntentListParams

NEWEST: Final = 300
"""How many of the newest PaymentIntents are looked through: what the search does not know yet."""
FOUND: Final = 100

_GONE_PARAMS: Final = frozenset({"customer", "payment_method"})
_MONEY_MOVED: Final = frozenset({"processing", "succeeded"})


def charge_params(request: ChargeRequest) -> PaymentIntentCreateParams:
    """A PaymentIntent that is confirmed at once."""
    params: PaymentIntentCreateParams = {
        "amount": request.total.amount,
        "currency": request.total.currency.lower(),
        "payment_method": request.token,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "description": request.description,
        "metadata": {ORDER: request.order, ACCOUNT: request.account, KEY: request.key},
        "expand": ["latest_charge"],
    }
    if request.customer:
        params["customer"] = request.customer
    return params


def outcome_of(intent: Document) -> ChargeOutcome:
    """What a PaymentIntent with its ``latest_charge`` says of itself.

    Nobody is there to confirm a charge, so one that waits for the customer has failed: the
    customer must come back (``authentication_required``, a hard decline).
    """
    payment, status = shapes.identifier(intent), intent.get("status")
    if status == "succeeded":
        return ChargeOutcome(
            status="succeeded",
            payment=payment,
            amount=shapes.money(intent, "amount_received"),
            method=method_of_intent(intent, child(intent, "latest_charge")),
        )
    amount = shapes.money(intent, "amount")
    if status == "processing":
        return ChargeOutcome(status="pending", payment=payment, amount=amount)
    why = decline_of(child(intent, "last_payment_error"))
    if status in {"requires_action", "requires_confirmation"}:
        why = decline("authentication_required", "The bank asks the customer to confirm.")
    elif status == "canceled":
        why = decline("canceled")
    return ChargeOutcome(status="failed", payment=payment, amount=amount, decline=why)


def outcome_of_decline(error: stripe.CardError) -> ChargeOutcome:
    """A refused charge, told by an error that holds the PaymentIntent."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    problem = child(body, "error")
    intent = child(problem, "payment_intent")
    return ChargeOutcome(
        status="failed",
        payment=text(intent, "id"),
        amount=shapes.money(intent, "amount") if intent else None,
        decline=decline_of(problem),
    )


def outcome_of_refusal(error: stripe.InvalidRequestError) -> ChargeOutcome | None:
    """A charge of a method that is not there any more; None when the refusal is about else."""
    if error.param in _GONE_PARAMS or error.code == "payment_method_unexpected_state":
        # Whatever the code: without another method every repeat would be refused like this one.
        gone = Decline(
            code=error.code or "payment_method_gone", kind="hard", message=error.user_message
        )
        return ChargeOutcome(status="failed", decline=gone)
    return None


def find_intent(client: stripe.StripeClient, order: str, key: str) -> Document | None:
    """The PaymentIntent of an order's charge: one that moved money, else the one made with key."""
    known = {shapes.identifier(i): i for i in chain(_newest(client, order), _search(client, order))}
    moved = (i for i in known.values() if i.get("status") in _MONEY_MOVED)
    own = (i for i in known.values() if child(i, "metadata").get(KEY) == key)
    return next(chain(moved, own), None)


def between(client: stripe.StripeClient, since: datetime, until: datetime) -> list[Document]:
    """The PaymentIntents that were begun between the instants, with their charges."""
    params: PaymentIntentListParams = {
        "created": {"gte": math.floor(since.timestamp()), "lt": math.ceil(until.timestamp())},
        "limit": 100,
        "expand": ["data.latest_charge"],
    }
    return [plain(each) for each in client.v1.payment_intents.list(params).auto_paging_iter()]


def _newest(client: stripe.StripeClient, order: str) -> Iterator[Document]:
    listed = client.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
    for intent in islice(listed.auto_paging_iter(), NEWEST):
        document = plain(intent)
        if child(document, "metadata").get(ORDER) == order:
            yield document


def _search(client: stripe.StripeClient, order: str) -> Iterator[Document]:
    quoted = order.replace("\\", "\\\\").replace("'", "\\'")
    found = client.v1.payment_intents.search(
        {
            "query": f"metadata['{ORDER}']:'{quoted}'",
            "limit": FOUND,
            "expand": ["data.latest_charge"],
        }
    )
    return map(plain, found.data)


def plain(found: stripe.StripeObject) -> dict[str, Any]:
    """An object of the library as a plain document, as it was in the answer."""
    return found.to_dict(for_json=True)
