"""What a fact means for us. The module ends with the table ``RULES``: the system on one screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from domain import charges, checkouts, managed, methods, moneyback, settlement
from domain.facts import (
    CheckoutApproved,
    CheckoutExpired,
    CustomerRemoved,
    DisputeClosed,
    DisputeOpened,
    Fact,
    FraudWarned,
    MandateChanged,
    MethodRemoved,
    MethodSaved,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    RefundReported,
    RefundTotalReported,
    SubscriptionPaymentFailed,
    SubscriptionRead,
)
from domain.work import Work

Rule = Callable[[Any, Work], None]


def apply(fact: Fact, work: Work) -> None:
    """Apply one fact under the account's lock. Raises ``NotYet`` or ``Permanent``."""
    rule = RULES.get(type(fact))
    if rule is not None:
        rule(fact, work)


def fraud_warned(fact: FraudWarned, work: Work) -> None:
    """A bank suspects fraud: a person decides whether to refund before a dispute comes."""
    work.alert("fraud_warning", f"{work.provider}:{fact.payment}", reason=fact.reason)


RULES: Final[dict[type[Fact], Rule]] = {
    # Money
    PaymentSucceeded: managed.payment_succeeded,
    PaymentPending: settlement.payment_pending,
    PaymentFailed: charges.payment_failed,
    # The way to it
    CheckoutApproved: checkouts.checkout_approved,
    CheckoutExpired: checkouts.checkout_expired,
    MethodSaved: charges.method_saved_rule,
    MethodRemoved: methods.method_removed,
    MandateChanged: methods.mandate_changed,
    CustomerRemoved: methods.customer_removed,
    # Warnings
    FraudWarned: fraud_warned,
    # Provider-run subscriptions
    SubscriptionRead: managed.subscription_read,
    SubscriptionPaymentFailed: managed.subscription_payment_failed,
    # Money back
    RefundReported: moneyback.refund_reported,
    RefundTotalReported: moneyback.refund_total_reported,
    DisputeOpened: moneyback.dispute_opened,
    DisputeClosed: moneyback.dispute_closed,
}
