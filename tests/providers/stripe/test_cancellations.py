"""Subscriptions that Stripe runs are ended by us, once."""

from __future__ import annotations

from tests.providers.stripe.conftest import Shop
from tests.sandbox.test_stripe_subscriptions import subscribe


def test_a_subscription_is_cancelled_once_however_often_it_is_asked_for(shop: Shop) -> None:
    subscription = subscribe(shop.sandbox)
    shop.gateway.cancel_subscription(subscription, "cancel:1")
    shop.gateway.cancel_subscription(subscription, "cancel:1")
    assert shop.read("subscription", subscription)["status"] == "canceled"


def test_a_subscription_that_stripe_does_not_know_is_done(shop: Shop) -> None:
    kept = subscribe(shop.sandbox)
    shop.gateway.cancel_subscription("sub_nobody", "cancel:1")
    assert shop.read("subscription", kept)["status"] == "active"
