"""What an event says, in sentences for people: one for each fact, in the visitor's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from domain.money import Money
from webhooks.console.page import Visit
from webhooks.console.speech import mark

FACTS: Final[dict[str, str]] = {
    "CheckoutApproved": mark("The customer approved checkout {checkout}."),
    "CheckoutExpired": mark("Checkout {checkout} expired unpaid."),
    "CustomerRemoved": mark("Customer {customer} was removed."),
    "DisputeClosed": mark("The dispute about payment {payment} over {amount} ended: {outcome}."),
    "DisputeOpened": mark("Payment {payment} is disputed over {amount}."),
    "FraudWarned": mark("Payment {payment} may be a fraud."),
    "MandateChanged": mark("A saved payment method changed its permission."),
    "MethodRemoved": mark("A saved payment method was removed."),
    "MethodSaved": mark("A payment method was saved."),
    "PaymentFailed": mark("Payment {payment} failed: {decline}."),
    "PaymentPending": mark("Payment {payment} of {amount} is pending."),
    "PaymentSucceeded": mark("Payment {payment} of {amount} succeeded."),
    "RefundReported": mark("Refund {refund} of {amount} of payment {payment}: {status}."),
    "RefundTotalReported": mark("Of payment {payment}, {total} in all was given back."),
    "SubscriptionPaymentFailed": mark("The provider could not collect for {subscription}."),
    "SubscriptionRead": mark("Subscription {subscription} at the provider is {state}."),
}
"""A sentence for each kind of fact in ``domain.facts``; a test compares."""
_TERMS: Final = frozenset({"outcome", "state", "status"})


def sentences(visit: Visit, facts: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence per fact."""
    return [sentence(visit, fact) for fact in facts]


def sentence(visit: Visit, fact: dict[str, Any]) -> str:
    """A fact, as plain data, in one sentence."""
    template = FACTS.get(fact.get("type", ""))
    if template is None:
        return str(fact.get("type", "?"))
    values = _Lenient({name: _word(visit, name, value) for name, value in fact.items()})
    return str(visit.say(template)).format_map(values)


def _word(visit: Visit, name: str, value: Any) -> str:
    if isinstance(value, dict) and {"amount", "currency"} <= set(value):
        return visit.speech.money(Money(value["amount"], value["currency"]))
    if isinstance(value, dict) and "code" in value:
        return visit.speech.term(str(value["code"]))
    return visit.speech.term(str(value)) if name in _TERMS else str(value)


class _Lenient(dict[str, Any]):
    """A fact may lack what it need not say."""

    def __missing__(self, key: str) -> str:
        return "?"
