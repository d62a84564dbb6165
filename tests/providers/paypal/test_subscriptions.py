"""Subscriptions that PayPal runs, followed through its events."""

from __future__ import annotations

from domain.facts import PaymentSucceeded, SubscriptionPaymentFailed, SubscriptionRead
from tests.providers.paypal.played import Played, subscribed


def test_a_subscription_run_by_paypal_is_followed(paypal: Played) -> None:
    subscription = subscribed(paypal)
    [running, money] = paypal.facts("PAYMENT.SALE.COMPLETED")

    assert isinstance(running, SubscriptionRead)
    assert (running.subscription, running.state, running.order) == (
        subscription,
        "active",
        "ord_sub",
    )
    assert isinstance(money, PaymentSucceeded)
    assert (money.subscription, money.order) == (subscription, None)
    assert money.period == running.period is not None


def test_a_failed_payment_and_the_end_of_a_subscription_are_told(paypal: Played) -> None:
    subscription = subscribed(paypal)
    paypal.desk(f"/subscriptions/{subscription}/renew", {"fail": True})
    [late, failure] = paypal.facts("BILLING.SUBSCRIPTION.PAYMENT.FAILED")
    paypal.desk(f"/subscriptions/{subscription}/cancel")
    [ended] = paypal.facts("BILLING.SUBSCRIPTION.CANCELLED")

    assert isinstance(late, SubscriptionRead)
    assert isinstance(failure, SubscriptionPaymentFailed)
    assert isinstance(ended, SubscriptionRead)
    assert (late.state, failure.attempt, failure.final) == ("past_due", 1, False)
    assert (ended.state, ended.auto_renew, ended.ended_at is not None) == ("ended", False, True)
