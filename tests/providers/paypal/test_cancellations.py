"""Subscriptions that PayPal runs are ended by us, once."""

from __future__ import annotations

import pytest

from domain.errors import Transient
from tests.providers.paypal.played import Played, subscribed

ENDED = "BILLING.SUBSCRIPTION.CANCELLED"


def test_a_subscription_is_cancelled_once_however_often_it_is_asked_for(paypal: Played) -> None:
    subscription = subscribed(paypal)
    paypal.gateway.cancel_subscription(subscription, "cancel:1")
    paypal.gateway.cancel_subscription(subscription, "cancel:2")
    assert paypal.types().count(ENDED) == 1


def test_a_subscription_that_paypal_does_not_know_is_done(paypal: Played) -> None:
    paypal.gateway.cancel_subscription("I-NOSUCHONE", "cancel:1")
    assert ENDED not in paypal.types()


def test_a_lost_answer_is_tried_again_later(paypal: Played) -> None:
    subscription = subscribed(paypal)
    paypal.fault("timeout", path="*/cancel", method="POST", seconds=0.7)
    with pytest.raises(Transient):
        paypal.gateway.cancel_subscription(subscription, "cancel:1")
    paypal.gateway.cancel_subscription(subscription, "cancel:1")
    assert paypal.types().count(ENDED) == 1
