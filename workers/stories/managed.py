"""Subscriptions that a provider runs itself: Billhook follows, and never charges."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workers.stories import providers
from workers.stories.characters import end_of, instant
from workers.stories.stage import Stage

MINUTE = timedelta(minutes=1)
OLD_SHAPE = "2020-03-02"
NEW_SHAPE = "2026-10-28.endive"


def a_year_with_stripe(stage: Stage) -> None:
    """Stripe Billing runs a subscription for a year: renewals, a failure, the end, a comeback."""
    ref = "stella"
    stage.tell("Stella's app starts a subscription in Stripe Checkout; Billhook learns of it.")
    stage.register(ref)
    subscription = providers.subscribe_at_stripe(stage, ref, agents=2)
    _expect_run(stage, ref, "stripe")
    stage.tell("Active. Stripe renews month by month, in the old shape of its events first.")
    stage.sandbox("/stripe/api_version", {"version": OLD_SHAPE})
    for month in range(1, 11):
        if month == 5:
            stage.sandbox("/stripe/api_version", {"version": NEW_SHAPE})
        _renew(stage, ref, f"/stripe/subscriptions/{subscription}/renew")
    stage.tell("Ten renewals, ten invoices. Then the card has no funds.")
    _fail_and_recover(
        stage, ref, f"/stripe/subscriptions/{subscription}/renew", fail="insufficient_funds"
    )
    providers.cancel_at_stripe(stage, subscription)
    _expect_cancelled(stage, ref)
    _end(stage, ref)
    _act(stage, f"/stripe/subscriptions/{subscription}/renew")
    account = stage.account(ref)
    stage.expect(account["subscription"]["state"] == "ended", "Stripe ended it")
    stage.tell("Stella comes back with a new subscription.")
    again = providers.subscribe_at_stripe(stage, ref, agents=3)
    stage.expect(again != subscription, "it is another one")
    _expect_run(stage, ref, "stripe", agents=3)
    _expect_books(stage, ref, payments=13)


def a_year_with_paypal(stage: Stage) -> None:
    """PayPal runs a subscription for a year: renewals, a failure, the end, a comeback."""
    ref = "pavel"
    stage.tell("Pavel's app starts a PayPal subscription; he approves it at PayPal.")
    stage.register(ref, currency="EUR", country="SK")
    plan = providers.plan_at_paypal(stage, "23.37")
    subscription = providers.subscribe_at_paypal(stage, ref, plan, agents=2)
    _expect_run(stage, ref, "paypal")
    path = f"/paypal/subscriptions/{subscription}"
    for month in range(1, 11):
        if month == 5:
            stage.sandbox("/paypal/shape", {"version": "1"})
        _renew(stage, ref, f"{path}/renew")
    stage.tell("Ten renewals, the last ones in PayPal's old shape. Then the wallet is empty.")
    _fail_and_recover(stage, ref, f"{path}/renew", fail=True)
    stage.sandbox("/paypal/shape", {"version": "2"})
    _act(stage, f"{path}/cancel")
    _expect_cancelled(stage, ref)
    _end(stage, ref)
    stage.expect(stage.account(ref)["subscription"]["state"] == "ended", "PayPal ended it")
    stage.tell("Pavel comes back with a new subscription.")
    providers.subscribe_at_paypal(stage, ref, plan, agents=1)
    _expect_run(stage, ref, "paypal", agents=1)
    _expect_books(stage, ref, payments=13)


def a_provider_that_gives_up(stage: Stage) -> None:
    """PayPal cannot collect and suspends: the grace, the block, and the way back."""
    ref = "gita"
    stage.register(ref, currency="EUR", country="SK")
    plan = providers.plan_at_paypal(stage, "23.37")
    subscription = providers.subscribe_at_paypal(stage, ref, plan, agents=1)
    path = f"/paypal/subscriptions/{subscription}"
    end = end_of(stage.account(ref))
    stage.tell("Gita's subscription is run by PayPal. At its end PayPal cannot collect, twice.")
    stage.travel(end + MINUTE)
    _act(stage, f"{path}/renew", fail=True)
    _act(stage, f"{path}/renew", fail=True)
    account = stage.account(ref)
    reason = account["subscription"]["auto_renew_off_reason"]
    stage.expect(reason == "renewal_failed", "auto-renew is off")
    stage.expect(account["status"] == "active", "access within the grace")
    stage.travel(end + timedelta(days=5, minutes=1))
    stage.expect(stage.account(ref)["status"] == "blocked", "blocked after the grace")
    stage.tell("PayPal suspends it; after five days of grace the account is blocked.")
    _act(stage, f"{path}/activate")
    _act(stage, f"{path}/renew")
    account = _expect_run(stage, ref, "paypal", agents=1)
    stage.expect(account["subscription"]["state"] == "active", "and active")
    stage.tell("She settles it at PayPal, which resumes: the account is active again.")
    _expect_books(stage, ref, payments=2)


def _expect_run(stage: Stage, ref: str, provider: str, agents: int = 2) -> Any:
    account = stage.account(ref)
    subscription = account["subscription"]
    stage.expect(account["status"] == "active", f"{ref} is active")
    stage.expect(subscription["managed_by"] == provider, f"{provider} runs the subscription")
    stage.expect(subscription["agents"] == agents, f"it is for {agents} agents")
    stage.expect(subscription["auto_renew"], "it renews itself")
    stage.expect(account["next_charge"] is None, "nothing is charged by us")
    return account


def _act(stage: Stage, path: str, **wanted: Any) -> None:
    """Do something at the provider, a minute after what was done before: what is read at the very
    instant of an event counts as read after it."""
    stage.wait(minutes=1)
    stage.sandbox(path, wanted)
    stage.settle()


def _renew(stage: Stage, ref: str, path: str) -> None:
    """The period ends, and the provider collects the next one."""
    end = end_of(stage.account(ref))
    stage.travel(end)
    _act(stage, path)
    account = stage.account(ref)
    stage.expect(end_of(account) > end, "the period went on")
    stage.expect(account["status"] == "active", "without losing access")
    stage.expect(not account["warnings"], "nobody was warned")


def _fail_and_recover(stage: Stage, ref: str, path: str, **failure: Any) -> None:
    end = end_of(stage.account(ref))
    stage.travel(end)
    _act(stage, path, **failure)
    account = stage.account(ref)
    stage.expect(account["subscription"]["state"] == "past_due", "past due")
    stage.expect(account["status"] == "active", "with access")
    stage.tell("Past due. The provider tries again by itself, three days later.")
    stage.wait(days=3)
    _act(stage, path)
    account = stage.account(ref)
    stage.expect(account["subscription"]["state"] == "active", "recovered")
    stage.expect(end_of(account) > end, "the period went on")


def _expect_cancelled(stage: Stage, ref: str) -> None:
    account = stage.account(ref)
    subscription = account["subscription"]
    reason = subscription["auto_renew_off_reason"]
    stage.expect(reason == "cancelled_at_provider", "cancelled at the provider")
    stage.expect(account["status"] == "active", "access goes on until the paid end")
    stage.tell(f"Cancelled there; access goes on until {subscription['period_end'][:10]}.")


def _end(stage: Stage, ref: str) -> None:
    end = end_of(stage.account(ref))
    # Well before it: a repeat that comes due moves the clock by up to twenty minutes.
    stage.travel(end - timedelta(minutes=30))
    stage.expect(stage.account(ref)["status"] == "active", "not blocked before the end")
    stage.travel(end + MINUTE)
    account = stage.account(ref)
    stage.expect(account["status"] == "blocked", "blocked at the end")
    stage.expect(account["blocked"]["reason"] == "subscription_expired", "for expiry")
    stage.expect(instant(account["blocked"]["at"]) >= end, "not before it")
    stage.tell("The paid time is over: blocked.")


def _expect_books(stage: Stage, ref: str, payments: int) -> None:
    """One invoice for each payment over the same amount, and no mail about failed charges."""
    books = providers.books_of(stage, ref)
    stage.expect(len(books.payments) == payments, f"{payments} payments: {len(books.payments)}")
    stage.expect(books.payments == books.invoices, "each with its invoice over the same amount")
    stage.expect(books.mails.count("receipt") == payments, "and its receipt")
    ours = {"renewal_failed", "expiry_warning", "auto_renew_off"} & set(books.mails)
    stage.expect(not ours, "the provider alone mails about failures and the end")
